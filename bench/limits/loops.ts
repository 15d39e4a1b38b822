// What one Node thread takes in and sends out over loopback at best:
//   in        bytes come, are copied once, get their CRC-32C and go to a file by writev
//   requests  the same in the pattern of produce: so many bytes a request, few in flight, each answered
//   out       a file is read and its bytes leave
// The other end is a thread of the same process that does nothing else.

import { Worker } from 'node:worker_threads'
import { crc32c } from '../../engine/base/crc32c.ts'
import { realDisk } from '../../engine/base/disk-real.ts'
import { type Connection } from '../../engine/base/network.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import type { PeerTask } from './peer.ts' // of the type alone: importing the file would run it

export interface LoopOptions {
  readonly seconds: number
  readonly warmupSeconds: number
  readonly connections: number
}

export interface Figure {
  readonly bytesPerSecond: number
  readonly cpuSecondsPerGb: number
}

export const batchBytes = 16_384
const arenaBytes = 64 * 2 ** 20
/** The file is written over and over: a memory file system holds it. */
const fileBytesMax = 256 * 2 ** 20
const readBytes = 2 ** 20
/** As the generator's: an answer to Produce v7 for one partition. */
const answerBytes = 52
const inFlight = 5

/** Counts bytes, and says what came per second of wall time and cost of processor time once warm. */
class Meter {
  bytes = 0
  async measure ({ seconds, warmupSeconds }: LoopOptions): Promise<Figure> {
    // The peer is a thread that has to come up first.
    while (this.bytes === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, warmupSeconds * 1000))
    const bytes = this.bytes
    const start = performance.now()
    const cpu = process.threadCpuUsage()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const spent = process.threadCpuUsage(cpu)
    const moved = this.bytes - bytes
    return {
      bytesPerSecond: moved / (performance.now() - start) * 1000,
      cpuSecondsPerGb: (spent.user + spent.system) / 1e6 / (moved / 1e9)
    }
  }
}

async function serve (
  task: Omit<PeerTask, 'port' | 'connections'>, options: LoopOptions,
  accepted: (connection: Connection) => void, meter: Meter
): Promise<Figure> {
  const listening = await realNetwork.listen({ host: '127.0.0.1', port: 0, backlog: 50 }, accepted)
  const workerData: PeerTask = { ...task, port: listening.port, connections: options.connections }
  const peer = new Worker(new URL('./peer.ts', import.meta.url), { workerData })
  const figure = await meter.measure(options)
  await peer.terminate()
  await listening.close()
  return figure
}

/** Copies what comes into an arena, checks it in pieces of `pieceBytes` and appends it to a file. */
class Sink {
  readonly #arena = Buffer.from(new SharedArrayBuffer(arenaBytes))
  readonly #file: number
  readonly #pieceBytes: number
  #at = 0
  #position = 0
  #closed = false

  constructor (path: string, pieceBytes: number) {
    this.#file = realDisk.open(path, 'write')
    this.#pieceBytes = pieceBytes
  }

  take (chunk: Buffer): void {
    // What its peer had sent still comes after the measurement.
    if (this.#closed) return
    if (this.#at + chunk.length > arenaBytes) this.#at = 0
    if (this.#position + chunk.length > fileBytesMax) this.#position = 0
    this.#arena.set(chunk, this.#at)
    const slices: Buffer[] = []
    for (let from = 0; from < chunk.length; from += this.#pieceBytes) {
      const to = Math.min(chunk.length, from + this.#pieceBytes)
      const slice = this.#arena.subarray(this.#at + from, this.#at + to)
      crc32c(slice)
      slices.push(slice)
    }
    realDisk.writev(this.#file, slices, this.#position)
    this.#at += chunk.length
    this.#position += chunk.length
  }

  close (): void {
    this.#closed = true
    realDisk.close(this.#file)
  }
}

export async function measureIn (options: LoopOptions, path: string): Promise<Figure> {
  const meter = new Meter()
  const sink = new Sink(path, batchBytes)
  const data = (chunk: Buffer): void => {
    sink.take(chunk)
    meter.bytes += chunk.length
  }
  const figure = await serve({ task: 'send' }, options, (connection) => {
    connection.start({ data, drained () {}, closed () {} })
  }, meter)
  sink.close()
  return figure
}

export async function measureRequests (
  options: LoopOptions, path: string, requestBytes: number
): Promise<Figure> {
  const meter = new Meter()
  const sink = new Sink(path, Math.min(requestBytes, 65_536))
  const answer = Buffer.alloc(answerBytes)
  const figure = await serve({ task: 'ask', requestBytes, answerBytes, inFlight }, options, (connection) => {
    let rest = 0
    const data = (chunk: Buffer): void => {
      sink.take(chunk)
      meter.bytes += chunk.length
      rest += chunk.length
      const whole = Math.floor(rest / requestBytes)
      if (whole > 0) connection.write(new Array<Buffer>(whole).fill(answer))
      rest %= requestBytes
    }
    connection.start({ data, drained () {}, closed () {} })
  }, meter)
  sink.close()
  return figure
}

export async function measureOut (options: LoopOptions, path: string): Promise<Figure> {
  const meter = new Meter()
  const file = realDisk.open(path, 'write')
  realDisk.writev(file, [Buffer.alloc(fileBytesMax, 7)], 0)
  let over = false
  const figure = await serve({ task: 'receive' }, options, (connection) => {
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    let position = 0
    const next = (): void => {
      // Asked here and not before the wait: the file may be closed by the time its turn comes.
      if (over) return
      if (position + readBytes > fileBytesMax) position = 0
      realDisk.read(file, buffer, position)
      position += readBytes
      connection.write([buffer], () => {
        meter.bytes += readBytes
        // By way of the loop: a peer that always keeps up would let nothing else run, not even the clock.
        setImmediate(next)
      })
    }
    connection.start({ data () {}, drained () {}, closed () {} })
    next()
  }, meter)
  over = true
  realDisk.close(file)
  return figure
}
