// From a time to an offset. An entry says: up to and including this offset no record of the segment is
// newer than this time. In shared memory Float64 words ([0] entries, [1] unused, then pairs); in the file,
// big-endian:
//
//   0           8                 12
//   | timestamp | relative offset | ...
import { readInt64, writeInt64 } from '../protocol/record-batch.ts'
import { type Offset } from './types.ts'

export const timeEntryBytes = 12

const headWords = 2
const firstCapacity = 8

export class TimeIndex {
  memory: SharedArrayBuffer
  #words: Float64Array
  #count = 0
  #capacity: number

  constructor (capacity = firstCapacity) {
    this.#capacity = capacity
    this.memory = new SharedArrayBuffer((headWords + capacity * 2) * 8)
    this.#words = new Float64Array(this.memory)
  }

  get count (): number {
    return this.#count
  }

  get lastTimestampMs (): number {
    return this.#count === 0 ? -1 : this.#words[headWords + (this.#count - 1) * 2]
  }

  get lastRelative (): number {
    return this.#count === 0 ? -1 : this.#words[headWords + (this.#count - 1) * 2 + 1]
  }

  /** Times that are not newer than the last entry's add nothing. True when the memory was replaced. */
  maybeAppend (timestampMs: number, relative: number): boolean {
    if (timestampMs <= this.lastTimestampMs) return false
    const grew = this.#count === this.#capacity
    if (grew) this.#grow()
    const at = headWords + this.#count * 2
    this.#words[at] = timestampMs
    this.#words[at + 1] = relative
    this.#words[0] = ++this.#count
    return grew
  }

  /** Keeps the entries below `relative`. */
  truncate (relative: number): void {
    let count = this.#count
    while (count > 0 && this.#words[headWords + (count - 1) * 2 + 1] >= relative) count--
    this.#count = count
    this.#words[0] = count
  }

  encode (from: number): Buffer {
    const bytes = Buffer.allocUnsafe((this.#count - from) * timeEntryBytes)
    let at = 0
    for (let entry = from; entry < this.#count; entry++) {
      writeInt64(bytes, at, this.#words[headWords + entry * 2])
      at = bytes.writeInt32BE(this.#words[headWords + entry * 2 + 1], at + 8)
    }
    return bytes
  }

  /** From a file's bytes; null when they cannot be a time index. */
  static decode (bytes: Buffer): TimeIndex | null {
    if (bytes.length % timeEntryBytes !== 0) return null
    const index = new TimeIndex(Math.max(firstCapacity, bytes.length / timeEntryBytes + firstCapacity))
    for (let at = 0; at < bytes.length; at += timeEntryBytes) {
      const timestampMs = readInt64(bytes, at)
      const relative = bytes.readInt32BE(at + 8)
      if (timestampMs <= index.lastTimestampMs || relative < index.lastRelative || relative < 0) return null
      index.maybeAppend(timestampMs, relative)
    }
    return index
  }

  #grow (): void {
    this.#capacity *= 2
    const memory = new SharedArrayBuffer((headWords + this.#capacity * 2) * 8)
    const words = new Float64Array(memory)
    words.set(this.#words)
    this.memory = memory
    this.#words = words
  }
}

/** Relative offset of the last entry older than or as old as `timestampMs`; 0 when there is none. */
export function floorRelative (memory: SharedArrayBuffer, timestampMs: number): Offset {
  const words = new Float64Array(memory)
  let low = 0
  let high = words[0]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (words[headWords + middle * 2] <= timestampMs) low = middle + 1
    else high = middle
  }
  return low === 0 ? 0 : words[headWords + (low - 1) * 2 + 1]
}
