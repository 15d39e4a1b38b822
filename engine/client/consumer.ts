// A small consumer of partitions that are assigned by hand (or by a group member, see group-member.ts). One
// fetch per broker is always on its way while there is room, so that the next answer comes while this one
// is read.
//
//   const consumer = new Consumer(cluster, {})
//   consumer.assign([{ topic: 'orders', partition: 0, offset: 'earliest' }])
//   for (const { topic, partition, batches } of await consumer.poll(1000)) ...
import { errorCodes, errorRetriable } from '../protocol/errors.ts'
import { Fetch, type FetchResponse } from '../protocol/messages/01-fetch.ts'
import { eachBatch, getLastOffset, verifyCrc } from '../protocol/record-batch.ts'
import { make, type Received } from '../protocol/schema.ts'
import { AbortedFilter } from './aborted.ts'
import { BrokerError, type Cluster } from './cluster.ts'
import { byTopic, listOffsets, specialTimes, type TopicPartition } from './offsets.ts'

export type StartOffset = number | 'earliest' | 'latest'

export interface ConsumerOptions {
  /** Leave out what belongs to open or aborted transactions. */
  readonly committedOnly?: boolean
  /** Where to go on when an offset is not there any more; 'none': poll() throws. */
  readonly reset?: 'earliest' | 'latest' | 'none'
  readonly fetchBytesMax?: number
  readonly partitionBytesMax?: number
  readonly fetchBytesMin?: number
  readonly waitMsMax?: number
  readonly checkCrc?: boolean
  /** Told of errors that are waited out. */
  readonly warned?: (message: string) => void
}

export interface Assigned extends TopicPartition {
  readonly offset: StartOffset
}

/** What one answer brought for one partition. */
export interface Polled extends TopicPartition {
  /** Whole batches with records for readers; the first may begin before `fetchedFrom`. */
  readonly batches: readonly Buffer[]
  /** Records before it were not asked for. */
  readonly fetchedFrom: number
  /** Where to go on after all of it. */
  readonly nextOffset: number
  readonly highWatermark: number
}

interface Lane extends TopicPartition {
  offset: number // -1: to be looked up, see `start`
  start: StartOffset
  inFlight: boolean
  retryAtMs: number
}

type PartitionAnswer = Received<FetchResponse>['responses'][number]['partitions'][number]

/** By name; from 13 on topics go by id. */
const fetchVersionMax = 12
/** Answers that wait for poll(), each about fetchBytesMax at most. */
const waitingMax = 4

const defaults = {
  committedOnly: false,
  reset: 'latest',
  fetchBytesMax: 52_428_800,
  partitionBytesMax: 1_048_576,
  fetchBytesMin: 1,
  waitMsMax: 500,
  checkCrc: true,
  warned: () => {}
} as const

export class Consumer {
  readonly #cluster: Cluster
  readonly #options: Required<ConsumerOptions>
  #lanes: Lane[] = []
  #assignment = 0 // grows with each assign(): answers to fetches from before are dropped
  readonly #busy = new Set<number>() // brokers with a fetch on its way
  #fetched: Polled[] = []
  #failure: Error | null = null
  #waiting: (() => void) | null = null
  #filling = false
  #closed = false

  constructor (cluster: Cluster, options: ConsumerOptions = {}) {
    this.#cluster = cluster
    this.#options = { ...defaults, ...options }
  }

