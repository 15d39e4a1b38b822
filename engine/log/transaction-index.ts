// Which transactions were aborted, one file per segment that holds an abort marker: `<offset>.txnindex`, in
// the order of the markers. Kafka's file, big-endian:
//
//   0         2             10             18            26                  34
//   | version | producer id | first offset | last offset | last stable offset | ...
//                             ^ of the transaction's records   ^ as it was behind the marker
//                                            ^ the marker's
//
// Readers of committed records are told of those that overlap what they get. The file is made with its first
// entry.
import { type Disk } from '../base/disk.ts'
import { readInt16, readInt64, writeInt16, writeInt64 } from '../protocol/record-batch.ts'
import { type Offset } from './types.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: Offset
  /** Of the marker. */
  readonly lastOffset: Offset
  /** Behind the marker: everything below was decided. */
  readonly lastStableOffset: Offset
}

export const abortedEntryBytes = 34
const version = 0

export function encodeAborted (entries: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.length * abortedEntryBytes)
  entries.forEach((entry, index) => {
    const at = index * abortedEntryBytes
    writeInt16(bytes, at, version)
    writeInt64(bytes, at + 2, entry.producerId)
    writeInt64(bytes, at + 10, entry.firstOffset)
    writeInt64(bytes, at + 18, entry.lastOffset)
    writeInt64(bytes, at + 26, entry.lastStableOffset)
  })
  return bytes
}

export function decodeAborted (bytes: Uint8Array, at: number): AbortedTransaction {
  return {
    producerId: readInt64(bytes, at + 2),
    firstOffset: readInt64(bytes, at + 10),
    lastOffset: readInt64(bytes, at + 18),
    lastStableOffset: readInt64(bytes, at + 26)
  }
}

/** All entries of a file; null when it is none, or speaks of what cannot be in the segment [base, end). */
export function decodeTransactionIndex (
  bytes: Buffer, base: Offset, end: Offset = Infinity
): AbortedTransaction[] | null {
  if (bytes.length % abortedEntryBytes !== 0) return null
  const entries: AbortedTransaction[] = []
  let last = base - 1
  for (let at = 0; at < bytes.length; at += abortedEntryBytes) {
    const entry = decodeAborted(bytes, at)
    const { firstOffset, lastOffset, lastStableOffset } = entry
    if (readInt16(bytes, at) !== version || lastOffset <= last || lastOffset >= end) return null
    if (firstOffset < 0 || firstOffset > lastOffset) return null
    if (lastStableOffset < 0 || lastStableOffset > lastOffset + 1) return null
    last = lastOffset
    entries.push(entry)
  }
  return entries
}

/** The index of one segment as its log appends to it. What was appended is read from the file. */
export class TransactionIndex {
  count = 0
  /** Of the newest entry; -1 when there is none. */
  lastOffset: Offset = -1
  readonly #disk: Disk
  readonly #path: string
  /** What was appended may be lost in a power cut. */
  unsynced = false

  constructor (disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
  }

  /** Takes what is in the file, and returns true; false when that cannot be right. */
  load (base: Offset, end: Offset): boolean {
    // A recovery on the way here has found that there are none.
    if (this.#disk.status(this.#path) === null) return true
    const entries = decodeTransactionIndex(this.#disk.readFile(this.#path), base, end)
    if (entries === null) return false
    this.#holds(entries)
    return true
  }

  append (entry: AbortedTransaction): void {
    this.#write(encodeAborted([entry]), this.count * abortedEntryBytes)
    this.count++
    this.lastOffset = entry.lastOffset
  }

  /** Keeps what was aborted below `offset`. */
  truncate (offset: Offset): void {
    if (this.lastOffset < offset) return
    const entries = this.entries().filter(entry => entry.lastOffset < offset)
    this.replace(entries)
  }

  replace (entries: readonly AbortedTransaction[]): void {
    // The file stays, for readers have it open.
    this.#write(encodeAborted(entries), 0)
    this.#holds(entries)
  }

  remove (): void {
    this.#holds([])
    this.unsynced = false
    if (this.#disk.status(this.#path) !== null) this.#disk.unlink(this.#path)
  }

  entries (): AbortedTransaction[] {
    if (this.count === 0) return []
    const bytes = this.#disk.readFile(this.#path).subarray(0, this.count * abortedEntryBytes)
    const entries: AbortedTransaction[] = []
    for (let at = 0; at < bytes.length; at += abortedEntryBytes) entries.push(decodeAborted(bytes, at))
    return entries
  }

  sync (): void {
    if (!this.unsynced) return
    const file = this.#disk.open(this.#path, 'write')
    try {
      this.#disk.fsync(file)
    } finally {
      this.#disk.close(file)
    }
    this.unsynced = false
  }

  #holds (entries: readonly AbortedTransaction[]): void {
    this.count = entries.length
    this.lastOffset = entries.length === 0 ? -1 : entries[entries.length - 1].lastOffset
  }

  /** Nothing is left behind what is written: what a crash left there was never counted. */
  #write (bytes: Buffer, position: number): void {
    const file = this.#disk.open(this.#path, 'write')
    try {
      this.#disk.truncate(file, position)
      if (bytes.length > 0) this.#disk.writev(file, [bytes], position)
    } finally {
      this.#disk.close(file)
    }
    this.unsynced = true
  }
}
