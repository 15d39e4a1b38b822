// The newest offset of every key in the dirty part of a log, in bounded memory: keys are known by a hash of
// 16 bytes. Open addressing in one block of memory:
//
//   0        16                       24
//   | hash   | offset + 1, 0: free    | next slot ...
//
// Two keys with one hash would lose a record, so it must not be possible to find such a pair: half of a
// SHA-256, where MD5 would let whoever writes the keys make one. (0.9 us a key, MD5 takes 1.1: Node 24.)
import { hash } from 'node:crypto'
import { assert } from '../../base/assert.ts'
import { type Offset } from '../types.ts'

export const slotBytes = 24
const slotWords = 6
const slotDoubles = 3
const offsetDouble = 2

export class OffsetMap {
  readonly #words: Int32Array
  readonly #offsets: Float64Array
  readonly #slots: number
  readonly #countMax: number
  #count = 0
  #hash0 = 0
  #hash1 = 0
  #hash2 = 0
  #hash3 = 0

  constructor (slots: number, loadFactor: number) {
    assert(slots >= 2, 'a map of keys has room')
    const memory = new ArrayBuffer(slots * slotBytes)
    this.#words = new Int32Array(memory)
    this.#offsets = new Float64Array(memory)
    this.#slots = slots
    // One slot stays free, where every search ends.
    this.#countMax = Math.max(1, Math.min(slots - 1, Math.floor(slots * loadFactor)))
  }

  get count (): number { return this.#count }

  /** False: the key is new and there is no room for it. */
  put (key: Uint8Array, offset: Offset): boolean {
    const slot = this.#find(key)
    const at = slot * slotDoubles + offsetDouble
    if (this.#offsets[at] === 0) {
      if (this.#count === this.#countMax) return false
      this.#count++
      const word = slot * slotWords
      this.#words[word] = this.#hash0
      this.#words[word + 1] = this.#hash1
      this.#words[word + 2] = this.#hash2
      this.#words[word + 3] = this.#hash3
    }
    this.#offsets[at] = offset + 1
    return true
  }

  /** -1 when the key is not there. */
  get (key: Uint8Array): Offset {
    return this.#offsets[this.#find(key) * slotDoubles + offsetDouble] - 1
  }

  /** The key's slot, or the free one where it belongs. */
  #find (key: Uint8Array): number {
    const digest = hash('sha256', key, 'buffer')
    this.#hash0 = digest.readInt32LE(0)
    this.#hash1 = digest.readInt32LE(4)
    this.#hash2 = digest.readInt32LE(8)
    this.#hash3 = digest.readInt32LE(12)
    let slot = (this.#hash0 >>> 0) % this.#slots
    while (this.#offsets[slot * slotDoubles + offsetDouble] !== 0 && !this.#holds(slot)) {
      slot = slot + 1 === this.#slots ? 0 : slot + 1
    }
    return slot
  }

  #holds (slot: number): boolean {
    const word = slot * slotWords
    return this.#words[word] === this.#hash0 && this.#words[word + 1] === this.#hash1 &&
      this.#words[word + 2] === this.#hash2 && this.#words[word + 3] === this.#hash3
  }
}