  /** In place of what was assigned before. */
  assign (partitions: readonly Assigned[]): void {
    this.#assignment++
    this.#fetched = []
    this.#lanes = partitions.map(({ topic, partition, offset }) => ({
      topic, partition, start: offset, offset: typeof offset === 'number' ? offset : -1, inFlight: false, retryAtMs: 0
    }))
    this.#fill()
  }

  /** Waits up to `timeoutMs` for something; empty when nothing came. */
  async poll (timeoutMs: number): Promise<Polled[]> {
    if (this.#fetched.length === 0 && this.#failure === null) {
      this.#fill()
      await new Promise<void>(resolve => {
        const timer = this.#cluster.clock.after(timeoutMs, resolve)
        this.#waiting = () => {
          timer.cancel()
          resolve()
        }
      })
      this.#waiting = null
    }
    if (this.#failure !== null) {
      const failure = this.#failure
      this.#failure = null
      throw failure
    }
    const fetched = this.#fetched
    this.#fetched = []
    this.#fill()
    return fetched
  }

  close (): void {
    this.#closed = true
    this.#wake()
  }

  #wake (): void {
    this.#waiting?.()
  }

  /** Sends a fetch to every broker that has something of ours and none of our fetches. */
  #fill (): void {
    if (this.#filling || this.#closed) return
    this.#filling = true
    this.#fillAll().catch((error: Error) => { this.#fail(error) }).then(() => { this.#filling = false })
  }

  async #fillAll (): Promise<void> {
    await this.#lookUpStarts()
    if (this.#fetched.length >= waitingMax) return
    const byLeader = new Map<number, Lane[]>()
    const nowMs = this.#cluster.clock.monotonicMs()
    for (const lane of this.#lanes) {
      if (lane.inFlight || lane.offset < 0) continue
      if (lane.retryAtMs > nowMs) {
        this.#later(lane.retryAtMs - nowMs)
        continue
      }
      const leader = await this.#leaderOf(lane)
      if (leader === null || this.#busy.has(leader)) continue
      const own = byLeader.get(leader)
      if (own === undefined) byLeader.set(leader, [lane])
      else own.push(lane)
    }
    for (const [leader, lanes] of byLeader) this.#fetch(leader, lanes)
  }

  #later (delayMs: number): void {
    this.#cluster.clock.after(delayMs, () => this.#fill())
  }

  async #leaderOf (lane: Lane): Promise<number | null> {
    try {
      if (this.#cluster.topicNow(lane.topic) === null) {
        await this.#cluster.metadata([lane.topic], { create: true })
      }
      const known = this.#cluster.topicNow(lane.topic)
      const found = known?.partitions.find(({ partitionIndex }) => partitionIndex === lane.partition)
      if (found === undefined) throw new BrokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
      return found.leaderId
    } catch (error) {
      this.#wait(lane, `${lane.topic}-${lane.partition}: ${(error as Error).message}`)
      return null
    }
  }

  async #lookUpStarts (): Promise<void> {
    for (const start of ['earliest', 'latest'] as const) {
      const nowMs = this.#cluster.clock.monotonicMs()
      const lanes = this.#lanes.filter(lane =>
        lane.offset < 0 && lane.start === start && lane.retryAtMs <= nowMs)
      if (lanes.length === 0) continue
      try {
        const { committedOnly } = this.#options
        const found = await listOffsets(this.#cluster, lanes, specialTimes[start], committedOnly)
        for (const { topic, partition, offset, errorCode } of found) {
          const lane = laneOf(lanes, topic, partition)!
          if (errorCode === errorCodes.NONE) lane.offset = offset
          else this.#wait(lane, `${topic}-${partition}: ${new BrokerError(errorCode).message}`)
        }
      } catch (error) {
        for (const lane of lanes) this.#wait(lane, `${lane.topic}: ${(error as Error).message}`)
      }
    }
  }

  /** Tried again after a while. */
  #wait (lane: Lane, message: string): void {
    this.#options.warned(message)
    this.#cluster.forgetTopic(lane.topic)
    const delayMs = this.#cluster.retryBackoffMs
    lane.retryAtMs = this.#cluster.clock.monotonicMs() + delayMs
    this.#later(delayMs)
  }

  #fetch (leader: number, lanes: Lane[]): void {
    const assignment = this.#assignment
    this.#busy.add(leader)
    for (const lane of lanes) lane.inFlight = true
    this.#ask(leader, lanes).then(
      answer => {
        if (assignment === this.#assignment) this.#take(answer, lanes)
      },
      (error: Error) => {
        for (const lane of lanes) this.#wait(lane, error.message)
      }
    ).catch((error: Error) => this.#fail(error)).then(() => {
      this.#busy.delete(leader)
      for (const lane of lanes) lane.inFlight = false
      this.#fill()
    })
  }

  async #ask (leader: number, lanes: readonly Lane[]): Promise<Received<FetchResponse>> {
    const { waitMsMax, fetchBytesMin, fetchBytesMax, partitionBytesMax, committedOnly } = this.#options
    const connection = await this.#cluster.broker(leader)
    const version = await connection.versionOf(Fetch, fetchVersionMax)
    const request = make(Fetch.request, {
      maxWaitMs: waitMsMax,
      minBytes: fetchBytesMin,
      maxBytes: fetchBytesMax,
      isolationLevel: committedOnly ? 1 : 0,
      topics: byTopic(lanes).map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map(partition => ({
          partition,
          fetchOffset: laneOf(lanes, topic, partition)!.offset,
          partitionMaxBytes: partitionBytesMax
        }))
      }))
    })
    return connection.send(Fetch, version, request)
  }

  #take (answer: Received<FetchResponse>, lanes: readonly Lane[]): void {
    if (answer.errorCode !== errorCodes.NONE) throw new BrokerError(answer.errorCode)
    for (const { topic, partitions } of answer.responses) {
      for (const data of partitions) {
        const lane = laneOf(lanes, topic, data.partitionIndex)
        if (lane !== undefined) this.#takePartition(lane, data)
      }
    }
    if (this.#fetched.length > 0) this.#wake()
  }

  #takePartition (lane: Lane, data: PartitionAnswer): void {
    if (data.errorCode === errorCodes.OFFSET_OUT_OF_RANGE) return this.#reset(lane)
    if (data.errorCode !== errorCodes.NONE) {
      const error = new BrokerError(data.errorCode)
      if (!errorRetriable(data.errorCode)) throw error
      return this.#wait(lane, `${lane.topic}-${lane.partition}: ${error.message}`)
    }
    const { records } = data
    if (records === null || records.length === 0) return
    const { committedOnly, checkCrc } = this.#options
    const filter = new AbortedFilter(committedOnly ? data.abortedTransactions : null)
    const batches: Buffer[] = []
    const fetchedFrom = lane.offset
    eachBatch(records, 0, records.length, (at, bytes) => {
      const batch = records.subarray(at, at + bytes)
      if (checkCrc && !verifyCrc(batch, 0)) {
        throw new Error(`${lane.topic}-${lane.partition}: a batch at ${lane.offset} is damaged`)
      }
      lane.offset = Math.max(lane.offset, getLastOffset(batch, 0) + 1)
      if (filter.isWanted(batch)) batches.push(batch)
    })
    const { topic, partition, offset: nextOffset } = lane
    const { highWatermark } = data
    this.#fetched.push({ topic, partition, batches, fetchedFrom, nextOffset, highWatermark })
  }

  #reset (lane: Lane): void {
    const { reset, warned } = this.#options
    if (reset === 'none') throw new BrokerError(errorCodes.OFFSET_OUT_OF_RANGE)
    warned(`${lane.topic}-${lane.partition}: offset ${lane.offset} is out of range, going on at the ${reset}`)
    lane.offset = -1
    lane.start = reset
  }

  #fail (error: Error): void {
    this.#failure = error
    this.#wake()
  }
}

function laneOf (lanes: readonly Lane[], topic: string, partition: number): Lane | undefined {
  return lanes.find(lane => lane.partition === partition && lane.topic === topic)
}
