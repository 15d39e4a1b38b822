// How often something happens, as Kafka counts it for its quotas: the sum of the last samples over the time
// they cover, which is never taken for less than all samples but one. So a burst of a few times the rate
// passes after a quiet time.

export class WindowedRate {
  readonly #windowMs: number
  readonly #counts: Float64Array
  readonly #startsMs: Float64Array // of the samples; NaN: not begun
  #current = 0

  constructor (samples: number, windowMs: number) {
    this.#windowMs = windowMs
    this.#counts = new Float64Array(samples)
    this.#startsMs = new Float64Array(samples).fill(NaN)
  }

  record (count: number, nowMs: number): void {
    const startMs = this.#startsMs[this.#current]
    if (Number.isNaN(startMs)) {
      this.#begin(nowMs)
    } else if (nowMs - startMs >= this.#windowMs) {
      this.#current = (this.#current + 1) % this.#counts.length
      this.#begin(nowMs)
    }
    this.#counts[this.#current] += count
  }

  /** How long to wait until the rate is down to `perSecondMax`, but no longer than one sample. */
  throttleMs (perSecondMax: number, nowMs: number): number {
    const keptMs = this.#counts.length * this.#windowMs
    let total = 0
    let oldestMs = nowMs
    for (let index = 0; index < this.#counts.length; index++) {
      const startMs = this.#startsMs[index]
      if (Number.isNaN(startMs) || nowMs - startMs >= keptMs) continue
      total += this.#counts[index]
      oldestMs = Math.min(oldestMs, startMs)
    }
    const passedMs = nowMs - oldestMs
    const missing = this.#counts.length - 1 - Math.floor(passedMs / this.#windowMs)
    const coveredMs = passedMs + Math.max(0, missing) * this.#windowMs
    const perSecond = coveredMs === 0 ? 0 : total * 1000 / coveredMs
    if (perSecond <= perSecondMax) return 0
    return Math.min(Math.round((perSecond - perSecondMax) / perSecondMax * coveredMs), this.#windowMs)
  }

  #begin (nowMs: number): void {
    this.#startsMs[this.#current] = nowMs
    this.#counts[this.#current] = 0
  }
}
