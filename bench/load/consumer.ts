// One consuming connection: fetches its partitions in turn, one request in flight, and begins again at the
// start when it has read what was there (history), or waits for more (tail).
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { type Fetched, FetchAnswers } from './answers.ts'
import { type FetchFrame, fetchFrame, patchCorrelation, patchOffset } from './frames.ts'
import { type Histogram } from './histogram.ts'

export interface ConsumerOptions {
  readonly host: string
  readonly port: number
  readonly topic: string
  readonly partitions: readonly { readonly partition: number, readonly start: number }[]
  readonly fetchBytes: number
  readonly tail: boolean
  readonly times: Histogram
}

interface Lane {
  readonly frame: FetchFrame
  readonly start: number
  offset: number
}

const waitMsMax = 500

export class LoadConsumer {
  answered = 0
  records = 0
  bytes = 0
  errors = 0
  firstErrorCode = 0
  /** How often all that was there was read. */
  rounds = 0
  readonly #socket: Socket
  readonly #options: ConsumerOptions
  readonly #lanes: Lane[]
  #lane = 0
  #correlationId = 0
  #sentMs = 0
  #running = false

  static async connect (options: ConsumerOptions): Promise<LoadConsumer> {
    const socket = connect({ host: options.host, port: options.port, noDelay: true })
    await once(socket, 'connect')
    return new LoadConsumer(socket, options)
  }

  constructor (socket: Socket, options: ConsumerOptions) {
    this.#socket = socket
    this.#options = options
    const { topic, fetchBytes: bytesMax } = options
    this.#lanes = options.partitions.map(({ partition, start }) =>
      ({ frame: fetchFrame({ topic, partition, bytesMax, waitMsMax }), start, offset: start }))
    const answers = new FetchAnswers(topic, fetched => this.#answer(fetched))
    socket.on('data', chunk => answers.push(chunk))
    socket.on('close', () => { if (this.#running) throw new Error('the broker closed a consuming connection') })
  }

  start (): void {
    this.#running = true
    this.#send()
  }

  close (): void {
    this.#running = false
    this.#socket.destroy()
  }

  #send (): void {
    const { frame, offset } = this.#lanes[this.#lane]
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    patchCorrelation(frame.bytes, this.#correlationId)
    patchOffset(frame, offset)
    this.#sentMs = performance.now()
    this.#socket.write(frame.bytes)
  }

  #answer (fetched: Fetched): void {
    this.#options.times.record(performance.now() - this.#sentMs)
    this.answered++
    this.records += fetched.records
    this.bytes += fetched.bytes
    if (fetched.errorCode !== 0) {
      this.errors++
      this.firstErrorCode ||= fetched.errorCode
    }
    const lane = this.#lanes[this.#lane]
    if (fetched.nextOffset >= 0) lane.offset = fetched.nextOffset
    if (!this.#options.tail && lane.offset >= fetched.highWatermark) {
      lane.offset = lane.start
      this.rounds++
    }
    this.#lane = (this.#lane + 1) % this.#lanes.length
    if (this.#running && this.errors < 100) this.#send()
  }
}
