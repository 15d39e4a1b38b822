// One segment of a partition: a .log file with its two indexes. The newest one is appended to; a sealed one
// keeps its indexes on disk only, and no descriptor.
import { assert } from '../base/assert.ts'
import { type Disk, type FileHandle } from '../base/disk.ts'
import { offsetFile, suffix } from './names.ts'
import { noIndex, OffsetIndex, offsetEntryBytes } from './offset-index.ts'
import { type SegmentView } from './partition-log.types.ts'
import { TimeIndex, timeEntryBytes } from './time-index.ts'
import { type AbortedTransaction, TransactionIndex } from './transaction-index.ts'
import { type LogConfig, type Offset, type Position } from './types.ts'

/** Indexes hold 32-bit offsets relative to the segment's first. */
export const relativeOffsetMax = 2147483647

/**
 * Index entries wait in memory until there are so many, or a seal, flush or tick writes them: they can be
 * rebuilt.
 */
const pendingEntriesMax = 1024

/**
 * What decides where index entries go and when a segment is full. Staging runs ahead of writing on a meter
 * of its own.
 */
export class SegmentMeter {
  base: Offset = 0
  bytes: Position = 0
  sinceEntryBytes = 0
  offsetEntries = 0
  timeEntries = 0
  lastEntryMs = -1
  maxTimestampMs = -1
  maxTimestampOffset: Offset = 0
  /** Time of the first batch, which the segment's age counts from; -1 unknown. */
  firstTimestampMs = -1
  createdMs = 0
  jitterMs = 0

  copyFrom (other: SegmentMeter): void {
    this.base = other.base
    this.bytes = other.bytes
    this.sinceEntryBytes = other.sinceEntryBytes
    this.offsetEntries = other.offsetEntries
    this.timeEntries = other.timeEntries
    this.lastEntryMs = other.lastEntryMs
    this.maxTimestampMs = other.maxTimestampMs
    this.maxTimestampOffset = other.maxTimestampOffset
    this.firstTimestampMs = other.firstTimestampMs
    this.createdMs = other.createdMs
    this.jitterMs = other.jitterMs
  }

  start (base: Offset, nowMs: number, jitterMs: number): void {
    this.base = base
    this.bytes = 0
    this.sinceEntryBytes = 0
    this.offsetEntries = 0
    this.timeEntries = 0
    this.lastEntryMs = -1
    this.maxTimestampMs = -1
    this.maxTimestampOffset = base
    this.firstTimestampMs = -1
    this.createdMs = nowMs
    this.jitterMs = jitterMs
  }

  /** Counts a batch. True when it gets an index entry: the first one after every `intervalBytes`. */
  add (bytes: number, lastOffset: Offset, maxTimestampMs: number, intervalBytes: number): boolean {
    if (this.bytes === 0) this.firstTimestampMs = maxTimestampMs
    if (maxTimestampMs > this.maxTimestampMs) {
      this.maxTimestampMs = maxTimestampMs
      this.maxTimestampOffset = lastOffset
    }
    const entry = this.sinceEntryBytes > intervalBytes
    if (entry) {
      this.offsetEntries++
      if (this.maxTimestampMs > this.lastEntryMs) {
        this.timeEntries++
        this.lastEntryMs = this.maxTimestampMs
      }
      this.sinceEntryBytes = 0
    }
    this.bytes += bytes
    this.sinceEntryBytes += bytes
    return entry
  }

  /**
   * True when a batch must go to a new segment, as Kafka rolls: size, age, full indexes, offsets out of
   * reach.
   */
  mustRoll (
    config: LogConfig, batchBytes: number, lastOffset: Offset, maxTimestampMs: number, nowMs: number
  ): boolean {
    if (this.bytes === 0) return lastOffset - this.base > relativeOffsetMax
    if (this.bytes > config.segmentBytes - batchBytes) return true
    if (lastOffset - this.base > relativeOffsetMax) return true
    if (this.offsetEntries >= Math.floor(config.segmentIndexBytes / offsetEntryBytes)) return true
    // One time entry is kept free for the one that sealing adds.
    if (this.timeEntries >= Math.floor(config.segmentIndexBytes / timeEntryBytes) - 1) return true
    const ageMs = this.firstTimestampMs >= 0 ? maxTimestampMs - this.firstTimestampMs : nowMs - this.createdMs
    return config.segmentMs >= 0 && ageMs > config.segmentMs - this.jitterMs
  }
}

const nothing = Buffer.alloc(0)

/** Where the newest abort marker of these segments lies; -1 when there is none. */
export function newestAbort (segments: readonly Segment[]): Offset {
  for (let index = segments.length - 1; index >= 0; index--) {
    const { aborted } = segments[index]
    if (aborted !== null && aborted.count > 0) return aborted.lastOffset
  }
  return -1
}

