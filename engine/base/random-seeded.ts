// Chance that a seed replays: 128 bits of state, a few additions and rotations a number (the "small fast
// counting" generator), good enough for any test and quick enough for every chunk of a simulated network.

import { type Random } from './random.ts'

export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor (seed: number) {
    this.#a = 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = seed | 0
    // Neighbouring seeds part only after some rounds.
    for (let round = 0; round < 15; round++) this.#next()
  }

  #next (): number {
    const sum = this.#a + this.#b + this.#counter | 0
    this.#counter = this.#counter + 1 | 0
    this.#a = this.#b ^ this.#b >>> 9
    this.#b = this.#c + (this.#c << 3) | 0
    this.#c = (this.#c << 21 | this.#c >>> 11) + sum | 0
    return sum >>> 0
  }

  float (): number {
    return (this.#next() * 2 ** 21 + (this.#next() >>> 11)) / 2 ** 53
  }

  below (bound: number): number {
    return Math.floor(this.float() * bound)
  }

  bytes (count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; at++) bytes[at] = this.#next() >>> 24
    return bytes
  }

  uuid (): string {
    const bytes = this.bytes(16)
    bytes[6] = (bytes[6] & 0x0f) | 0x40
    bytes[8] = (bytes[8] & 0x3f) | 0x80
    const hex = bytes.toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }

  /** True with a probability. */
  chance (probability: number): boolean {
    return this.float() < probability
  }
}
