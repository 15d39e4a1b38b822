// One partition of an internal topic and the machine whose state it holds: loads it, runs its events one
// after the other, writes what they want written, and answers when it is committed.
//
//   event ──step──> records ──one batch per tick──> log ──high watermark passes──> settled(0), replies
//                                                    └──refused───────────────────> settled(code)
import { assert } from '../base/assert.ts'
import { type Clock, type Timer } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type AppendResult } from '../log/types.ts'
import { errorCodes, errorName } from '../protocol/errors.ts'
import { type LogClient, type Row } from '../threads/log-client.ts'
import { type Ticket, type WaitingRoom } from '../waiting/waiting-room.ts'
import { encodeBatch, eachRecord } from './batches.ts'
import { CoordinatorError, type CoordinatorRecord, type Machine, type Step } from './machine.ts'
import { errorOfAppend } from './append-errors.ts'

export interface ShardOptions<M> {
  readonly name: string
  readonly row: Row
  readonly leaderEpoch: number
  readonly machine: M
  readonly log: LogClient
  readonly clock: Clock
  readonly waiting: WaitingRoom
  readonly logger: Logger
  /** How long an answer waits for its records to be committed. */
  commitTimeoutMs (): number
  /** Kafka's number of the codec. */
  compression (): number
  /** What a batch may hold: as much as the topic lets in. */
  batchBytesMax (): number
}

/** A piece at a time: reading a long log must not hold up what else the thread has to do. */
const loadBytes = 262_144

/** How soon to look again for what was not committed in time. */
const overdueMs = 1000
/** Keys of machines' timers are not empty. */
const overdueTimer = ''

interface Written<E> {
  readonly step: Step<E>
  /** The last of its records are in the batch: with it the step is done. */
  readonly last: boolean
}

interface Batch<E> {
  readonly steps: readonly Written<E>[]
  lastOffset: number
}

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: CoordinatorError) => void
}

export class Shard<E, M extends Machine<E>> {
  readonly machine: M
  readonly #options: ShardOptions<M>
  #state: 'loading' | 'active' | 'closed' = 'loading'
  /** What a request is told while the state is not 'active'. */
  #refusal: number = errorCodes.COORDINATOR_LOAD_IN_PROGRESS
  readonly #requests = new Map<number, Waiting>()
  #lastRequest = 0
  readonly #timers = new Map<string, Timer>()
  /** Events that wait for an exclusive one, or are exclusive and wait for everything. */
  readonly #queue: E[] = []
  /** Steps whose records are not appended yet. */
  #open: Step<E>[] = []
  /** How many records of #open[0] are. */
  #openFrom = 0
  #flushing = false
  /** In the log's hands. */
  #appending: Batch<E> | null = null
  /** Appended, above the high watermark, in the order of the log. */
  readonly #uncommitted: Batch<E>[] = []
  #parked: Ticket | null = null
  /** An exclusive event's records are under way. */
  #exclusive = false

  constructor (options: ShardOptions<M>) {
    this.#options = options
    this.machine = options.machine
  }

