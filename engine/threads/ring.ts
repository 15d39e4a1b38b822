// Fixed-size records from one thread to another: one producer, one consumer, shared memory, no locks.
//
//   byte 0          64         128
//   | published  .. | taken .. | record 0 (64 bytes) | record 1 | ... | record 4095 |
//
// Both counters only rise (and wrap as int32); a record's place is its number modulo the ring's length. Each
// side writes one counter, on a cache line of its own. Fields are written and read in place, in 32-bit words
// or Float64 (values above 2^31).
import { assert } from '../base/assert.ts'

export const ringRecords = 4096
export const recordWords = 16
const headWords = 32
const publishedAt = 0
const takenAt = 16
assert((ringRecords & (ringRecords - 1)) === 0, 'a record is found by masking its number')

export function ringMemory (): SharedArrayBuffer {
  return new SharedArrayBuffer((headWords + ringRecords * recordWords) * 4)
}

class Ring {
  readonly words: Int32Array
  readonly doubles: Float64Array

  constructor (memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory)
    this.doubles = new Float64Array(memory)
  }

  place (number: number): number {
    return headWords + (number & (ringRecords - 1)) * recordWords
  }
}

export class RingWriter extends Ring {
  #published: number // the next record's number
  #takenSeen: number // how far the consumer was when last looked at

  constructor (memory: SharedArrayBuffer) {
    super(memory)
    this.#published = Atomics.load(this.words, publishedAt)
    this.#takenSeen = Atomics.load(this.words, takenAt)
  }

  /** Free records, at least; looks at the consumer only when fewer than `wanted` are known. */
  room (wanted: number): number {
    let used = (this.#published - this.#takenSeen) | 0
    if (ringRecords - used < wanted) {
      this.#takenSeen = Atomics.load(this.words, takenAt)
      used = (this.#published - this.#takenSeen) | 0
    }
    return ringRecords - used
  }

  /** The consumer has taken all that was published. */
  emptied (): boolean {
    this.#takenSeen = Atomics.load(this.words, takenAt)
    return this.#takenSeen === this.#published
  }

  /** Index of the first 32-bit word of the record to fill; halve it for `doubles`. There must be room. */
  next (): number {
    return this.place(this.#published)
  }

  /** The record that was filled is the consumer's now. */
  publish (): void {
    assert(this.room(1) > 0, 'published into a full ring')
    this.#published = (this.#published + 1) | 0
    Atomics.store(this.words, publishedAt, this.#published)
  }
}

export class RingReader extends Ring {
  #taken: number // records read, of which the producer may not know yet
  #publishedSeen: number

  constructor (memory: SharedArrayBuffer) {
    super(memory)
    this.#taken = Atomics.load(this.words, takenAt)
    this.#publishedSeen = this.#taken
  }

  /** True when a record waits. */
  filled (): boolean {
    if (this.#taken !== this.#publishedSeen) return true
    this.#publishedSeen = Atomics.load(this.words, publishedAt)
    return this.#taken !== this.#publishedSeen
  }

  /** Index of the first 32-bit word of the waiting record. */
  next (): number {
    return this.place(this.#taken)
  }

  /** The record was read; its place is given back with the next commit(). */
  advance (): void {
    this.#taken = (this.#taken + 1) | 0
  }

  commit (): void {
    Atomics.store(this.words, takenAt, this.#taken)
  }
}
