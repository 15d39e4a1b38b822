// Cutting a log: back to an offset (a follower that parted from its leader), or to nothing at a new start.
import { assert } from '../base/assert.ts'
import { type HeaderScan } from './header-scan.ts'
import { floorPosition } from './offset-index.ts'
import { type Log } from './partition-log.ts'
import { loadProducers } from './producer-recovery.ts'
import { unseal } from './segment-recovery.ts'
import { type Segment } from './segment.ts'
import { type Offset } from './types.ts'

/** Keeps the batches that lie wholly below `offset`: start <= offset < end. */
export function truncateTail (log: Log, offset: Offset): void {
  const { segments, files, parts } = log
  let keep = segments.length
  while (keep > 1 && segments[keep - 1].baseOffset > offset) keep--
  const behind = segments.splice(keep).reverse()
  for (const segment of behind) files.doom(segment, 0)
  // The newest first, and for good: a crash must not leave records behind the cut.
  if (behind.length > 0) files.flushNames()
  const active = segments[keep - 1]
  unseal(parts.disk, log.scan, active, log.config)
  files.dropUnflushed(active.baseOffset)
  const end = cutSegment(log, active, offset)
  parts.listener.segmentChanged(active.view())
  // What is forgotten must be forgotten on disk first: a crash here must not bring back what a new leader
  // has replaced.
  parts.disk.fsync(active.file)
  if (files.epochs.truncateFromEnd(end)) files.epochsChanged()
  files.writeEpochs(true)
  files.removeSnapshots(snapshot => snapshot > end)
  files.flushNames()
  files.unlinkDue(0)
  log.reset(Math.min(log.start, end), end)
  loadProducers(log, end)
}

export function truncateFully (log: Log, offset: Offset): void {
  const { segments, files } = log
  for (const segment of segments.splice(0).reverse()) files.doom(segment, 0)
  files.epochs.clear()
  files.epochsChanged()
  files.writeEpochs(true)
  files.removeSnapshots(() => true)
  log.producers.clear()
  log.snapshotOffset = -1
  log.reset(offset, offset)
  log.roll(offset, null, log.nowMs)
  log.reset(offset, offset)
  log.recoveryPoint = offset
  files.flushNames()
  files.unlinkDue(0)
}

/** Cuts before the first batch that reaches `offset`; returns where the log ends then. */
function cutSegment (log: Log, segment: Segment, offset: Offset): Offset {
  const { scan } = log
  const relative = offset - segment.baseOffset
  const size = segment.bytes
  let position = relative <= 0 ? 0 : floorPosition(segment.offsetIndex.memory, relative - 1)
  let end = segment.baseOffset
  scan.reset()
  while (scan.load(segment.file, position, size)) {
    if (scan.header.lastOffset >= offset) break
    end = scan.header.lastOffset + 1
    position += scan.header.bytes
  }
  assert(position <= size, 'a cut lies inside the segment')
  segment.cut(position, end - segment.baseOffset)
  scan.reset()
  restoreMeter(segment, scan)
  return end
}

/** The newest time of what is left, and how far the last index entry lies back. */
function restoreMeter (segment: Segment, scan: HeaderScan): void {
  const { meter } = segment
  meter.maxTimestampMs = segment.timeIndex.lastTimestampMs
  meter.maxTimestampOffset = segment.baseOffset + Math.max(0, segment.timeIndex.lastRelative)
  if (meter.bytes === 0) meter.firstTimestampMs = -1
  let position = segment.offsetIndex.lastPosition
  meter.sinceEntryBytes = meter.bytes - position
  while (scan.load(segment.file, position, meter.bytes)) {
    if (scan.header.maxTimestamp > meter.maxTimestampMs) {
      meter.maxTimestampMs = scan.header.maxTimestamp
      meter.maxTimestampOffset = scan.header.lastOffset
    }
    position += scan.header.bytes
  }
}
