// Reads a partition's segments on any thread, with descriptors of its own: which batch holds an offset,
// where a limit lies, which offset belongs to a time, and bytes. It never trusts an index: what it points
// at must be a batch that fits.
import { type Disk, DiskError, type FileHandle } from '../base/disk.ts'
import { type BatchHeader, readInt64 } from '../protocol/record-batch.ts'
import { CompressionError } from '../protocol/compression/index.ts'
import { eachRecord, RecordError } from '../protocol/record.ts'
import { type SegmentFile, type SegmentFiles } from './aborted-reader.ts'
import { HeaderScan } from './header-scan.ts'
import { asideFile, retired } from './compaction/retired.ts'
import { segmentSuffixes, suffix } from './names.ts'
import { floorPosition, offsetEntryBytes } from './offset-index.ts'
import { type SegmentView } from './partition-log.types.ts'
import { floorRelative, timeEntryBytes } from './time-index.ts'
import { type Offset, type Position, type TimestampOffset } from './types.ts'

export interface FoundBatch {
  position: Position
  baseOffset: Offset
  lastOffset: Offset
  bytes: number
}

/** Where a reader goes on who asks for `offset`. */
export interface BatchPlace {
  offset: Offset
  position: Position
  /** Of the batch there. */
  bytes: number
}

/** Open files a reader keeps: enough for the segments that lagging readers of a directory stand in. */
const filesMaxDefault = 64
const nothingFound: TimestampOffset = { offset: -1, timestampMs: -1, leaderEpoch: -1 }

/**
 * The segment that holds `offset`: the last one that starts at or below it; -1 when all start above. Views
 * ascend.
 */