/** Counts the segments that this thread has made: a path may be used again, a key is not. */
let made = 0

export class Segment {
  readonly baseOffset: Offset
  readonly meter = new SegmentMeter()
  readonly key: string
  /** Rises with every segment that this thread makes: the last part of its key. */
  readonly serial: number
  readonly #disk: Disk
  readonly #folder: string
  offsetIndex: OffsetIndex
  timeIndex: TimeIndex
  sealed = false
  /** Of the transactions whose abort markers lie here; null while there are none. */
  aborted: TransactionIndex | null = null
  /** Entries that the index files hold already. */
  #offsetEntriesFiled = 0
  #timeEntriesFiled = 0
  #file: FileHandle = -1
  /** Index files were written since they were last on the device. */
  #indexesUnsynced = false
  /** The file is longer than what was written (preallocate). */
  preallocated = false

  constructor (
    disk: Disk, folder: string, baseOffset: Offset, owner: string, nowMs: number, jitterMs: number
  ) {
    this.#disk = disk
    this.#folder = folder
    this.baseOffset = baseOffset
    this.serial = ++made
    this.key = `${owner}/${this.serial}`
    this.meter.start(baseOffset, nowMs, jitterMs)
    this.offsetIndex = new OffsetIndex()
    this.timeIndex = new TimeIndex()
  }

  get path (): string {
    return this.pathOf(suffix.log)
  }

  get bytes (): Position {
    return this.meter.bytes
  }

