// The newest offset of every key in the dirty part of a log, in bounded memory: keys are known by a hash of
// 16 bytes. Open addressing in one block of memory:
//
//   0        16                       24
//   | hash   | offset + 1, 0: free    | next slot ...
//
// (key-hash.ts says why no two keys have the same.)
import { assert } from '../../base/assert.ts'
import { type Offset } from '../types.ts'
import { type KeyHash } from './key-hash.ts'

export const slotBytes = 24
const slotWords = 6
const slotDoubles = 3
const offsetDouble = 2

export class OffsetMap {
  readonly #words: Int32Array
  readonly #offsets: Float64Array
  readonly #slots: number
  readonly #countMax: number
  readonly #hash: KeyHash
  #count = 0

  constructor (slots: number, loadFactor: number, hash: KeyHash) {
    assert(slots >= 2, 'a map of keys has room')
    this.#hash = hash
    const memory = new ArrayBuffer(slots * slotBytes)
    this.#words = new Int32Array(memory)
    this.#offsets = new Float64Array(memory)
    this.#slots = slots
    // One slot stays free, where every search ends.
    this.#countMax = Math.max(1, Math.min(slots - 1, Math.floor(slots * loadFactor)))
  }

  get count (): number { return this.#count }

  /** False: the key, bytes[from .. end), is new and there is no room for it. */
  put (bytes: Uint8Array, from: number, end: number, offset: Offset): boolean {
    const slot = this.#find(bytes, from, end)
    const at = slot * slotDoubles + offsetDouble
    if (this.#offsets[at] === 0) {
      if (this.#count === this.#countMax) return false
      this.#count++
      const word = slot * slotWords
      const { word0, word1, word2, word3 } = this.#hash
      this.#words[word] = word0
      this.#words[word + 1] = word1
      this.#words[word + 2] = word2
      this.#words[word + 3] = word3
    }
    this.#offsets[at] = offset + 1
    return true
  }

  /** -1 when the key is not there. */
  get (bytes: Uint8Array, from: number, end: number): Offset {
    return this.#offsets[this.#find(bytes, from, end) * slotDoubles + offsetDouble] - 1
  }

  /** The key's slot, or the free one where it belongs. */
  #find (bytes: Uint8Array, from: number, end: number): number {
    const hash = this.#hash
    hash.take(bytes, from, end)
    let slot = (hash.word0 >>> 0) % this.#slots
    while (this.#offsets[slot * slotDoubles + offsetDouble] !== 0 && !this.#holds(slot)) {
      slot = slot + 1 === this.#slots ? 0 : slot + 1
    }
    return slot
  }

  #holds (slot: number): boolean {
    const { word0, word1, word2, word3 } = this.#hash
    const word = slot * slotWords
    return this.#words[word] === word0 && this.#words[word + 1] === word1 &&
      this.#words[word + 2] === word2 && this.#words[word + 3] === word3
  }
}
