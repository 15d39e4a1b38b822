// The settings of one partition's log, typed: what a topic's settings come to. Plain data: it crosses thread
// borders.

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
  /** compression.gzip.level and so on, for what is compressed here. */
  compressionLevels: { gzip: number, lz4: number, zstd: number }
  /** max.decompressed.message.bytes, bounded: no batch may unfold to more. */
  decompressedBytesMax: number
  /** min.cleanable.dirty.ratio */
  minCleanableRatio: number
  minCompactionLagMs: number
  maxCompactionLagMs: number
  deleteRetentionMs: number
  flushMessages: number
  flushMs: number
  preallocate: boolean
  /** producer.id.expiration.ms */
  producerIdExpirationMs: number
  /**
   * 'page-cache': Kafka's default. Else the durable end, and so the high watermark, waits for fsync:
   * 'group-commit' for one that many writes share, 'always' for the write's own, before it is answered.
   */
  durability: 'page-cache' | 'group-commit' | 'always'
}
