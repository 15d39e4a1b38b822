// Times in logarithmic buckets: a fixed 12 KB, and no more than 1.6 % off, however many are counted.

const perDoubling = 64
const doublings = 36 // from 1 us to the better part of a day

export class Histogram {
  readonly #counts = new Float64Array(perDoubling * doublings)
  #count = 0
  #max = 0
  #sum = 0

  get count (): number { return this.#count }
  get maxMs (): number { return this.#max }
  get meanMs (): number { return this.#count === 0 ? 0 : this.#sum / this.#count }

  record (ms: number): void {
    const us = ms * 1000
    this.#counts[us < 1 ? 0 : Math.min(this.#counts.length - 1, Math.floor(Math.log2(us) * perDoubling))]++
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
  }

  /** The upper edge of the bucket in which the quantile falls. */
  quantileMs (quantile: number): number {
    let left = Math.ceil(this.#count * quantile)
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket]
      if (left <= 0) return Math.min(this.#max, 2 ** ((bucket + 1) / perDoubling) / 1000)
    }
    return this.#max
  }

  /** What the other one has counted counts here too. */
  add (other: Histogram): void {
    for (let bucket = 0; bucket < this.#counts.length; bucket++) this.#counts[bucket] += other.#counts[bucket]
    this.#count += other.#count
    this.#sum += other.#sum
    this.#max = Math.max(this.#max, other.#max)
  }

  reset (): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#max = 0
    this.#sum = 0
  }
}
