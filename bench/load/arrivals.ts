// From the time at which a record should have been sent to the moment in which a consumer has it. Records
// are known by their place: each partition is written by one connection, so its offsets follow the requests.
import { type Histogram } from './histogram.ts'

interface Lane {
  /** Of the oldest request that did not arrive yet. */
  offset: number
  readonly intendedMs: number[]
  /** Where in it the oldest request stands. */
  oldest: number
}

export class Arrivals {
  readonly #lanes = new Map<number, Lane>()
  readonly #recordsPerRequest: number
  readonly #times: Histogram

  constructor (ends: ReadonlyMap<number, number>, recordsPerRequest: number, times: Histogram) {
    for (const [partition, offset] of ends) this.#lanes.set(partition, { offset, intendedMs: [], oldest: 0 })
    this.#recordsPerRequest = recordsPerRequest
    this.#times = times
  }

  sent (partition: number, intendedMs: number): void {
    this.#lanes.get(partition)!.intendedMs.push(intendedMs)
  }

  arrived (partition: number, nextOffset: number, nowMs: number): void {
    const lane = this.#lanes.get(partition)!
    while (lane.offset < nextOffset) {
      this.#times.record(nowMs - lane.intendedMs[lane.oldest++])
      lane.offset += this.#recordsPerRequest
    }
    if (lane.oldest > 4096) {
      lane.intendedMs.splice(0, lane.oldest)
      lane.oldest = 0
    }
  }
}