  get active (): boolean { return this.#state === 'active' }
  /** 0 when it serves. */
  get errorCode (): number { return this.#state === 'active' ? errorCodes.NONE : this.#refusal }

  /** Reads the partition from its start. Whoever asks meanwhile is told to come back. */
  async load (): Promise<void> {
    const { name, log, row, clock, logger } = this.#options
    const startMs = clock.monotonicMs()
    let offset = log.table.logStart(row)
    let records = 0
    try {
      while (this.#state === 'loading' && offset < log.table.end(row)) {
        const bytes = await log.readBytes(row, offset, 'end', loadBytes)
        if (this.#state !== 'loading') return
        const before = offset
        offset = eachRecord(bytes, offset, record => { this.machine.replay(record); records++ })
        if (offset === before) break // nothing more can be read
      }
    } catch (error) {
      logger.error({ partition: name, error: String(error) }, 'the coordinator cannot read its state')
      return this.close(errorCodes.NOT_COORDINATOR)
    }
    if (this.#state !== 'loading') return
    this.#state = 'active'
    this.#carry(this.machine.loaded(clock.nowMs()))
    if (records > 0) {
      const ms = Math.round(clock.monotonicMs() - startMs)
      logger.info({ partition: name, records, ms }, 'the coordinator has read its state')
    }
  }

  /** Resolves with the machine's answer, rejects with a CoordinatorError. */
  submit (eventOf: (request: number) => E): Promise<unknown> {
    if (this.#state !== 'active') return Promise.reject(new CoordinatorError(this.#refusal))
    const request = ++this.#lastRequest
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { resolve, reject })
      this.post(eventOf(request))
    })
  }

  /** An event that nobody waits for. */
  post (event: E): void {
    if (this.#state !== 'active') return
    this.#queue.push(event)
    if (this.#queue.length === 1) this.#drain()
  }

  /** The partition is another broker's now, or the broker closes: forgets everything and tells everybody. */
  close (errorCode: number): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#refusal = errorCode
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#parked?.leave()
    this.#queue.length = 0
    this.#open = []
    this.#uncommitted.length = 0
    for (const { reject } of this.#requests.values()) reject(new CoordinatorError(errorCode))
    this.#requests.clear()
  }

  get #busy (): boolean {
    return this.#open.length > 0 || this.#appending !== null || this.#uncommitted.length > 0
  }

  #drain (): void {
    while (this.#queue.length > 0 && !this.#exclusive) {
      const alone = this.machine.exclusive(this.#queue[0])
      if (alone && this.#busy) return
      const event = this.#queue.shift() as E
      this.#carry(this.machine.step(event, this.#options.clock.nowMs()))
      this.#exclusive = alone && this.#busy
    }
  }

  #carry (step: Step<E>): void {
    for (const note of step.notes) this.#options.logger.info({ partition: this.#options.name }, note)
    for (const { key, afterMs, event } of step.timers) {
      this.#timers.get(key)?.cancel()
      if (event === null || afterMs < 0) this.#timers.delete(key)
      else this.#timers.set(key, this.#wake(key, afterMs, event))
    }
    if (step.records.length === 0) {
      assert(step.settled === null, 'a step without records has nothing to settle')
      return this.#release(step)
    }
    this.#open.push(step)
    this.#flushSoon()
  }

  /**
   * By the clock, not in the waiting room: that ends everybody's time when it closes, but a session goes
   * on.
   */
  #wake (key: string, afterMs: number, event: E): Timer {
    const { clock } = this.#options
    const due = () => {
      if (this.#timers.get(key) !== timer) return
      this.#timers.delete(key)
      this.post(event)
    }
    const atOnce = { cancel () {} }
    const timer: Timer = afterMs === 0 ? atOnce : clock.after(afterMs, due)
    if (timer === atOnce) clock.soon(due)
    return timer
  }

  #release (step: Step<E>): void {
    for (const { request, answer } of step.replies) this.#answer(request, waiting => waiting.resolve(answer))
  }

  #refuse (step: Step<E>, error: CoordinatorError): void {
    for (const { request } of step.replies) this.#answer(request, waiting => waiting.reject(error))
  }

  #answer (request: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#requests.get(request)
    if (waiting === undefined) return // answered by the time it may wait
    this.#requests.delete(request)
    how(waiting)
  }

