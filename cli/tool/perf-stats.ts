// What producer-perf-test counts: windows as they pass, and the whole, with percentiles of up to half a
// million samples, in the words that scripts grep.

const samplesMax = 500_000
const megabyte = 1024 * 1024

export class PerfStats {
  readonly #samples: Int32Array
  readonly #sampling: number
  readonly #kind: string
  readonly #intervalMs: number
  readonly #print: (line: string) => void
  readonly #startMs: number
  #index = 0
  #sampled = 0
  #count = 0
  #bytes = 0
  #maxMs = 0
  #sumMs = 0
  #windowCount = 0
  #windowBytes = 0
  #windowMaxMs = 0
  #windowSumMs = 0
  #windowStartMs: number
  /** The steady state has its own windows from where it begins. */
  silent = false

  constructor (records: number, kind: '' | ' steady state', intervalMs: number, print: (line: string) => void) {
    this.#sampling = Math.max(1, Math.floor(records / samplesMax))
    this.#samples = new Int32Array(Math.floor(records / this.#sampling) + 1)
    this.#kind = kind
    this.#intervalMs = intervalMs
    this.#print = print
    this.#startMs = Date.now()
    this.#windowStartMs = this.#startMs
  }

  record (latencyMs: number, bytes: number, nowMs: number): void {
    this.#count++
    this.#bytes += bytes
    this.#sumMs += latencyMs
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs
    this.#windowCount++
    this.#windowBytes += bytes
    this.#windowSumMs += latencyMs
    if (latencyMs > this.#windowMaxMs) this.#windowMaxMs = latencyMs
    if (this.#index++ % this.#sampling === 0 && this.#sampled < this.#samples.length) {
      this.#samples[this.#sampled++] = latencyMs
    }
    if (nowMs - this.#windowStartMs >= this.#intervalMs) this.#endWindow(nowMs)
  }

  #endWindow (nowMs: number): void {
    const seconds = (nowMs - this.#windowStartMs) / 1000
    const count = this.#windowCount
    if (!this.silent) {
      this.#print(`${count}${this.#kind} records sent, ${(count / seconds).toFixed(1)} records/sec ` +
        `(${(this.#windowBytes / seconds / megabyte).toFixed(2)} MB/sec), ` +
        `${(this.#windowSumMs / count).toFixed(1)} ms avg latency, ${this.#windowMaxMs.toFixed(1)} ms max latency.`)
    }
    this.#windowStartMs = nowMs
    this.#windowCount = 0
    this.#windowBytes = 0
    this.#windowMaxMs = 0
    this.#windowSumMs = 0
  }

  get total (): { records: number, bytes: number, seconds: number, averageMs: number, maxMs: number } {
    const seconds = Math.max(1, Date.now() - this.#startMs) / 1000
    const averageMs = this.#count === 0 ? 0 : this.#sumMs / this.#count
    return { records: this.#count, bytes: this.#bytes, seconds, averageMs, maxMs: this.#maxMs }
  }

  totalLine (): string {
    const { records, bytes, seconds, averageMs, maxMs } = this.total
    const sorted = this.#samples.subarray(0, this.#sampled).sort()
    const at = (quantile: number) => sorted[Math.floor(quantile * sorted.length)] ?? 0
    return `${records}${this.#kind} records sent, ${(records / seconds).toFixed(6)} records/sec ` +
      `(${(bytes / seconds / megabyte).toFixed(2)} MB/sec), ` +
      `${averageMs.toFixed(2)} ms avg latency, ${maxMs.toFixed(2)} ms max latency, ` +
      `${at(0.5)} ms 50th, ${at(0.95)} ms 95th, ${at(0.99)} ms 99th, ${at(0.999)} ms 99.9th.`
  }
}

/** Kafka's list of a client's metrics; ours are those that its perf tools are asked for. */
export function metricLines (metrics: readonly (readonly [name: string, value: number])[]): string[] {
  const width = Math.max(91, ...metrics.map(([name]) => name.length))
  return [
    '',
    `${'Metric Name'.padEnd(width)}   Value`,
    ...[...metrics].sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) =>
      `${name.padEnd(width)} : ${value.toFixed(3)}`)
  ]
}
