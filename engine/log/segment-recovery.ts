// Reads a segment from its first byte to see what of it can be trusted, and makes its indexes anew.
import { type Disk } from '../base/disk.ts'
import {
  BatchHeader, batchHeader, batchHeaderBytes, batchOverheadBytes, readBatchHeader, readInt32, readInt64,
  scanBatch, verifyCrc
} from '../protocol/record-batch.ts'
import { type HeaderScan } from './header-scan.ts'
import { suffix } from './names.ts'
import { OffsetIndex, offsetEntryBytes } from './offset-index.ts'
import { type SegmentReader } from './reader.ts'
import { relativeOffsetMax, type Segment } from './segment.ts'
import { TimeIndex, timeEntryBytes } from './time-index.ts'
import { type LogConfig, type Offset, type Position } from './types.ts'

/** What one read takes in; a larger batch makes the buffer grow to its size. */
const windowBytes = 1 << 20

export interface RecoveredSegment {
  /** The offset behind the last good batch. */
  end: Offset
  /** Bytes that were cut off. */
  lostBytes: number
  /** They were sound, and the next segment holds those offsets. */
  replaced: boolean
}

/**
 * Everything below `trusted` is on the device, records and indexes: takes the indexes up to the last batch
 * there that has an entry. Returns its first offset, from which on the segment is to be read; the segment's
 * own when nothing of it can be believed.
 */
export function resumeSegment (disk: Disk, segment: Segment, trusted: Offset): Offset {
  const { baseOffset, meter } = segment
  const indexes = trusted > baseOffset ? readIndexes(disk, segment) : null
  if (indexes === null) return baseOffset
  if (segment.aborted !== null && !segment.aborted.load(baseOffset, Infinity)) return baseOffset
  const { offsets, times } = indexes
  offsets.truncate(trusted - baseOffset)
  times.truncate(offsets.lastRelative + 1)
  const position = offsets.lastPosition
  const first = batchAt(disk, segment, 0)
  const last = offsets.count === 0 ? null : batchAt(disk, segment, position)
  // What is cut off behind it is cut off for good: the place must be right.
  if (first === null || last?.lastOffset !== baseOffset + offsets.lastRelative) return baseOffset
  segment.loadIndexes(offsets, times)
  meter.bytes = position
  meter.sinceEntryBytes = 0
  meter.firstTimestampMs = first.maxTimestamp
  meter.maxTimestampMs = times.lastTimestampMs
  meter.maxTimestampOffset = baseOffset + Math.max(0, times.lastRelative)
  return last.baseOffset
}

/** The header of a sound batch; null when there is none. */
function batchAt (disk: Disk, segment: Segment, position: Position): BatchHeader | null {
  const head = Buffer.alloc(batchHeaderBytes)
  if (disk.read(segment.file, head, position) < batchHeaderBytes) return null
  const header = readBatchHeader(head, 0)
  if (header.bytes < batchHeaderBytes || position + header.bytes > segment.bytes) return null
  const batch = Buffer.allocUnsafe(header.bytes)
  const whole = disk.read(segment.file, batch, position) === batch.length
  return whole && scanBatch(batch, 0, batch.length) === batch.length && verifyCrc(batch, 0, batch.length)
    ? header
    : null
}

/**
 * Every batch whole, its checksum right, offsets rising: up to the first that is not so, or that reaches
 * `before`, where the next segment begins: the log was cut before that one was made, and a power cut took
 * the cut. The rest is cut off, the indexes are rebuilt. Begins at `from`, where resumeSegment() said so.
 */
export function recoverSegment (
  disk: Disk, segment: Segment, config: LogConfig, from: Offset, before: Offset,
  seen: (header: BatchHeader, batch: Buffer) => void
): RecoveredSegment {
  const { file } = segment
  const size = disk.size(file)
  if (from === segment.baseOffset) {
    startOver(segment)
    segment.aborted?.remove()
  }
  const header = new BatchHeader()
  let window: Buffer = Buffer.allocUnsafe(Math.min(windowBytes, size))
  let windowAt: Position = segment.bytes
  let filled = 0
  let end = from
  let replaced = false
  for (;;) {
    const position = segment.bytes
    let at = position - windowAt
    let bytes = scanBatch(window, at, filled)
    if (bytes === 0 && windowAt + filled < size) {
      window = windowFor(window, at, filled, size - position)
      windowAt = position
      filled = disk.read(file, window, position)
      at = 0
      bytes = scanBatch(window, 0, filled)
      if (bytes === 0 && needsMore(window, filled, size - position)) continue
    }
    if (bytes < batchHeaderBytes || !verifyCrc(window, at, bytes)) break
    readBatchHeader(window, at, header)
    if (!fits(header, segment.baseOffset, end)) break
    replaced = header.lastOffset >= before
    if (replaced) break
    end = header.lastOffset + 1
    segment.appended(bytes, header.lastOffset, header.maxTimestamp, config.indexIntervalBytes)
    seen(header, window.subarray(at, at + bytes))
  }
  const lostBytes = size - segment.bytes
  if (lostBytes > 0) disk.truncate(file, segment.bytes)
  segment.rewriteIndexes()
  return { end, lostBytes, replaced }
}

/** Offsets, which no checksum covers, rise, and an index could speak of them. */
export function fits (header: BatchHeader, segmentBase: Offset, end: Offset): boolean {
  return header.magic === 2 && header.exact && header.lastOffsetDelta >= 0 && header.baseOffset >= end &&
    header.lastOffset - segmentBase <= relativeOffsetMax
}

