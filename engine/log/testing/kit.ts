// What the log's tests share: a configuration, batches, and a log that is opened, crashed and opened again.
import { type Disk } from '../../base/disk.ts'
import { MemoryDisk } from '../../base/disk-memory.ts'
import { silentLogger } from '../../base/logger.ts'
import { type Random } from '../../base/random.ts'
import { buildBatch, type BatchOptions, decodeRecords, type RecordInput } from '../../protocol/record.ts'
import { eachBatch } from '../../protocol/record-batch.ts'
import { type Log } from '../partition-log.ts'
import { type SegmentView } from '../partition-log.types.ts'
import { openLog, type OpenOptions } from '../recovery.ts'
import { type LogConfig, type Offset } from '../types.ts'

/** Kafka's defaults. */
export const defaults: LogConfig = {
  segmentBytes: 1 << 30,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 << 20,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1_048_588,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  fileDeleteDelayMs: 60_000,
  logAppendTime: false,
  timestampBeforeMaxMs: -1,
  timestampAfterMaxMs: 3_600_000,
  deletes: true,
  compacts: false,
  compressionType: 'producer',
  flushMessages: -1,
  flushMs: -1,
  preallocate: false,
  producerIdExpirationMs: 86_400_000,
  compressionLevels: { gzip: -1, lz4: 9, zstd: 3 },
  decompressedBytesMax: 128 * 2 ** 20,
  minCleanableRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 86_400_000,
  durability: 'page-cache'
}

export const now = 1_800_000_000_000

export const fixedRandom: Random = {
  float: () => 0.5,
  below: bound => Math.floor(bound / 2),
  bytes: count => Buffer.alloc(count, 7),
  uuid: () => '11111111-2222-4333-8444-555555555555'
}

export const topicId = '9b3f6d6a-0c4e-4f1a-8b5e-0d9a6f3c2b1a'

export interface Seen {
  views: Map<Offset, SegmentView>
  removed: Offset[]
  epochs: readonly (readonly [number, Offset])[]
}

export interface Opened {
  log: Log
  disk: Disk
  seen: Seen
}

/** Opens `orders-0` in /data. */
export function open (disk: Disk, config: Partial<LogConfig> = {}, more: Partial<OpenOptions> = {}): Opened {
  const seen: Seen = { views: new Map(), removed: [], epochs: [] }
  const log = openLog({
    disk,
    logger: silentLogger,
    random: fixedRandom,
    listener: {
      segmentChanged (view) { seen.views.set(view.baseOffset, view) },
      segmentRemoved (baseOffset) {
        seen.removed.push(baseOffset)
        seen.views.delete(baseOffset)
      },
      epochsChanged (epochs) { seen.epochs = [...epochs] }
    },
    identity: { topic: 'orders', topicId, partition: 0 },
    folder: '/data/orders-0',
    config: { ...defaults, ...config },
    nowMs: now,
    clean: false,
    recoveryPoint: -1,
    logStart: 0,
    ...more
  })
  return { log, disk, seen }
}

export function newLog (config: Partial<LogConfig> = {}): Opened {
  const disk = new MemoryDisk(() => now)
  disk.makeDirectory('/data')
  const opened = open(disk, config)
  opened.log.becomeLeader(0)
  return opened
}

export function records (...values: string[]): RecordInput[] {
  return values.map(value => ({ value: Buffer.from(value), timestamp: now }))
}

export function batch (values: string[], options: BatchOptions = {}, timestamp: number = now): Buffer {
  return buildBatch(options, values.map(value => ({ value: Buffer.from(value), timestamp })))
}

/** Appends one batch in a round of its own; throws when it is refused. */
export function append (
  log: Log, values: string[], options: BatchOptions = {}, timestamp: number = now
): Offset {
  const { errorCode, baseOffset } = log.stageAsLeader(batch(values, options, timestamp), 'client', now)
  if (errorCode !== 0) throw new Error(`refused with ${errorCode}`)
  log.write(now)
  return baseOffset
}

/** Offset and value of all records in the .log files. */
export function contents (log: Log): [Offset, string][] {
  const found: [Offset, string][] = []
  for (const segment of log.segments) {
    const bytes = log.parts.disk.readFile(segment.path).subarray(0, segment.bytes)
    eachBatch(bytes, 0, bytes.length, at => {
      for (const { offset, value } of decodeRecords(bytes, at)) found.push([offset, value?.toString() ?? ''])
    })
  }
  return found
}
