// For tests: a server on a free port with handlers of the test's choice, and a client that sends raw bytes.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock } from '../base/clock.ts'
import { realClock } from '../base/clock-real.ts'
import { type Logger } from '../base/logger.ts'
import { type Network } from '../base/network.ts'
import { realNetwork } from '../base/network-real.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { decodeResponse } from '../protocol/compile.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../protocol/frame.ts'
import { type AnyApi, make, type RequestOf, type ResponseOf } from '../protocol/schema.ts'
import { Reader } from '../protocol/wire.ts'
import { Arena } from '../threads/arena.ts'
import { type Piece } from '../threads/pieces.ts'
import { apiVersions } from '../apis/18-api-versions.ts'
import { type Doors, serve, type ServedApi } from '../apis/context.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { Server } from './listener.ts'
import { type RequestInWork } from './request.ts'

export interface TestServer {
  server: Server
  port: number
  arena: Arena
  /** The messages of its log lines, with their fields. */
  lines: string[]
  broken: Error[]
  /** Requests whose answers have left. */
  done: RequestInWork[]
  close (): Promise<void>
}

interface TestServerOptions {
  served?: readonly ServedApi[]
  overrides?: Record<string, string>
  arenaBytes?: number
  clock?: Clock
  network?: Network
}

export async function startTestServer (options: TestServerOptions = {}): Promise<TestServer> {
  const { served = [], overrides = {}, arenaBytes = 16 * 1024 * 1024 } = options
  const { clock = realClock, network = realNetwork } = options
  const lines: string[] = []
  const logger = linesLogger(lines)
  const config = loadBrokerConfig({ overrides: { listeners: 'PLAINTEXT://127.0.0.1:0', ...overrides }, logger })
  const arena = new Arena(arenaBytes, clock)
  const broken: Error[] = []
  const done: RequestInWork[] = []
  const doors = {
    brokerId: config.nodeId,
    config,
    clock,
    logger,
    log: { arena, poll () {} },
    catalog: { clusterId: 'the-cluster' },
    served: [...served, serve(ApiVersions, apiVersions)]
  } as unknown as Doors
  const server = new Server({
    network,
    clock,
    logger,
    config,
    doors,
    broken (reason) { broken.push(reason) },
    requestDone (request) { done.push(request) }
  })
  const [{ port }] = await server.open(config.listeners)
  return {
    server,
    port,
    arena,
    lines,
    broken,
    done,
    async close () {
      await server.closeListeners()
      await server.closeConnections(false)
      arena.close()
    }
  }
}

export function linesLogger (lines: string[]): Logger {
  const add = (fields: object | string, message?: string) => {
    lines.push(typeof fields === 'string' ? fields : `${message} ${JSON.stringify(fields)}`)
  }
  return { debug () {}, info: add, warn: add, error: add }
}

/** A socket and what it got so far. */
export class RawClient {
  readonly socket: Socket
  receivedBytes = 0
  closed = false
  #chunks: Buffer[] = []
  #changed: () => void = () => {}

  constructor (socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => {
      this.#chunks.push(chunk)
      this.receivedBytes += chunk.length
      this.#changed()
    })
    socket.on('error', () => {})
    socket.on('close', () => { this.closed = true; this.#changed() })
  }

  static async connect (port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  send (...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  async until (isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await new Promise<void>(resolve => { this.#changed = resolve })
    }
  }

  async untilClosed (): Promise<void> {
    await this.until(() => this.closed)
  }

  /** The next frame without its size, or null when the connection closes before. */
  async frame (): Promise<Buffer | null> {
    await this.until(() => this.closed || this.#whole())
    if (!this.#whole()) return null
    const end = 4 + this.#joined(4).readInt32BE(0)
    const all = this.#joined(end)
    this.#chunks = all.length > end ? [all.subarray(end)] : []
    this.receivedBytes -= end
    return all.subarray(4, end)
  }

  #whole (): boolean {
    return this.receivedBytes >= 4 && this.receivedBytes >= 4 + this.#joined(4).readInt32BE(0)
  }

  /** The first chunk, with at least so many bytes. */
  #joined (bytes: number): Buffer {
    if (this.#chunks[0].length < bytes) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]
  }

  async answer<A extends AnyApi> (
    api: A, version: number
  ): Promise<{ correlationId: number, value: ResponseOf<A> }> {
    const frame = await this.frame()
    if (frame === null) throw new Error('the connection was closed')
    const reader = new Reader(frame)
    const correlationId = decodeResponseHeader(reader, api, version)
    return { correlationId, value: decodeResponse(api, version, reader) as ResponseOf<A> }
  }

  end (): void {
    this.socket.destroy()
  }
}

/** A request's bytes, with the fields that matter. */
export function frameOf<A extends AnyApi> (
  api: A, version: number, correlationId: number, partial: object = {}
): Buffer {
  return encodeRequestFrame(api, version, correlationId, 'test', make(api.request, partial) as RequestOf<A>)
}

/** To a Fetch of one partition. */
export function fetchAnswer (pieces: Piece[], bytes: number) {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 0,
    nodeEndpoints: [],
    responses: [{
      topic: 't',
      topicId: '00000000-0000-0000-0000-000000000000',
      partitions: [{
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 1,
        lastStableOffset: 1,
        logStartOffset: 0,
        divergingEpoch: { epoch: -1, endOffset: -1 },
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
        snapshotId: { endOffset: -1, epoch: -1 },
        abortedTransactions: null,
        preferredReadReplica: -1,
        records: { bytes, pieces }
      }]
    }]
  }
}
