// Which aborted transactions a reader of committed records must be told of with what it gets: all that
// overlap the range, from the .txnindex files of its segment and of later ones, as Kafka gathers them. The
// range is counted up to the next entry of the offset index, so that no batch header has to be read for it.
import { readInt32 } from '../protocol/record-batch.ts'
import { suffix } from './names.ts'
import { offsetEntryBytes } from './offset-index.ts'
import { type SegmentView } from './partition-log.types.ts'
import { abortedEntryBytes, decodeAborted } from './transaction-index.ts'
import { type Offset, type Position } from './types.ts'

export interface AbortedRange { producerId: number, firstOffset: Offset }

/** Names a segment's files. */
export type SegmentFile = Pick<SegmentView, 'path' | 'key'>
interface AbortedSegment extends SegmentFile { readonly abortedCount: number }

/** Where they are read. */
export interface SegmentFiles {
  /** Fewer bytes only at the end of the file; 0 when there is no such file. */
  readFile (segment: SegmentFile, ending: string, target: Uint8Array, position: number): number
}

/** What is read of a transaction index at a time: 4 KB. */
const blockEntries = 120

/** Where they are looked for. */
export interface AbortedSearch {
  /** The segment that is read and those behind it, ascending, as far as they have entries. */
  segments: readonly AbortedSegment[]
  /** Where the segment that is read ends. */
  segmentEnd: Offset
}

/** null where nothing has to be looked for. Views ascend; the one at `from` is read. */
export function abortedSearch (
  views: readonly SegmentView[], from: number, logEnd: Offset
): AbortedSearch | null {
  const segments: AbortedSegment[] = []
  for (let at = from; at < views.length; at++) {
    const { path, key, abortedCount = 0 } = views[at]
    if (abortedCount > 0) segments.push({ path, key, abortedCount })
  }
  return segments.length === 0 ? null : { segments, segmentEnd: views[from + 1]?.baseOffset ?? logEnd }
}

/** Of what lies in `view` from `offset` up to the position `end`. */
export function collectAborted (
  files: SegmentFiles, view: SegmentView, search: AbortedSearch, offset: Offset, end: Position
): AbortedRange[] {
  const upper = indexedOffset(files, view, end) ?? search.segmentEnd
  const found: AbortedRange[] = []
  for (const segment of search.segments) {
    if (collectIn(files, segment, offset, upper, found)) break
  }
  return found
}

/** True when later segments have nothing to add. */
function collectIn (
  files: SegmentFiles, view: AbortedSegment, offset: Offset, upper: Offset, found: AbortedRange[]
): boolean {
  const count = view.abortedCount
  const block = Buffer.alloc(blockEntries * abortedEntryBytes)
  for (let at = firstReaching(files, view, offset); at < count;) {
    const part = block.subarray(0, Math.min(blockEntries, count - at) * abortedEntryBytes)
    const read = files.readFile(view, suffix.transactionIndex, part, at * abortedEntryBytes)
    if (read < abortedEntryBytes) return false
    for (let from = 0; from + abortedEntryBytes <= read; from += abortedEntryBytes) {
      const { producerId, firstOffset, lastOffset, lastStableOffset } = decodeAborted(block, from)
      if (lastOffset >= offset && firstOffset < upper) found.push({ producerId, firstOffset })
      if (lastStableOffset >= upper) return true
      at++
    }
  }
  return false
}

/** The first entry whose marker lies at or above `offset`: markers rise. */
function firstReaching (files: SegmentFiles, view: AbortedSegment, offset: Offset): number {
  const entry = Buffer.alloc(abortedEntryBytes)
  let low = 0
  let high = view.abortedCount
  while (low < high) {
    const middle = (low + high) >>> 1
    const read = files.readFile(view, suffix.transactionIndex, entry, middle * abortedEntryBytes)
    if (read === abortedEntryBytes && decodeAborted(entry, 0).lastOffset < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** Of the first entry of the offset index at or behind `position`; null when there is none. */
function indexedOffset (files: SegmentFiles, view: SegmentView, position: Position): Offset | null {
  const active = view.sealedBytes < 0
  const words = active ? new Int32Array(view.offsetIndex) : noWords
  const entry = Buffer.alloc(offsetEntryBytes)
  // A sealed one's size is not known here: no more entries than batches fit.
  let low = 0
  let high = active ? Atomics.load(words, 0) : Math.ceil(view.sealedBytes / smallestBatch)
  let relative = -1
  while (low < high) {
    const middle = (low + high) >>> 1
    const there = active ||
      files.readFile(view, suffix.offsetIndex, entry, middle * offsetEntryBytes) === offsetEntryBytes
    const at = active ? words[firstWord + middle * 2 + 1] : readInt32(entry, 4)
    if (there && at < position) {
      low = middle + 1
      continue
    }
    high = middle
    if (there) relative = active ? words[firstWord + middle * 2] : readInt32(entry, 0)
  }
  return relative < 0 ? null : view.baseOffset + relative
}

const noWords = new Int32Array(0)
/** The header alone. */
const smallestBatch = 61
/** Of an offset index in memory: see SegmentView. */
const firstWord = 2