  #flushSoon (): void {
    if (this.#flushing || this.#appending !== null) return
    this.#flushing = true
    this.#options.clock.soon(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush (): void {
    if (this.#state !== 'active' || this.#appending !== null || this.#open.length === 0) return
    const { log, row, leaderEpoch, clock } = this.#options
    const { records, batch } = this.#nextBatch()
    const bytes = encodeBatch(records, clock.nowMs(), this.#options.compression())
    this.#appending = batch
    const origin = { kind: 'coordinator' as const, leaderEpoch }
    const append = () => {
      if (this.#state !== 'active') return
      if (!log.append(row, bytes, origin, this, 0)) log.whenRoom(row, append)
    }
    append()
  }

  /** As many whole steps as fit; a step that is larger than a batch goes in pieces. */
  #nextBatch (): { records: CoordinatorRecord[], batch: Batch<E> } {
    const bytesMax = this.#options.batchBytesMax()
    const records: CoordinatorRecord[] = []
    const steps: Written<E>[] = []
    let bytes = 0
    while (this.#open.length > 0) {
      const step = this.#open[0]
      let at = this.#openFrom
      const size = step.records.slice(at).reduce((sum, record) => sum + recordBytes(record), 0)
      if (records.length > 0 && bytes + size > bytesMax) break
      while (at < step.records.length) {
        const more = recordBytes(step.records[at])
        if (records.length > 0 && bytes + more > bytesMax) break
        bytes += more
        records.push(step.records[at++])
      }
      const last = at === step.records.length
      steps.push({ step, last })
      this.#openFrom = last ? 0 : at
      if (!last) break
      this.#open.shift()
    }
    return { records, batch: { steps, lastOffset: -1 } }
  }

  /** Called by the log client. */
  appended (_token: number, result: AppendResult): void {
    const batch = this.#appending
    this.#appending = null
    if (this.#state !== 'active' || batch === null) return
    if (result.errorCode !== errorCodes.NONE) {
      this.#failed(batch, result.errorCode)
    } else {
      batch.lastOffset = result.lastOffset
      this.#uncommitted.push(batch)
      if (!this.#commit()) this.#await()
    }
    if (this.#open.length > 0) this.#flushSoon()
    this.#drain()
  }

  /** What was appended below the high watermark is done. True when nothing is left to wait for. */
  #commit (): boolean {
    const { log, row, clock } = this.#options
    const highWatermark = log.table.highWatermark(row)
    while (this.#uncommitted.length > 0 && this.#uncommitted[0].lastOffset < highWatermark) {
      const batch = this.#uncommitted.shift() as Batch<E>
      for (const { step, last } of batch.steps) {
        if (!last) continue
        if (step.settled !== null) this.#carry(step.settled(errorCodes.NONE, clock.nowMs()))
        this.#release(step)
      }
    }
    if (!this.#busy) this.#exclusive = false
    return this.#uncommitted.length === 0
  }

  #await (): void {
    if (this.#parked !== null) return
    const forget = () => { this.#parked = null }
    this.#parked = this.#options.waiting.park([this.#options.row], this.#options.commitTimeoutMs(), {
      check: () => {
        if (this.#state !== 'active') return true
        const done = this.#commit()
        if (done) forget()
        this.#drain()
        return done
      },
      expire: () => {
        forget()
        if (this.#state === 'active') this.#overdue()
      }
    })
  }

  /** Too late for those who wait; the records may still be committed, and then they count. */
  #overdue (): void {
    const error = new CoordinatorError(errorOfAppend(errorCodes.REQUEST_TIMED_OUT))
    for (const { steps } of this.#uncommitted) {
      for (const { step } of steps) this.#refuse(step, error)
    }
    const again = () => {
      this.#timers.delete(overdueTimer)
      if (!this.#commit()) this.#await()
      this.#drain()
    }
    // Nobody waits any more, so this need not be quick; a room that closes would send us away again at once.
    this.#timers.set(overdueTimer, this.#options.clock.after(overdueMs, again))
  }

  /** With a batch that was not written fails what was built on it. */
  #failed (batch: Batch<E>, appendError: number): void {
    const code = errorOfAppend(appendError)
    const { logger, name, clock } = this.#options
    logger.warn({ partition: name, error: errorName(appendError) }, 'the coordinator could not write')
    const steps = new Set([...batch.steps.map(({ step }) => step), ...this.#open])
    this.#open = []
    this.#openFrom = 0
    for (const step of [...steps].reverse()) {
      this.#refuse(step, new CoordinatorError(code))
      if (step.settled !== null) this.#carry(step.settled(code, clock.nowMs()))
    }
    if (!this.#busy) this.#exclusive = false
  }
}

function recordBytes ({ key, value }: CoordinatorRecord): number {
  return key.length + (value?.length ?? 0) + recordOverheadBytes
}

/** Length, attributes, deltas, two lengths, no headers: at most so much around a key and a value. */
const recordOverheadBytes = 24
