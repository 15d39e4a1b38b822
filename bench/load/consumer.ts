// One consuming connection: one request in flight that asks for all its partitions. Each begins again at the
// start when it has been read to its end (history), or waits for more (tail).
import { type Socket } from 'node:net'
import { type Fetched, FetchAnswers } from './answers.ts'
import { type FetchFrame, fetchFrame, patchCorrelation, patchOffset } from './frames.ts'
import { type Histogram } from './histogram.ts'
import { connected } from './socket.ts'

export interface ConsumerOptions {
  readonly host: string
  readonly port: number
  readonly topic: string
  readonly partitions: readonly { readonly partition: number, readonly start: number }[]
  /** Of each partition. */
  readonly fetchBytes: number
  readonly tail: boolean
  readonly times: Histogram
  /** Told of each partition of which something came. */
  readonly arrived?: (partition: number, nextOffset: number) => void
}

interface Lane {
  readonly start: number
  offset: number
}

const waitMsMax = 500
/** More than that and the figures mean nothing: it stops asking. */
const errorsMax = 100

export class LoadConsumer {
  answered = 0
  records = 0
  bytes = 0
  errors = 0
  firstErrorCode = 0
  readonly #socket: Socket
  readonly #options: ConsumerOptions
  readonly #frame: FetchFrame
  readonly #answers: FetchAnswers
  readonly #lanes = new Map<number, Lane>()
  #correlationId = 0
  #sentMs = 0
  #running = false

  static async connect (options: ConsumerOptions): Promise<LoadConsumer> {
    // Nothing comes before the first request, which start() sends.
    const made: { consumer?: LoadConsumer } = {}
    const socket = await connected(options, chunk => made.consumer!.#answers.push(chunk))
    made.consumer = new LoadConsumer(socket, options)
    return made.consumer
  }

  constructor (socket: Socket, options: ConsumerOptions) {
    this.#socket = socket
    this.#options = options
    const { topic, fetchBytes: bytesMax, partitions } = options
    const numbers = partitions.map(({ partition }) => partition)
    this.#frame = fetchFrame({ topic, partitions: numbers, bytesMax, waitMsMax })
    this.#answers = new FetchAnswers(topic, {
      partition: fetched => this.#take(fetched),
      ended: errorCode => this.#ended(errorCode)
    })
    for (const { partition, start } of partitions) this.#lanes.set(partition, { start, offset: start })
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
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    patchCorrelation(this.#frame.bytes, this.#correlationId)
    let index = 0
    for (const { offset } of this.#lanes.values()) patchOffset(this.#frame, index++, offset)
    this.#sentMs = performance.now()
    this.#socket.write(this.#frame.bytes)
  }

  #take (fetched: Fetched): void {
    this.records += fetched.records
    this.bytes += fetched.bytes
    if (fetched.errorCode !== 0) this.#count(fetched.errorCode)
    const lane = this.#lanes.get(fetched.partition)!
    if (fetched.nextOffset >= 0) {
      lane.offset = fetched.nextOffset
      this.#options.arrived?.(fetched.partition, fetched.nextOffset)
    }
    if (!this.#options.tail && lane.offset >= fetched.highWatermark) lane.offset = lane.start
  }

  #ended (errorCode: number): void {
    this.#options.times.record(performance.now() - this.#sentMs)
    this.answered++
    if (errorCode !== 0) this.#count(errorCode)
    if (this.#running && this.errors < errorsMax) this.#send()
  }

  #count (errorCode: number): void {
    this.errors++
    this.firstErrorCode ||= errorCode
  }
}
