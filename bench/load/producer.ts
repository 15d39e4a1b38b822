// One producing connection. Closed loop: as many requests in flight as allowed, the next one when an answer
// comes. Open loop: requests leave when the schedule says, and their time counts from there, however late
// they left.
import { type Socket } from 'node:net'
import { SmallAnswers } from './answers.ts'
import { patchCorrelation, produceErrorAt, produceErrorStep } from './frames.ts'
import { type Histogram } from './histogram.ts'
import { connected } from './socket.ts'

export interface ProducerOptions {
  readonly host: string
  readonly port: number
  readonly topic: string
  /** Sent in turn; one is reused only when its answer is there, so no fewer than may be in flight. */
  readonly frames: readonly Buffer[]
  /** In each frame. */
  readonly partitionsPerRequest: number
  readonly inFlight: number
  readonly acks: number
  /** From when a request should have left, and from when it left, to its answer. */
  readonly intended: Pick<Histogram, 'record'>
  readonly service: Pick<Histogram, 'record'>
  /** Told of each request as it leaves, with its frame and the time at which it should have left. */
  readonly sent?: (frame: number, intendedMs: number) => void
}

export class LoadProducer {
  answered = 0
  errors = 0
  firstErrorCode = 0
  readonly #options: ProducerOptions
  readonly #socket: Socket
  readonly #answers: SmallAnswers
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
    const made: { producer?: LoadProducer } = {}
    const socket = await connected(options, chunk => made.producer!.#take(chunk))
    made.producer = new LoadProducer(socket, options)
    return made.producer
  }

  constructor (socket: Socket, options: ProducerOptions) {
    this.#socket = socket
    this.#options = options
    this.#errorAt = produceErrorAt(options.topic)
    this.#sentMs = new Float64Array(options.frames.length)
    this.#answers = new SmallAnswers((buffer, at) => this.#answer(buffer, at))
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

  #take (chunk: Buffer): void {
    this.#answers.push(chunk)
    this.#refill()
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
    this.#options.sent?.(index, intendedMs)
    if (this.#options.acks === 0) {
      this.#socket.write(frame, () => this.#done(index, performance.now()))
      return
    }
    this.#busy.push(index)
    this.#socket.write(frame)
  }

  #answer (buffer: Buffer, at: number): void {
    for (let n = 0; n < this.#options.partitionsPerRequest; n++) {
      const errorCode = buffer.readInt16BE(at + this.#errorAt + n * produceErrorStep)
      if (errorCode === 0) continue
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
