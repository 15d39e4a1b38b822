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

/** Who appends: a coordinator may write what no client may. */
export type AppendKind = 'client' | 'coordinator'

/** What a disk thread found in records that took long to check. */
export interface CheckedRecords {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly recordErrors: AppendResult['recordErrors']
  /** As Admission has it. */
  readonly logSeen: boolean
  /** The batch's, of the records that were sent: their time and type are set there, in place. */
  readonly bytes: number
  /** What was made of it, where the topic stores another codec. In shared memory: it crosses twice. */
  readonly packed: Uint8Array | null
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
  /** A batch that had to be looked into lies there, and cannot be read. */
  damaged?: { readonly path: string, readonly position: Position }
}
