// What the log layer and its callers agree on. Plain data: it crosses thread borders.
import { type LogConfig } from '../config/log-config.ts'

export { type LogConfig }

export type Offset = number & { readonly is?: 'offset' }
export type Position = number & { readonly is?: 'position' }

/** Names one partition's log in a log directory. */
export interface LogIdentity {
  topic: string
  /** uuid text */
  topicId: string
  partition: number
}

/** What a broker did with one batch (or the batches of one partition in one request). */
export interface AppendResult {
  /** Kafka error code, 0 when appended (or recognised as a duplicate). */
  errorCode: number
  /** Of the first record; the first append's for a duplicate; -1 on error. */
  baseOffset: Offset
  lastOffset: Offset
  /** -1 unless message.timestamp.type=LogAppendTime. */
  logAppendTimeMs: number
  logStartOffset: Offset
  duplicate: boolean
  /** Text for the client (ProduceResponse v8 errorMessage), null when none. */
  errorMessage: string | null
  /** Records to blame (ProduceResponse v8 recordErrors). */
  recordErrors: readonly { batchIndex: number, message: string | null }[]
}

export interface EpochEndOffset {
  /** -1 when unknown */
  leaderEpoch: number
  /** -1 when unknown */
  endOffset: Offset
}

export interface TimestampOffset {
  /** -1 when there is none */
  offset: Offset
  timestampMs: number
  leaderEpoch: number
}
