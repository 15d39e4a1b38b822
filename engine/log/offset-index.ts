// From an offset to a position in the .log file. In memory the pairs lie in shared memory, so that any
// thread may search them; the file holds the same entries, big-endian:
//
//   0                 4          8
//   | relative offset | position | ...      offset of the LAST record of the batch that starts at position
//
// An entry says "a batch that ends with this offset starts here": the largest entry <= target is a safe
// start for a scan.
import { assert } from '../base/assert.ts'
import { type Position } from './types.ts'

export const offsetEntryBytes = 8

const headWords = 2
const firstCapacity = 8

/** Stands for the index of a sealed segment: its entries are only in the file. */
export const noIndex = new SharedArrayBuffer(16)

export class OffsetIndex {
  /** Replaced by one of twice the size when full. Words: [0] entries, [1] unused, then pairs. */
  memory: SharedArrayBuffer
  #words: Int32Array
  #count = 0
  #capacity: number

  constructor (capacity = firstCapacity) {
    this.#capacity = capacity
    this.memory = new SharedArrayBuffer((headWords + capacity * 2) * 4)
    this.#words = new Int32Array(this.memory)
  }

  get count (): number {
    return this.#count
  }

  get lastRelative (): number {
    return this.#count === 0 ? -1 : this.#words[headWords + (this.#count - 1) * 2]
  }

  get lastPosition (): Position {
    return this.#count === 0 ? 0 : this.#words[headWords + (this.#count - 1) * 2 + 1]
  }

  /** True when the memory was replaced. */
  append (relative: number, position: Position): boolean {
    assert(relative > this.lastRelative, 'offset index entries rise')
    const grew = this.#count === this.#capacity
    if (grew) this.#grow()
    const at = headWords + this.#count * 2
    this.#words[at] = relative
    this.#words[at + 1] = position
    Atomics.store(this.#words, 0, ++this.#count)
    return grew
  }

  /** Keeps the entries below `relative`. */
  truncate (relative: number): void {
    let count = this.#count
    while (count > 0 && this.#words[headWords + (count - 1) * 2] >= relative) count--
    this.#count = count
    Atomics.store(this.#words, 0, count)
  }

  encode (from: number): Buffer {
    const bytes = Buffer.allocUnsafe((this.#count - from) * offsetEntryBytes)
    let at = 0
    for (let entry = from; entry < this.#count; entry++) {
      at = bytes.writeInt32BE(this.#words[headWords + entry * 2], at)
      at = bytes.writeInt32BE(this.#words[headWords + entry * 2 + 1], at)
    }
    return bytes
  }

  /** From a file's bytes; null when they cannot be an index of a segment of that size. */
  static decode (bytes: Buffer, segmentBytes: Position): OffsetIndex | null {
    if (bytes.length % offsetEntryBytes !== 0) return null
    const index = new OffsetIndex(Math.max(firstCapacity, bytes.length / offsetEntryBytes + firstCapacity))
    for (let at = 0; at < bytes.length; at += offsetEntryBytes) {
      const relative = bytes.readInt32BE(at)
      const position = bytes.readInt32BE(at + 4)
      const rises = relative > index.lastRelative && (index.#count === 0 || position > index.lastPosition)
      if (!rises || position < 0 || position >= segmentBytes) return null
      index.append(relative, position)
    }
    return index
  }

  #grow (): void {
    this.#capacity *= 2
    const memory = new SharedArrayBuffer((headWords + this.#capacity * 2) * 4)
    const words = new Int32Array(memory)
    words.set(this.#words)
    this.memory = memory
    this.#words = words
  }
}

/** Position of the last entry at or below `relative` in an index's shared memory; 0 when there is none. */
export function floorPosition (memory: SharedArrayBuffer, relative: number): Position {
  return lastAtOrBelow(memory, 0, relative)
}

/** Position of the last entry that lies at or before `position`; 0 when there is none. */
export function floorEntry (memory: SharedArrayBuffer, position: Position): Position {
  return lastAtOrBelow(memory, 1, position)
}

/** `field`: which word of an entry is compared; both rise from entry to entry. */
function lastAtOrBelow (memory: SharedArrayBuffer, field: 0 | 1, value: number): Position {
  const words = new Int32Array(memory)
  let low = 0
  let high = Atomics.load(words, 0)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (words[headWords + middle * 2 + field] <= value) low = middle + 1
    else high = middle
  }
  return low === 0 ? 0 : words[headWords + (low - 1) * 2 + 1]
}