export function segmentAt (views: readonly SegmentView[], offset: Offset): number {
  let low = 0
  let high = views.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (views[middle].baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}

export class SegmentReader implements SegmentFiles {
  readonly #disk: Disk
  readonly #filesMax: number
  /** Path within a generation of its segment -> descriptor; the oldest used first. */
  readonly #files = new Map<string, FileHandle>()
  readonly #scan: HeaderScan
  readonly #entry = Buffer.alloc(timeEntryBytes)

  /** Segments that compaction replaces, by path. */
  readonly #watched = new Map<string, Watched>()

  constructor (disk: Disk, filesMax: number = filesMaxDefault) {
    this.#disk = disk
    // One call uses up to three files of a segment, and must not lose the first when it opens the third.
    this.#filesMax = Math.max(filesMax, 4)
    this.#scan = new HeaderScan(disk)
  }

  /**
   * The batch that holds `offset`, or the first one above it (offsets may have gaps). null when there is
   * none in this segment below `upperOffset`, the first offset the reader may not see.
   */
  find (view: SegmentView, offset: Offset, upperOffset: Offset): FoundBatch | null {
    const file = this.#file(view, suffix.log)
    const scan = this.#begin()
    const end = this.#endOf(view)
    const from = this.#startFor(view, file, offset, end)
    for (let position = from; scan.load(file, position, end); position += scan.header.bytes) {
      if (scan.header.baseOffset >= upperOffset) return null
      const { baseOffset, lastOffset, bytes } = scan.header
      if (lastOffset >= offset) return { position, baseOffset, lastOffset, bytes }
      // Nothing is read behind the last readable batch: the writer may be busy there.
      if (scan.header.lastOffset + 1 >= upperOffset) return null
    }
    return null
  }

  /** Where the batches below `upperOffset` end: they may be read up to there. */
  endPosition (view: SegmentView, upperOffset: Offset): Position {
    const file = this.#file(view, suffix.log)
    const scan = this.#begin()
    const end = this.#endOf(view)
    let position = this.#startFor(view, file, upperOffset - 1, end)
    while (scan.load(file, position, end) && scan.header.baseOffset < upperOffset) {
      position += scan.header.bytes
      if (scan.header.lastOffset + 1 >= upperOffset) break
    }
    return position
  }

  /** The header of the batch that starts at `position`, valid until the next call; null when none does. */
  headerAt (view: SegmentView, position: Position): BatchHeader | null {
    const file = this.#file(view, suffix.log)
    const scan = this.#begin()
    return scan.load(file, position, this.#endOf(view)) ? scan.header : null
  }

  /**
   * The batch that `limit` lies in or in front of; null when none does before `end`. `from`: a batch starts
   * there, at or before `limit`; -1 in a sealed segment: its index file knows.
   */
  placeBefore (
    view: SegmentFile, { limit, from, end }: { limit: Position, from: Position, end: Position }
  ): BatchPlace | null {
    const file = this.#file(view, suffix.log)
    const scan = this.#begin()
    let position = from
    if (from < 0) {
      const low = (entry: Buffer): boolean => entry.readInt32BE(4) <= limit
      position = this.#search(view, suffix.offsetIndex, offsetEntryBytes, low, 4)
    }
    // Behind a gap in offsets a reader asks for the one behind what it has.
    for (let offset = -1; scan.load(file, position, end); position += scan.header.bytes) {
      const { baseOffset, lastOffset, bytes } = scan.header
      if (position + bytes > limit) return { offset: offset < 0 ? baseOffset : offset, position, bytes }
      offset = lastOffset + 1
    }
    return null
  }

  /** Fills `target` from `position`; fewer bytes only at the end of the file. */
  read (view: SegmentFile, position: Position, target: Uint8Array): number {
    return this.#disk.read(this.#file(view, suffix.log), target, position)
  }

  readFile (segment: SegmentFile, ending: string, target: Uint8Array, position: number): number {
    const file = this.#optionalFile(segment, ending)
    return file === null ? 0 : this.#disk.read(file, target, position)
  }

  /** First record at or above `from` and below `upperOffset` with a time >= timestampMs. Views ascend. */
  offsetForTime (
    views: readonly SegmentView[], timestampMs: number, from: Offset, upperOffset: Offset
  ): TimestampOffset {
    for (const view of views) {
      if (view.baseOffset >= upperOffset) break
      if (view.sealedBytes >= 0 && view.maxTimestampMs < timestampMs) continue
      const found = this.#timeInSegment(view, timestampMs, from, upperOffset)
      if (found !== null) return found
    }
    return nothingFound
  }

  /** The first record that has the largest time of all below `upperOffset`. */
  offsetOfMaxTimestamp (views: readonly SegmentView[], from: Offset, upperOffset: Offset): TimestampOffset {
    let best: { view: SegmentView, position: Position, timestampMs: number } | null = null
    for (const view of views) {
      if (view.baseOffset >= upperOffset) break
      if (view.sealedBytes >= 0 && best !== null && view.maxTimestampMs <= best.timestampMs) continue
      const newest = this.#newestBatch(view, from, upperOffset)
      if (newest === null || (best !== null && newest.timestampMs <= best.timestampMs)) continue
      best = { view, ...newest }
    }
    if (best === null) return nothingFound
    return this.#recordIn(best.view, best.position, best.timestampMs, from, upperOffset) ??
      nothingFound
  }

  /** The leader epoch stamped into the batch that holds `offset`; -1 when there is none. */
  epochAt (view: SegmentView, offset: Offset, upperOffset: Offset): number {
    return this.find(view, offset, upperOffset) === null ? -1 : this.#scan.header.partitionLeaderEpoch
  }

  /** Lets go of a removed segment's descriptors. */
  forget (view: SegmentView): void {
    const watched = this.#watched.get(view.path)
    // Nothing has its name now: it was merged into the segment before it, or deleted.
    const gone = watched?.serial === serialOf(view) && this.#disk.status(view.path) === null
    if (gone) this.#watched.delete(view.path)
    for (const ending of segmentSuffixes) {
      const name = nameOf(view, ending)
      const file = this.#files.get(name)
      if (file === undefined) continue
      this.#files.delete(name)
      this.#disk.close(file)
    }
  }

  close (): void {
    for (const file of this.#files.values()) this.#disk.close(file)
    this.#files.clear()
  }

  #begin (): HeaderScan {
    // Files grow (and may be cut) between calls, and descriptor numbers come back: what was seen then says
    // nothing now.
    this.#scan.reset()
    return this.#scan
  }

  #endOf (view: SegmentView): Position {
    return view.sealedBytes < 0 ? Number.MAX_SAFE_INTEGER : view.sealedBytes
  }

  #file (view: SegmentFile, ending: string): FileHandle {
    const name = nameOf(view, ending)
    let file = this.#files.get(name)
    if (file !== undefined) {
      this.#files.delete(name)
    } else {
      file = this.#open(view, ending)
      for (const [oldest, handle] of this.#files) {
        if (this.#files.size < this.#filesMax) break
        this.#files.delete(oldest)
        this.#disk.close(handle)
      }
    }
    this.#files.set(name, file)
    return file
  }

  /** The file that the view speaks of, also when compaction has just put another one under its name. */
  #open (view: SegmentFile, ending: string): FileHandle {
    const watched = this.#watched.get(view.path)
    const path = pathOf(view, ending)
    const serial = watched === undefined ? Infinity : serialOf(view)
    if (watched === undefined || serial > watched.serial) return this.#disk.open(path, 'read')
    const state = (): number => Atomics.load(watched.words, watched.index)
    const aside = asideFile(path, serial)
    for (;;) {
      if (serial < watched.serial || state() === retired.done) return this.#disk.open(aside, 'read')
      const file = this.#tryOpen(path)
      if (file !== null && state() === retired.not) return file
      const moved = this.#tryOpen(aside)
      if (moved !== null) {
        if (file !== null) this.#disk.close(file)
        return moved
      }
      // Not yet moved: what was opened under the name is still the old file.
      if (file !== null && state() === retired.swapping) return file
      if (file === null) throw new DiskError('ENOENT', 'open', path)
      this.#disk.close(file)
    }
  }

  #tryOpen (path: string): FileHandle | null {
    try {
      return this.#disk.open(path, 'read')
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') return null
      throw error
    }
  }

  /** A compaction of these segments begins: one word of `words` per segment says when each is replaced. */
  watch (sources: readonly { path: string, serial: number }[], words: SharedArrayBuffer): void {
    const view = new Int32Array(words)
    sources.forEach(({ path, serial }, index) => this.#watched.set(path, { serial, words: view, index }))
  }

  /** A batch start at or before the batch that holds `offset`. */
  #startFor (view: SegmentView, file: FileHandle, offset: Offset, end: Position): Position {
    const relative = offset - view.baseOffset
    if (relative <= 0) return 0
    const position = view.sealedBytes < 0
      ? floorPosition(view.offsetIndex, relative)
      : this.#search(view, suffix.offsetIndex, offsetEntryBytes, entry => entry.readInt32BE(0) <= relative, 4)
    if (position === 0) return 0
    return this.#scan.load(file, position, end) && this.#scan.header.lastOffset <= offset ? position : 0
  }

  /**
   * In a sealed segment's index file: the value at `valueAt` of the last entry that is `low`; 0 when none
   * is, or the file is missing.
   */
  #search (
    view: SegmentFile, ending: string, entryBytes: number, low: (entry: Buffer) => boolean, valueAt: number
  ): number {
    const file = this.#optionalFile(view, ending)
    if (file === null) return 0
    const entry = this.#entry.subarray(0, entryBytes)
    let from = 0
    let to = Math.floor(this.#disk.size(file) / entryBytes)
    let value = 0
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#disk.read(file, entry, middle * entryBytes) < entryBytes) return 0
      if (low(entry)) {
        value = entry.readInt32BE(valueAt)
        from = middle + 1
      } else {
        to = middle
      }
    }
    return value
  }

  #optionalFile (view: SegmentFile, ending: string): FileHandle | null {
    try {
      return this.#file(view, ending)
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ENOENT') return null
      throw error
    }
  }

  #timeInSegment (
    view: SegmentView, timestampMs: number, from: Offset, upperOffset: Offset
  ): TimestampOffset | null {
    const file = this.#file(view, suffix.log)
    const scan = this.#begin()
    const end = this.#endOf(view)
    const relative = view.sealedBytes < 0
      ? floorRelative(view.timeIndex, timestampMs)
      : this.#search(view, suffix.timeIndex, timeEntryBytes, entry => readInt64(entry, 0) <= timestampMs, 8)
    const start = this.#startFor(view, file, Math.max(view.baseOffset + relative, from), end)
    for (let position = start; scan.load(file, position, end); position += scan.header.bytes) {
      if (scan.header.baseOffset >= upperOffset) return null
      const { lastOffset, bytes } = scan.header
      if (scan.header.maxTimestamp >= timestampMs && lastOffset >= from) {
        const found = this.#recordIn(view, position, timestampMs, from, upperOffset)
        if (found !== null) return found
        if (!scan.load(file, position, end)) return null
      }
      if (lastOffset + 1 >= upperOffset || bytes <= 0) return null
    }
    return null
  }

  /**
   * The first batch with the segment's largest time. The time index leads close to it: from its last entry
   * on.
   */
  #newestBatch (
    view: SegmentView, from: Offset, upperOffset: Offset
  ): { position: Position, timestampMs: number } | null {
    const file = this.#file(view, suffix.log)
    const scan = this.#begin()
    const end = this.#endOf(view)
    const limit = Number.MAX_SAFE_INTEGER
    let relative = view.sealedBytes < 0
      ? floorRelative(view.timeIndex, limit)
      : this.#search(view, suffix.timeIndex, timeEntryBytes, () => true, 8)
    // An entry above the limit may speak of records the reader may not see.
    if (view.baseOffset + relative >= upperOffset) relative = 0
    let best: { position: Position, timestampMs: number } | null = null
    const start = this.#startFor(view, file, Math.max(view.baseOffset + relative, from), end)
    for (let position = start; scan.load(file, position, end); position += scan.header.bytes) {
      if (scan.header.baseOffset >= upperOffset) break
      if (scan.header.lastOffset >= from && (best === null || scan.header.maxTimestamp > best.timestampMs)) {
        best = { position, timestampMs: scan.header.maxTimestamp }
      }
      if (scan.header.lastOffset + 1 >= upperOffset) break
    }
    return best
  }

  #recordIn (
    view: SegmentView, position: Position, timestampMs: number, from: Offset, upperOffset: Offset
  ): TimestampOffset | null {
    const batch = Buffer.alloc(this.#scan.load(this.#file(view, suffix.log), position, this.#endOf(view))
      ? this.#scan.header.bytes
      : 0)
    const leaderEpoch = this.#scan.header.partitionLeaderEpoch
    if (batch.length === 0 || this.read(view, position, batch) < batch.length) return null
    try {
      for (const record of eachRecord(batch)) {
        if (record.timestamp >= timestampMs && record.offset >= from && record.offset < upperOffset) {
          return { offset: record.offset, timestampMs: record.timestamp, leaderEpoch }
        }
      }
    } catch (error) {
      if (!(error instanceof RecordError || error instanceof CompressionError)) throw error
      return { ...nothingFound, damaged: { path: view.path, position } }
    }
    return null
  }
}

interface Watched {
  readonly serial: number
  readonly words: Int32Array
  readonly index: number
}

/** The last part of the key; a view without one is older than all. */
function serialOf (view: SegmentFile): number {
  return Number(view.key?.slice(view.key.lastIndexOf('/') + 1) ?? 0)
}

function pathOf (view: SegmentFile, ending: string): string {
  return ending === suffix.log ? view.path : view.path.slice(0, -suffix.log.length) + ending
}

function nameOf (view: SegmentFile, ending: string): string {
  return `${view.key ?? view.path}${ending}`
}
