// What has to go: segments older than retention.ms, more bytes than retention.bytes, everything below the
// log start. From the oldest on, never above the high watermark, and one segment always stays.
import { type Log } from './partition-log.ts'
import { type Segment } from './segment.ts'
import { type Offset } from './types.ts'

/** How many of the oldest segments are due; `startOnly` leaves out what is merely old or too much. */
export function deletionDue (log: Log, nowMs: number, highWatermark: Offset, startOnly: boolean): number {
  const { retentionBytes, retentionMs } = log.config
  const deletes = log.config.deletes && !startOnly
  let spareBytes = deletes && retentionBytes >= 0 ? log.bytes - retentionBytes : -1
  let count = 0
  for (const segment of log.segments) {
    const next = log.segments[count + 1]
    const end = next === undefined ? log.end : next.baseOffset
    if (next === undefined && segment.bytes === 0) break
    if (end > highWatermark) break
    const overSize = spareBytes - segment.bytes >= 0
    const below = next !== undefined && end <= log.start
    const tooOld = deletes && isTooOld(log, segment, retentionMs, nowMs)
    if (!overSize && !below && !tooOld) break
    if (overSize) spareBytes -= segment.bytes
    count++
  }
  return count
}

/**
 * By the segment's newest record. One from the future keeps its segment; a segment without times counts
 * from when it was made.
 */
function isTooOld (log: Log, segment: Segment, retentionMs: number, nowMs: number): boolean {
  if (retentionMs < 0) return false
  const { maxTimestampMs } = segment.meter
  const newestMs = maxTimestampMs >= 0
    ? maxTimestampMs
    : log.parts.disk.status(segment.path)?.modifiedMs ?? nowMs
  return nowMs - newestMs > retentionMs
}

/**
 * Takes the oldest `count` segments out of the log; when that is all of them, an empty one begins at the
 * end.
 */
export function deleteDue (log: Log, count: number, nowMs: number): void {
  if (count === log.segments.length) log.roll(log.end, null, nowMs)
  const gone = log.segments.splice(0, count)
  log.advanceStart(Math.max(log.start, log.segments[0].baseOffset))
  log.parts.listener.startMoved?.()
  for (const segment of gone) log.files.doom(segment, nowMs + log.config.fileDeleteDelayMs)
  // Last: segments that a crash brings back want their epochs.
  log.files.writeEpochs(false)
  log.reset(log.start, log.end)
}
