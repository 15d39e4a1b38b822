// One producing connection. Closed loop: as many requests in flight as allowed, the next one when an answer
// comes. Open loop: requests leave when the schedule says, and their time counts from there, however late
// they left.
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { SmallAnswers } from './answers.ts'
import { patchCorrelation, produceErrorAt } from './frames.ts'
import { type Histogram } from './histogram.ts'

export interface ProducerOptions {
  readonly host: string
  readonly port: number
  readonly topic: string
  /** Sent in turn; one is reused only when its answer is there, so no fewer than may be in flight. */
  readonly frames: readonly Buffer[]
  readonly inFlight: number
  readonly acks: number
  /** From when a request should have left, and from when it left, to its answer. */
  readonly intended: Histogram
  readonly service: Histogram
}

export class LoadProducer {
  answered = 0
  errors = 0
  firstErrorCode = 0
  readonly #options: ProducerOptions
  readonly #socket: Socket
  #next = 0 // the frame whose turn it is; with all answers in order, the oldest one used
  #used = 0 // requests in flight
  readonly #busy: number[] = [] // frames in flight, oldest first, from #oldest on
  readonly #intendedMs: number[] = []
  readonly #sentMs: Float64Array
  readonly #dueMs: number[] = [] // open loop: requests whose time has come and that wait for a free frame
  #oldest = 0
  #correlationId = 0
  #closedLoop = false
  #running = false
  readonly #errorAt: number

  static async connect (options: ProducerOptions): Promise<LoadProducer> {
    const socket = connect({ host: options.host, port: options.port, noDelay: true })
    await once(socket, 'connect')
    return new LoadProducer(socket, options)
  }

  constructor (socket: Socket, options: ProducerOptions) {
    this.#socket = socket
    this.#options = options
    this.#errorAt = produceErrorAt(options.topic)
    this.#sentMs = new Float64Array(options.frames.length)
    const answers = new SmallAnswers((buffer, at) => this.#answer(buffer, at))
    socket.on('data', chunk => {
      answers.push(chunk)
      this.#refill()
    })
    socket.on('close', () => { if (this.#running) throw new Error('the broker closed a producing connection') })
  }

  get inFlight (): number { return this.#used }

  startClosedLoop (): void {
    this.#running = true
    this.#closedLoop = true
    this.#refill()
  }

  startOpenLoop (): void {
    this.#running = true
  }

  /** Open loop: `count` requests were due at `dueMs`. */
  due (dueMs: number, count: number): void {
    for (let n = 0; n < count; n++) this.#dueMs.push(dueMs)
    this.#refill()
  }

  /** Sends nothing new. */
  stop (): void {
    this.#running = false
    this.#closedLoop = false
  }

  close (): void {
    this.#running = false
    this.#socket.destroy()
  }

  #refill (): void {
    const { inFlight, acks } = this.#options
    if (!this.#running || this.#used >= inFlight) return
    const nowMs = performance.now()
    this.#socket.cork()
    while (this.#used < inFlight) {
      if (this.#closedLoop) this.#send(nowMs, nowMs)
      else if (this.#dueMs.length > 0) this.#send(this.#dueMs.shift()!, nowMs)
      else break
      if (acks === 0) break
    }
    this.#socket.uncork()
  }

  #send (intendedMs: number, nowMs: number): void {
    const { frames } = this.#options
    const index = this.#next
    this.#next = (index + 1) % frames.length
    this.#used++
    const frame = frames[index]
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    patchCorrelation(frame, this.#correlationId)
    this.#sentMs[index] = nowMs
    this.#intendedMs[index] = intendedMs
    if (this.#options.acks === 0) {
      this.#socket.write(frame, () => this.#done(index, performance.now()))
      return
    }
    this.#busy.push(index)
    this.#socket.write(frame)
  }

  #answer (buffer: Buffer, at: number): void {
    const errorCode = buffer.readInt16BE(at + this.#errorAt)
    if (errorCode !== 0) {
      this.errors++
      this.firstErrorCode ||= errorCode
    }
    const index = this.#busy[this.#oldest++]
    if (this.#oldest > 1024) {
      this.#busy.splice(0, this.#oldest)
      this.#oldest = 0
    }
    this.#done(index, performance.now())
  }

  #done (index: number, nowMs: number): void {
    this.answered++
    this.#options.intended.record(nowMs - this.#intendedMs[index])
    this.#options.service.record(nowMs - this.#sentMs[index])
    this.#used--
    if (this.#options.acks === 0) this.#refill()
  }
}
