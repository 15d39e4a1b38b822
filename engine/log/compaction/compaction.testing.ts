// What the tests of compaction share: one run over a log, step by step, as the threads do it.
import { FakeClock } from '../../base/clock-fake.ts'
import { DiskError } from '../../base/disk.ts'
import { decodeRecords } from '../../protocol/record.ts'
import { BatchHeader, eachBatch, readBatchHeader } from '../../protocol/record-batch.ts'
import { type Log } from '../partition-log.ts'
import { now } from '../testing/kit.ts'
import { type Offset } from '../types.ts'
import { cleanableRange, planCompaction } from './cleanable.ts'
import { Cleaning } from './cleaning.ts'
import { type CompactionBounds, type CompactionProgress } from './plan.ts'
import { swapIn } from './swap.ts'

export const bounds: CompactionBounds = {
  mapBytes: 2 ** 20, loadFactor: 0.9, bufferBytes: 65_536, secret: Buffer.from('0123456789abcdef')
}

export interface RunOptions {
  nowMs?: number
  highWatermark?: Offset
  bounds?: Partial<CompactionBounds>
  /** Called between steps. */
  between?: (progress: CompactionProgress) => void
}

export type RunEnd = 'nothing' | 'done' | 'changed' | 'corrupt'

/** One compaction from plan to checkpoint. */
export function compact (log: Log, options: RunOptions = {}): RunEnd {
  const nowMs = options.nowMs ?? now
  const highWatermark = options.highWatermark ?? log.end
  log.replicated(highWatermark)
  const range = cleanableRange(log, highWatermark, nowMs)
  if (range === null) return 'nothing'
  const plan = planCompaction(log, range, nowMs)
  const cleaning = new Cleaning(log.parts.disk, new FakeClock(), plan, { ...bounds, ...options.bounds })
  try {
    for (;;) {
      const progress = cleaning.step()
      options.between?.(progress)
      if (progress.kind === 'group' && !swapIn(log, progress.group, nowMs)) {
        cleaning.dismiss(progress.group)
        return 'changed'
      }
      if (progress.kind === 'done') log.compaction.cleanedTo = progress.cleanedTo
      if (progress.kind === 'corrupt') log.compaction.uncleanable = true
      if (progress.kind === 'done' || progress.kind === 'corrupt') return progress.kind
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return 'changed'
    throw error
  } finally {
    cleaning.stop()
    log.compaction.running = null
  }
}

export interface SeenRecord {
  readonly offset: Offset
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export interface SeenBatch {
  readonly header: BatchHeader
  readonly records: readonly SeenRecord[]
}

/** Every batch in the .log files. */
export function batchesOf (log: Log): SeenBatch[] {
  const found: SeenBatch[] = []
  for (const segment of log.segments) {
    const bytes = log.parts.disk.readFile(segment.path).subarray(0, segment.bytes)
    const end = eachBatch(bytes, 0, bytes.length, at => {
      const records = decodeRecords(bytes, at).map(({ offset, key, value, timestamp }) => ({
        offset, key: key?.toString() ?? null, value: value?.toString() ?? null, timestamp
      }))
      found.push({ header: readBatchHeader(bytes, at, new BatchHeader()), records })
    })
    if (end !== bytes.length) throw new Error(`${segment.path} ends within a batch`)
  }
  return found
}

export function recordsOfLog (log: Log): SeenRecord[] {
  return batchesOf(log).flatMap(({ records }) => records)
}

/** `offset:key=value` of every record; a tombstone has no value. */
export function lines (log: Log): string[] {
  return recordsOfLog(log).map(({ offset, key, value }) => `${offset}:${key}=${value ?? ''}`)
}