  pathOf (ending: string): string {
    return offsetFile(this.#folder, this.baseOffset, ending)
  }

  /** Opened at first use. */
  get file (): FileHandle {
    if (this.#file < 0) this.#file = this.#disk.open(this.path, 'write')
    return this.#file
  }

  get isOpen (): boolean {
    return this.#file >= 0
  }

  view (): SegmentView {
    return {
      baseOffset: this.baseOffset,
      path: this.path,
      key: this.key,
      offsetIndex: this.sealed ? noIndex : this.offsetIndex.memory,
      timeIndex: this.sealed ? noIndex : this.timeIndex.memory,
      sealedBytes: this.sealed ? this.bytes : -1,
      abortedCount: this.aborted?.count ?? 0,
      maxTimestampMs: this.meter.maxTimestampMs
    }
  }

  /** Makes the files of a new segment; what a crash left under the name goes. */
  create (preallocateBytes: number): void {
    this.#disk.truncate(this.file, 0)
    if (preallocateBytes > 0) {
      this.#disk.truncate(this.file, preallocateBytes)
      this.preallocated = true
    }
    this.emptyIndexFiles()
  }

  /**
   * The bytes of a batch lie at the segment's end: counts and indexes it. True when index memory was
   * replaced.
   */
  appended (bytes: number, lastOffset: Offset, maxTimestampMs: number, intervalBytes: number): boolean {
    const meter = this.meter
    const position = meter.bytes
    if (!meter.add(bytes, lastOffset, maxTimestampMs, intervalBytes)) return false
    let replaced = this.offsetIndex.append(lastOffset - this.baseOffset, position)
    const newestRelative = meter.maxTimestampOffset - this.baseOffset
    if (this.timeIndex.maybeAppend(meter.maxTimestampMs, newestRelative)) replaced = true
    if (this.offsetIndex.count - this.#offsetEntriesFiled >= pendingEntriesMax) this.writeIndexes()
    return replaced
  }

  /** An abort marker was written here. */
  abort (transaction: AbortedTransaction): void {
    this.transactionIndex().append(transaction)
  }

  transactionIndex (): TransactionIndex {
    this.aborted ??= new TransactionIndex(this.#disk, this.pathOf(suffix.transactionIndex))
    return this.aborted
  }

  /**
   * On the device before anyone counts on the segment: unlike the other indexes this one is missing where it
   * has no entries, so that a lost one cannot be told from none.
   */
  syncAborted (): void {
    if (this.aborted === null || !this.aborted.unsynced) return
    this.aborted.sync()
    this.#disk.fsyncDirectory(this.#folder)
  }

  /** Appends what the index files lack. False: nothing. */
  writeIndexes (): boolean {
    if (this.sealed) return false
    const offsetsFiled = this.offsetIndex.count === this.#offsetEntriesFiled
    if (offsetsFiled && this.timeIndex.count === this.#timeEntriesFiled) return false
    if (this.offsetIndex.count > this.#offsetEntriesFiled) {
      const bytes = this.offsetIndex.encode(this.#offsetEntriesFiled)
      this.#writeIndex(suffix.offsetIndex, bytes, this.#offsetEntriesFiled * offsetEntryBytes)
      this.#offsetEntriesFiled = this.offsetIndex.count
    }
    if (this.timeIndex.count > this.#timeEntriesFiled) {
      const bytes = this.timeIndex.encode(this.#timeEntriesFiled)
      this.#writeIndex(suffix.timeIndex, bytes, this.#timeEntriesFiled * timeEntryBytes)
      this.#timeEntriesFiled = this.timeIndex.count
    }
    return true
  }

  /** Before a clean end: the next start believes them. */
  syncIndexes (): void {
    if (!this.#indexesUnsynced) return
    for (const ending of [suffix.offsetIndex, suffix.timeIndex]) {
      this.#withIndex(ending, file => this.#disk.fsync(file))
    }
    this.#indexesUnsynced = false
  }

  /** The last time entry, so that the file alone tells the segment's newest time. */
  finishTimeIndex (): void {
    if (this.meter.maxTimestampMs < 0) return
    this.timeIndex.maybeAppend(this.meter.maxTimestampMs, this.meter.maxTimestampOffset - this.baseOffset)
    this.meter.timeEntries = this.timeIndex.count
    this.meter.lastEntryMs = this.timeIndex.lastTimestampMs
  }

  /** No more appends: files are complete and trimmed, memory and descriptor are given back. */
  seal (): void {
    assert(!this.sealed, 'a segment is sealed once')
    this.finishTimeIndex()
    this.writeIndexes()
    this.syncAborted()
    this.trim()
    this.sealed = true
    this.offsetIndex = new OffsetIndex(0)
    this.timeIndex = new TimeIndex(0)
    this.closeFile()
  }

  /** Found complete on disk: as after seal(). */
  sealLoaded (): void {
    this.sealed = true
    this.offsetIndex = new OffsetIndex(0)
    this.timeIndex = new TimeIndex(0)
    this.closeFile()
  }

  /** Takes indexes that were read from their files. */
  loadIndexes (offsets: OffsetIndex, times: TimeIndex): void {
    this.offsetIndex = offsets
    this.timeIndex = times
    this.#offsetEntriesFiled = offsets.count
    this.#timeEntriesFiled = times.count
    this.#countEntries()
  }

  emptyIndexFiles (): void {
    this.#replaceIndex(suffix.offsetIndex, nothing)
    this.#replaceIndex(suffix.timeIndex, nothing)
  }

  /** Writes both index files anew. */
  rewriteIndexes (): void {
    this.#replaceIndex(suffix.offsetIndex, this.offsetIndex.encode(0))
    this.#replaceIndex(suffix.timeIndex, this.timeIndex.encode(0))
    this.#offsetEntriesFiled = this.offsetIndex.count
    this.#timeEntriesFiled = this.timeIndex.count
    this.#countEntries()
  }

  /** Cuts the file at a batch start; `relative` is the first offset that is gone. Indexes must be loaded. */
  cut (position: Position, relative: number): void {
    assert(position <= this.bytes, 'a cut lies inside the segment')
    this.#disk.truncate(this.file, position)
    this.preallocated = false
    this.offsetIndex.truncate(relative)
    this.timeIndex.truncate(relative)
    this.aborted?.truncate(this.baseOffset + relative)
    this.meter.bytes = position
    this.meter.sinceEntryBytes = 0
    this.rewriteIndexes()
  }

  trim (): void {
    if (!this.preallocated) return
    this.#disk.truncate(this.file, this.bytes)
    this.preallocated = false
  }

  closeFile (): void {
    if (this.#file < 0) return
    const file = this.#file
    this.#file = -1
    this.#disk.close(file)
  }

  #countEntries (): void {
    this.meter.offsetEntries = this.offsetIndex.count
    this.meter.timeEntries = this.timeIndex.count
    this.meter.lastEntryMs = this.timeIndex.lastTimestampMs
  }

  #writeIndex (ending: string, bytes: Buffer, position: number): void {
    this.#indexesUnsynced = true
    this.#withIndex(ending, file => this.#disk.writev(file, [bytes], position))
  }

  #replaceIndex (ending: string, bytes: Buffer): void {
    this.#indexesUnsynced = true
    this.#withIndex(ending, file => {
      // Never shorter than what stays: after a cut that is trusted though a power cut may have come between.
      if (bytes.length > 0) this.#disk.writev(file, [bytes], 0)
      this.#disk.truncate(file, bytes.length)
    })
  }

  #withIndex (ending: string, action: (file: FileHandle) => void): void {
    const file = this.#disk.open(this.pathOf(ending), 'write')
    try {
      action(file)
    } finally {
      this.#disk.close(file)
    }
  }
}
