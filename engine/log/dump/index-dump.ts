// Dumps .index and .timeindex files, and holds them against their log.
import { type Disk, type FileHandle } from '../../base/disk.ts'
import { getLastOffset, readInt64 } from '../../protocol/record-batch.ts'
import { offsetEntryBytes } from '../offset-index.ts'
import { timeEntryBytes } from '../time-index.ts'
import { suffix } from '../names.ts'
import { type LogDump, recordsIn } from './log-dump.ts'
import { SegmentReader } from './segment-reader.ts'
import { DumpError } from './types.ts'

const blockEntries = 4096

/** Entries of one size, read block by block: an index may be damaged into any length. */
class EntryFile {
  readonly count: number
  readonly bytes: number
  readonly path: string
  readonly #disk: Disk
  readonly #file: FileHandle
  readonly #entryBytes: number
  readonly #block: Buffer
  #first = 0
  #loaded = 0

  constructor (disk: Disk, path: string, entryBytes: number) {
    this.path = path
    this.#disk = disk
    this.#file = disk.open(path, 'read')
    this.#entryBytes = entryBytes
    this.#block = Buffer.allocUnsafe(blockEntries * entryBytes)
    this.bytes = disk.size(this.#file)
    this.count = Math.floor(this.bytes / entryBytes)
  }

  close (): void {
    this.#disk.close(this.#file)
  }

  /** The bytes of one entry, valid until the next call. */
  entry (index: number): Buffer {
    if (index < this.#first || index >= this.#first + this.#loaded) {
      this.#first = index
      const bytes = this.#disk.read(this.#file, this.#block, index * this.#entryBytes)
      this.#loaded = Math.floor(bytes / this.#entryBytes)
      if (this.#loaded === 0) throw new DumpError(`${this.path} became shorter while it was read`)
    }
    const at = (index - this.#first) * this.#entryBytes
    return this.#block.subarray(at, at + this.#entryBytes)
  }

  checkLength (): void {
    const over = this.bytes % this.#entryBytes
    if (over === 0) return
    throw new DumpError(`Corrupt index found, index file (${this.path}) has ${this.bytes} bytes, which is ` +
      `not a multiple of ${this.#entryBytes}: the last ${over} belong to no entry`)
  }

  checkLastOffset (base: number, relativeAt: number): void {
    if (this.count === 0) return
    const last = base + this.entry(this.count - 1).readInt32BE(relativeAt)
    if (last >= base) return
    throw new DumpError(`Corrupt index found, index file (${this.path}) has non-zero size but the last ` +
      `offset is ${last} which is less than the base offset ${base}`)
  }
}

/** The first offset of a segment, in the name of each of its files. */
export function offsetInName (name: string): number {
  const digits = name.split('.')[0]
  const offset = Number(digits)
  if (/^[+-]?\d+$/.test(digits) && Number.isSafeInteger(offset)) return offset
  throw new DumpError(`${name} is no name of a segment's file: it should begin with the first offset`)
}

/** The file of the same segment with another ending. */
function beside (dump: LogDump, ending: string): string {
  const folder = dump.path.slice(0, dump.path.length - dump.name.length)
  return `${folder}${dump.name.split('.')[0]}${ending}`
}

export function * dumpIndex (dump: LogDump): Generator<string, void> {
  const base = offsetInName(dump.name)
  const log = new SegmentReader(dump.disk, beside(dump, suffix.log))
  try {
    const index = new EntryFile(dump.disk, dump.path, offsetEntryBytes)
    try {
      yield * offsetLines(dump, base, index, log)
    } finally {
      index.close()
    }
  } finally {
    log.close()
  }
}

function * offsetLines (
  dump: LogDump, base: number, index: EntryFile, log: SegmentReader
): Generator<string, void> {
  const { sanityOnly, verifyOnly, messageBytesMax } = dump.options
  if (index.count === 0) {
    yield `${dump.path} is empty.\n`
    return
  }
  if (sanityOnly) {
    index.checkLastOffset(base, 0)
    index.checkLength()
    yield `${dump.path} passed sanity check.\n`
    return
  }
  for (let at = 0; at < index.count; at++) {
    const entry = index.entry(at)
    const relative = entry.readInt32BE(0)
    const position = entry.readInt32BE(4)
    // A broker that crashed leaves the zeros of the room it had reserved.
    if (relative === 0 && at > 0) return
    const found = lastOffsetAt(log, position, messageBytesMax)
    if (found === null) {
      throw new DumpError(`Entry ${at} of ${dump.path} points to position ${position} of ${log.path}, where ` +
        `no whole batch of at most ${messageBytesMax} bytes lies`)
    }
    if (found !== base + relative) {
      dump.findings.add(`Mismatches in :${dump.wholePath}`,
        `  Index offset: ${base + relative}, log offset: ${found}`)
    }
    if (!verifyOnly) yield `offset: ${base + relative} position: ${position}\n`
  }
}

/** The last offset of the batch at `position`; null when there is none. */
function lastOffsetAt (log: SegmentReader, position: number, bytesMax: number): number | null {
  if (position < 0) return null
  log.seek(position)
  return log.next(Math.min(log.end, position + bytesMax)) ? batchLastOffset(log) : null
}

function batchLastOffset (log: SegmentReader): number {
  return log.isLegacy ? readInt64(log.head(8), 0) : getLastOffset(log.header(), 0)
}

export function * dumpTimeIndex (dump: LogDump): Generator<string, void> {
  const base = offsetInName(dump.name)
  const log = new SegmentReader(dump.disk, beside(dump, suffix.log))
  try {
    const index = new EntryFile(dump.disk, beside(dump, suffix.offsetIndex), offsetEntryBytes)
    try {
      const times = new EntryFile(dump.disk, dump.path, timeEntryBytes)
      try {
        if (dump.options.sanityOnly) yield checkTimes(dump, base, times)
        else yield * timeLines(dump, base, times, new BatchFinder(base, index, log))
      } finally {
        times.close()
      }
    } finally {
      index.close()
    }
  } finally {
    log.close()
  }
}

function checkTimes (dump: LogDump, base: number, times: EntryFile): string {
  if (times.count > 0) {
    const first = readInt64(times.entry(0), 0)
    const last = readInt64(times.entry(times.count - 1), 0)
    if (last < first) {
      throw new DumpError(`Corrupt time index found, time index file (${dump.path}) has non-zero size but the ` +
        `last timestamp is ${last} which is less than the first timestamp ${first}`)
    }
  }
  times.checkLastOffset(base, 8)
  times.checkLength()
  return `${dump.path} passed sanity check.\n`
}

function * timeLines (
  dump: LogDump, base: number, times: EntryFile, finder: BatchFinder
): Generator<string, void> {
  let before = -1
  for (let at = 0; at < times.count; at++) {
    const entry = times.entry(at)
    const timestamp = readInt64(entry, 0)
    const offset = base + entry.readInt32BE(8)
    // A broker that crashed leaves the zeros of the room it had reserved.
    if (offset === base && at > 0) return
    const found = finder.find(offset)
    if (found !== offset) {
      dump.findings.add('The following indexed offsets are not found in the log.',
        `Indexed offset: ${offset}, found log offset: ${found}`)
    } else {
      const newest = finder.maxTimestamp()
      if (newest !== timestamp) {
        dump.findings.add(`Found timestamp mismatch in :${dump.wholePath}`,
          `  Index timestamp: ${timestamp}, log timestamp: ${newest}`)
      }
      if (before >= timestamp) {
        dump.findings.add(`Found out of order timestamp in :${dump.wholePath}`,
          `  Index timestamp: ${timestamp}, Previously indexed timestamp: ${before}`)
      }
    }
    if (!dump.options.verifyOnly) yield `timestamp: ${timestamp} offset: ${offset}\n`
    before = timestamp
  }
}

/** Finds batches by offset, as a broker does: from the offset index, then forward. */
class BatchFinder {
  readonly #base: number
  readonly #index: EntryFile
  readonly #log: SegmentReader
  /** What was found last: entries that rise need not start over. */
  #offset = -1
  #position = 0

  constructor (base: number, index: EntryFile, log: SegmentReader) {
    this.#base = base
    this.#index = index
    this.#log = log
  }

  /** Last offset of the first batch that reaches `offset`; -1 when none does. */
  find (offset: number): number {
    const known = offset >= this.#offset ? this.#position : 0
    this.#log.seek(Math.max(known, this.#floorPosition(offset - this.#base)))
    while (this.#log.next()) {
      const last = batchLastOffset(this.#log)
      if (last < offset) continue
      this.#offset = offset
      this.#position = this.#log.position
      return last
    }
    return -1
  }

  /** Of the batch that was found. */
  maxTimestamp (): number {
    let newest = -1
    for (const { timestamp } of recordsIn(this.#log)) newest = Math.max(newest, timestamp)
    return newest
  }

  #floorPosition (relative: number): number {
    let low = 0
    let high = this.#index.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#index.entry(middle).readInt32BE(0) <= relative) low = middle + 1
      else high = middle
    }
    if (low === 0) return 0
    const position = this.#index.entry(low - 1).readInt32BE(4)
    if (position >= 0 && position <= this.#log.end) return position
    throw new DumpError(`Entry ${low - 1} of ${this.#index.path} points to position ${position} of ` +
      `${this.#log.path}, which has ${this.#log.end} bytes`)
  }
}
