// What the log layer and its callers agree on. Plain data: it crosses thread borders.

export type Offset = number & { readonly is?: 'offset' }
export type Position = number & { readonly is?: 'position' }

/**
 * The settings of one partition's log, typed (Kafka's topic settings of the same names; -1 is "no limit").
 */
export interface LogConfig {
  segmentBytes: number
  segmentMs: number
  segmentJitterMs: number
  segmentIndexBytes: number
  indexIntervalBytes: number
  maxMessageBytes: number
  retentionMs: number
  retentionBytes: number
  fileDeleteDelayMs: number
  /** message.timestamp.type */
  logAppendTime: boolean
  timestampBeforeMaxMs: number
  timestampAfterMaxMs: number
  /** cleanup.policy holds "delete" / "compact". */
  deletes: boolean
  compacts: boolean
  /** compression.type: 'producer' keeps what came. */
  compressionType: string
  flushMessages: number
  flushMs: number
  preallocate: boolean
  /** producer.id.expiration.ms */
  producerIdExpirationMs: number
  /**
   * 'page-cache': Kafka's default. 'group-commit' (and 'always'): the durable end, and so the high
   * watermark, waits for fsync.
   */
  durability: 'page-cache' | 'group-commit' | 'always'
}

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
