// The producer that is measured: an open loop with intended send times, as a client that lingers a
// millisecond would send them, and what its requests took in one phase.
import { setTimeout as sleep } from 'node:timers/promises'
import { host } from '../fill.ts'
import { produceFrame } from '../load/frames.ts'
import { Histogram } from '../load/histogram.ts'
import { LoadProducer } from '../load/producer.ts'
import { startSchedule } from '../load/schedule.ts'
import { keyedBatch } from './batches.ts'
import { watchForeign } from './foreign.ts'

const recordsPerRequest = 20
const batch = keyedBatch(recordsPerRequest, 100)
/** No request waits for a free place before the broker has been silent for half a second. */
const inFlight = 512

/** A thread that goes before all others is late by so much when the machine has stood still. */
const pauseMs = 2

export interface Phase {
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Without the requests that were on their way while the machine stood still. */
  readonly times: Histogram
  /** The share of those. */
  readonly paused: number
  /** Of a processor, what others took meanwhile. */
  readonly foreign: number
}

/** What the requests of a phase took, and when the machine stood still meanwhile. */
class Times {
  readonly #ends: number[] = []
  readonly #took: number[] = []
  readonly #pauses: { fromMs: number, toMs: number }[] = []

  record (ms: number): void {
    this.#ends.push(performance.now())
    this.#took.push(ms)
  }

  paused (fromMs: number, toMs: number): void {
    this.#pauses.push({ fromMs, toMs })
  }

  clear (): void {
    this.#ends.length = this.#took.length = this.#pauses.length = 0
  }

  get count (): number { return this.#ends.length }

  outsideOfPauses (): Histogram {
    const times = new Histogram()
    for (const [index, endMs] of this.#ends.entries()) {
      const took = this.#took[index]
      const standing = this.#pauses.some(({ fromMs, toMs }) => endMs >= fromMs && endMs - took <= toMs)
      if (!standing) times.record(took)
    }
    return times
  }
}

export class SteadyProducer {
  readonly #times: Times
  readonly #producer: LoadProducer
  readonly #end: () => void

  static async start (port: number, topic: string, recordsPerSecond: number): Promise<SteadyProducer> {
    const intended = new Times()
    const frames = Array.from({ length: inFlight }, () => produceFrame(topic, [0], -1, batch))
    const service = new Histogram()
    const producer = await LoadProducer.connect({
      host, port, topic, acks: -1, frames, inFlight, partitionsPerRequest: 1, intended, service
    })
    return new SteadyProducer(producer, intended, recordsPerSecond)
  }

  constructor (producer: LoadProducer, times: Times, recordsPerSecond: number) {
    this.#producer = producer
    this.#times = times
    producer.startOpenLoop()
    this.#end = startSchedule(recordsPerSecond / recordsPerRequest, [producer], {
      pauseMs, paused: (fromMs, toMs) => times.paused(fromMs, toMs)
    })
  }

  /** Of the requests answered in the next `seconds`. `own`: processes whose work is no disturbance. */
  async phase (seconds: number, own: readonly number[]): Promise<Phase> {
    const [foreignMs, beganMs] = [watchForeign(own), performance.now()]
    this.#times.clear()
    await sleep(seconds * 1000)
    const { count } = this.#times
    const times = this.#times.outsideOfPauses()
    const foreign = foreignMs() / (performance.now() - beganMs)
    const quantile = (share: number): number => times.quantileMs(share)
    const paused = 1 - times.count / count
    return { p50: quantile(0.5), p99: quantile(0.99), max: times.maxMs, times, paused, foreign }
  }

  close (): void {
    this.#end()
    this.#producer.close()
    if (this.#producer.errors > 0) throw new Error(`${this.#producer.errors} batches were refused`)
  }
}
