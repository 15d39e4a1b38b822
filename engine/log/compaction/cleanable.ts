// Whether a log is worth compacting, and what exactly would be: by the log's owner, who knows its segments.
import { type Log } from '../partition-log.ts'
import { checkpointKey } from '../log-directory.ts'
import { offsetEntryBytes } from '../offset-index.ts'
import { type Segment } from '../segment.ts'
import { timeEntryBytes } from '../time-index.ts'
import { type Offset } from '../types.ts'
import { type CompactionPlan, type LastOfProducer, type SourceSegment } from './plan.ts'

export interface CleanableRange {
  readonly firstDirty: Offset
  /** A segment's start: neither the active segment nor anything undecided or too young lies below. */
  readonly firstUncleanable: Offset
  readonly ratio: number
}

/** null: not now. */
export function cleanableRange (log: Log, highWatermark: Offset, nowMs: number): CleanableRange | null {
  const { config, segments, compaction } = log
  if (!config.compacts || log.failed || segments.length < 2) return null
  if (compaction.uncleanable || compaction.running !== null) return null
  const firstDirty = dirtyFrom(log)
  const sealed = segments.slice(0, -1)
  const youngFrom = tooYoungFrom(sealed, firstDirty, config.minCompactionLagMs, nowMs)
  const stable = Math.min(highWatermark, log.firstUnstable, youngFrom)
  let below = 0
  while (below < sealed.length && segments[below + 1].baseOffset <= stable) below++
  const firstUncleanable = segments[below].baseOffset
  let cleanBytes = 0
  let dirtyBytes = 0
  for (const [index, { baseOffset, bytes }] of sealed.slice(0, below).entries()) {
    if (baseOffset < firstDirty) cleanBytes += bytes
    if (segments[index + 1].baseOffset > firstDirty) dirtyBytes += bytes
  }
  if (dirtyBytes === 0) return null
  const ratio = dirtyBytes / (cleanBytes + dirtyBytes)
  const due = ratio > config.minCleanableRatio || isOverdue(log, sealed.slice(0, below), firstDirty, nowMs)
  return due ? { firstDirty, firstUncleanable, ratio } : null
}

/** What the checkpoint says, where it can be right. */
function dirtyFrom (log: Log): Offset {
  const { cleanedTo } = log.compaction
  if (cleanedTo < 0) return log.start
  if (cleanedTo >= log.start && cleanedTo <= log.end) return cleanedTo
  if (cleanedTo > log.end || !log.config.deletes) {
    const fields = { folder: log.parts.folder, cleanedTo, start: log.start, end: log.end }
    log.parts.logger.warn(fields, 'compaction is said to have reached an offset outside of the log: it starts over')
  }
  log.compaction.cleanedTo = log.start
  return log.start
}

/** The first dirty segment with a record younger than min.compaction.lag.ms. */
function tooYoungFrom (sealed: readonly Segment[], firstDirty: Offset, lagMs: number, nowMs: number): Offset {
  if (lagMs <= 0) return Infinity
  for (const [index, segment] of sealed.entries()) {
    const end = sealed[index + 1]?.baseOffset ?? Infinity
    if (end > firstDirty && segment.meter.maxTimestampMs > nowMs - lagMs) return segment.baseOffset
  }
  return Infinity
}

/** A record has waited for longer than max.compaction.lag.ms. */
function isOverdue (log: Log, below: readonly Segment[], firstDirty: Offset, nowMs: number): boolean {
  const { maxCompactionLagMs } = log.config
  if (maxCompactionLagMs < 0) return false
  for (const [index, segment] of below.entries()) {
    const end = below[index + 1]?.baseOffset ?? Infinity
    if (end <= firstDirty || segment.bytes === 0) continue
    const firstMs = firstTimestampMs(log, segment)
    if (firstMs > 0 && firstMs < nowMs - maxCompactionLagMs) return true
  }
  return false
}

function firstTimestampMs (log: Log, segment: Segment): number {
  const { meter } = segment
  if (meter.firstTimestampMs >= 0) return meter.firstTimestampMs
  const { disk } = log.parts
  const { scan } = log
  const file = disk.open(segment.path, 'read')
  try {
    scan.reset()
    if (scan.load(file, 0, segment.bytes)) meter.firstTimestampMs = scan.header.maxTimestamp
  } finally {
    scan.reset()
    disk.close(file)
  }
  return meter.firstTimestampMs
}

/** Begins a compaction: the log remembers it until it ends. */
export function planCompaction (log: Log, range: CleanableRange, nowMs: number): CompactionPlan {
  const { segments, config } = log
  const sources: SourceSegment[] = []
  const rest: CompactionPlan['rest'][number][] = []
  segments.forEach((segment, index) => {
    const { baseOffset, path, bytes, serial, meter } = segment
    if (baseOffset >= range.firstUncleanable) {
      rest.push({ baseOffset, path, bytes })
      return
    }
    sources.push({
      baseOffset,
      path,
      bytes,
      serial,
      end: segments[index + 1].baseOffset,
      offsetIndexBytes: meter.offsetEntries * offsetEntryBytes,
      timeIndexBytes: meter.timeEntries * timeEntryBytes
    })
  })
  const retired = new SharedArrayBuffer(sources.length * 4)
  log.compaction.running = { sources, retired }
  return {
    key: checkpointKey(log.parts.identity),
    folder: log.parts.folder,
    ...range,
    nowMs,
    sources,
    rest,
    retired,
    producers: lastOfProducers(log),
    rules: {
      segmentBytes: config.segmentBytes,
      segmentIndexBytes: config.segmentIndexBytes,
      indexIntervalBytes: config.indexIntervalBytes,
      deleteRetentionMs: config.deleteRetentionMs,
      decompressedBytesMax: config.decompressedBytesMax
    }
  }
}

function lastOfProducers (log: Log): LastOfProducer[] {
  const last: LastOfProducer[] = []
  for (const { id, lastOffset, epoch } of log.producers.entries()) last.push([id, lastOffset, epoch])
  return last
}