/** A buffer that holds the batch at `at`, as far as its size is known and believable. */
function windowFor (window: Buffer, at: Position, filled: number, left: number): Buffer {
  const known = filled - at >= batchOverheadBytes
  const bytes = known ? readInt32(window, at + batchHeader.length) + batchOverheadBytes : 0
  const wanted = Math.min(left, Math.max(windowBytes, bytes))
  return wanted > window.length ? Buffer.allocUnsafe(wanted) : window
}

/** The size of the batch at the start of the window was not known when the window was made. */
function needsMore (window: Buffer, filled: number, left: number): boolean {
  if (filled < batchOverheadBytes) return false
  const bytes = readInt32(window, batchHeader.length) + batchOverheadBytes
  return bytes > window.length && bytes <= left
}

/**
 * Makes the indexes of a segment again from its headers, and leaves the records as they are. Returns the
 * offset behind the last one.
 */
export function rebuildIndexes (disk: Disk, scan: HeaderScan, segment: Segment, config: LogConfig): Offset {
  const size = segment.bytes
  const file = disk.open(segment.path, 'read')
  startOver(segment)
  let end = segment.baseOffset
  try {
    scan.reset()
    for (let position = 0; scan.load(file, position, size); position += scan.header.bytes) {
      const { header } = scan
      if (!fits(header, segment.baseOffset, end)) break
      end = header.lastOffset + 1
      segment.appended(header.bytes, header.lastOffset, header.maxTimestamp, config.indexIntervalBytes)
    }
  } finally {
    scan.reset()
    disk.close(file)
  }
  segment.finishTimeIndex()
  segment.rewriteIndexes()
  segment.meter.bytes = size
  return end
}

function startOver (segment: Segment): void {
  const { createdMs, jitterMs } = segment.meter
  segment.meter.start(segment.baseOffset, createdMs, jitterMs)
  segment.loadIndexes(new OffsetIndex(), new TimeIndex())
  segment.emptyIndexFiles()
}

/** Both index files decoded; null when one is missing, damaged, or speaks of what is not in the segment. */
export function readIndexes (
  disk: Disk, segment: Segment
): { offsets: OffsetIndex, times: TimeIndex } | null {
  const offsetBytes = disk.status(segment.pathOf(suffix.offsetIndex))
  const timeBytes = disk.status(segment.pathOf(suffix.timeIndex))
  if (offsetBytes === null || timeBytes === null) return null
  const offsets = OffsetIndex.decode(disk.readFile(segment.pathOf(suffix.offsetIndex)), segment.bytes)
  const times = TimeIndex.decode(disk.readFile(segment.pathOf(suffix.timeIndex)))
  return offsets === null || times === null ? null : { offsets, times }
}

/** Index files up to here are read whole even after a clean shutdown; of larger ones only the ends. */
const wholeBytesMax = 65_536

/**
 * What a sealed segment's index files say about its newest record; null when they cannot be right. No record
 * is read: the last entries must point at batches that end where, and are as old as, they say.
 */
export function glanceAtIndexes (
  disk: Disk, reader: SegmentReader, segment: Segment
): { maxTimestampMs: number, relative: number } | null {
  const offset = lastEntry(disk, segment.pathOf(suffix.offsetIndex), offsetEntryBytes)
  const time = lastEntry(disk, segment.pathOf(suffix.timeIndex), timeEntryBytes)
  if (offset === null || time === null) return null
  if (offset.fileBytes + time.fileBytes <= wholeBytesMax && readIndexes(disk, segment) === null) return null
  const view = { ...segment.view(), sealedBytes: segment.bytes }
  try {
    if (offset.fileBytes > 0) {
      const header = reader.headerAt(view, offset.entry.readInt32BE(4))
      if (header?.lastOffset !== segment.baseOffset + offset.entry.readInt32BE(0)) return null
    }
    if (time.fileBytes === 0) {
      // No times at all is right only where the records have none.
      return (reader.headerAt(view, 0)?.maxTimestamp ?? -1) >= 0 ? null : { maxTimestampMs: -1, relative: 0 }
    }
    const maxTimestampMs = readInt64(time.entry, 0)
    const relative = time.entry.readInt32BE(8)
    const newest = reader.find(view, segment.baseOffset + relative, Infinity)
    const header = newest === null ? null : reader.headerAt(view, newest.position)
    return header?.maxTimestamp === maxTimestampMs ? { maxTimestampMs, relative } : null
  } finally {
    reader.forget(view)
  }
}

/** The last entry's bytes and the file's size; null when it is missing or not made of whole entries. */
function lastEntry (
  disk: Disk, path: string, entryBytes: number
): { entry: Buffer, fileBytes: number } | null {
  const status = disk.status(path)
  if (status === null || status.bytes % entryBytes !== 0) return null
  const entry = Buffer.alloc(entryBytes)
  if (status.bytes > 0) {
    const file = disk.open(path, 'read')
    try {
      disk.read(file, entry, status.bytes - entryBytes)
    } finally {
      disk.close(file)
    }
  }
  return { entry, fileBytes: status.bytes }
}

/** A sealed segment becomes the active one again: its indexes come back to memory. */
export function unseal (disk: Disk, scan: HeaderScan, segment: Segment, config: LogConfig): void {
  if (!segment.sealed) return
  segment.sealed = false
  const indexes = readIndexes(disk, segment)
  if (indexes === null) rebuildIndexes(disk, scan, segment, config)
  else segment.loadIndexes(indexes.offsets, indexes.times)
}
