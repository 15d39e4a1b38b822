// One outgoing connection that speaks the protocol: followers' fetchers, tools and benches stand on it.
// Requests are pipelined, answers come back in their order. A request that gets no answer in its time ends
// the connection, as nothing can be said any more about what came of the ones behind it.
//
//   const connection = await BrokerConnection.connect(network, clock, { host, port })
//   const { topics } = await connection.request(Metadata, null, make(Metadata.request, { topics: null }))
import { type Clock, type Timer } from '../base/clock.ts'
import { type Connection, type Network } from '../base/network.ts'
import { decodeResponse, encodeRequest } from '../protocol/compile.ts'
import { errorCodes, errorName } from '../protocol/errors.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../protocol/frame.ts'
import { ApiVersions, type ApiVersionsResponse } from '../protocol/messages/18-api-versions.ts'
import { make, type AnyApi, type Received, type RequestOf, type ResponseOf } from '../protocol/schema.ts'
import { Reader, Writer } from '../protocol/wire.ts'
import { FrameReader } from './frame-reader.ts'

export type ConnectionFailure = 'unreachable' | 'unknown-host' | 'closed' | 'timeout' | 'version' | 'protocol'

/**
 * The connection could not be had or ended; `reason` says how. What was asked may or may not have happened.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly reason: ConnectionFailure

  constructor (reason: ConnectionFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly clientId?: string | null
  /** To connect, and for each answer unless the request says otherwise. Default 30 s. */
  readonly timeoutMs?: number
  /** A larger answer ends the connection: a size that lies must not take our memory. Default 256 MB. */
  readonly answerBytesMax?: number
}

export interface RequestOptions {
  /** Time for the answer to come. */
  readonly timeoutMs?: number
}

export interface VersionRange {
  readonly min: number
  readonly max: number
}

interface Pending {
  readonly api: AnyApi
  readonly version: number
  readonly correlationId: number
  readonly deadlineMs: number
  readonly resolve: (value: any) => void
  readonly reject: (error: Error) => void
}

const timeoutMsDefault = 30_000
const answerBytesMaxDefault = 256 * 1024 * 1024
/** A writer that a large request has grown is not kept. */
const writerBytesMax = 64 * 1024
/**
 * The newest ApiVersions that asks for nothing a broker could refuse: v5 wants to know which cluster is
 * meant.
 */
const apiVersionsAsked = 4

export class BrokerConnection {
  readonly host: string
  readonly port: number
  readonly clientId: string | null
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #connection: Connection
  readonly #frames: FrameReader
  readonly #pending: Pending[] = [] // in the order in which they were sent; answers take the first
  readonly #listeners: ((error: ConnectionError) => void)[] = []
  #first = 0 // index of the oldest in #pending; the entries before it are answered
  #correlationId = 0
  #writer = new Writer() // used again for each request; what leaves is a copy, records apart
  #outgoing: Uint8Array[] = [] // written at the end of this turn, with all else that is asked in it
  #failure: ConnectionError | null = null
  #timer: Timer | null = null
  #timerDueMs = Infinity
  #versions: Promise<ApiVersionsResponse> | null = null
  #ranges: Map<number, VersionRange> | null = null

  static async connect (network: Network, clock: Clock, options: ConnectOptions): Promise<BrokerConnection> {
    const { host, port, timeoutMs = timeoutMsDefault } = options
    let connection: Connection
    try {
      connection = await network.connect({ host, port, timeoutMs })
    } catch (error) {
      const reason = /ENOTFOUND/.test(messageOf(error)) ? 'unknown-host' : 'unreachable'
      throw new ConnectionError(reason, messageOf(error), error)
    }
    return new BrokerConnection(connection, clock, options)
  }

  /** For a connection that is there already; starts it, so it must run in the turn that handed it over. */
  constructor (connection: Connection, clock: Clock, options: ConnectOptions) {
    this.host = options.host
    this.port = options.port
    this.clientId = options.clientId ?? null
    this.#clock = clock
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault
    this.#connection = connection
    const { answerBytesMax = answerBytesMaxDefault } = options
    this.#frames = new FrameReader(answerBytesMax, frame => this.#answered(frame))
    connection.start({
      data: chunk => this.#received(chunk),
      drained: () => {},
      closed: reason => this.#fail(new ConnectionError('closed', reason === null
        ? `${this.#name} closed the connection`
        : `the connection to ${this.#name} broke: ${reason.message}`, reason))
    })
  }

  get isOpen (): boolean { return this.#failure === null }
  /** Requests without an answer yet. */
  get inFlight (): number { return this.#pending.length - this.#first }
  /** Bytes handed to the system that have not left the process. */
  get pendingBytes (): number { return this.#connection.pendingBytes }
  get #name (): string { return `${this.host}:${this.port}` }

  /** Called once, when the connection ends for whatever reason. */
  onClosed (listener: (error: ConnectionError) => void): void {
    if (this.#failure !== null) listener(this.#failure)
    else this.#listeners.push(listener)
  }

  /**
   * `version` null: the newest that both sides speak (asks ApiVersions first, once per connection).
   * Rejects with ConnectionError only: error codes in answers are for the caller to read.
   */
  async request<A extends AnyApi> (
    api: A, version: number | null, value: RequestOf<A>, options: RequestOptions = {}
  ): Promise<Received<ResponseOf<A>>> {
    const chosen = version ?? await this.versionOf(api)
    return this.send(api, chosen, value, options)
  }

  /** request() with a version that is known: what is called first is sent first. */
  send<A extends AnyApi> (
    api: A, version: number, value: RequestOf<A>, options: RequestOptions = {}
  ): Promise<Received<ResponseOf<A>>> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure)
      const correlationId = this.#nextCorrelationId()
      this.#write(api, version, correlationId, value)
      const deadlineMs = this.#clock.monotonicMs() + (options.timeoutMs ?? this.#timeoutMs)
      this.#pending.push({ api, version, correlationId, deadlineMs, resolve, reject })
      this.#watch(deadlineMs)
    })
  }

  /** For Produce with acks=0, the one request that brokers do not answer. */
  sendUnanswered<A extends AnyApi> (api: A, version: number, value: RequestOf<A>): void {
    if (this.#failure !== null) throw this.#failure
    this.#write(api, version, this.#nextCorrelationId(), value)
  }

  /** What the broker says it speaks, features included. Asked once. */
  apiVersions (): Promise<ApiVersionsResponse> {
    this.#versions ??= this.#askVersions()
    return this.#versions
  }

  /** The newest version of `api`, at most `latest`, that both sides speak. */
  async versionOf (api: AnyApi, latest = api.versions[1]): Promise<number> {
    if (this.#ranges === null) await this.apiVersions()
    const range = this.#ranges!.get(api.key)
    const version = range === undefined ? -1 : Math.min(range.max, latest)
    if (range === undefined || version < Math.max(range.min, api.versions[0])) {
      const spoken = range === undefined ? 'does not speak it' : `speaks ${range.min} to ${range.max}`
      throw new ConnectionError('version',
        `no version of ${api.name} in common with ${this.#name}: it ${spoken}, we ${api.versions[0]} to ${latest}`)
    }
    return version
  }

  /** The ranges of the broker once they were asked for, else null. */
  get ranges (): ReadonlyMap<number, VersionRange> | null { return this.#ranges }

  close (): void {
    if (this.#failure !== null) return
    this.#flush()
    this.#connection.end()
    this.#fail(new ConnectionError('closed', `the connection to ${this.#name} was closed here`))
  }

  /** Ends at once, whatever is on its way. */
  destroy (): void {
    if (this.#failure !== null) return
    this.#connection.destroy()
    this.#fail(new ConnectionError('closed', `the connection to ${this.#name} was closed here`))
  }

  async #askVersions (): Promise<ApiVersionsResponse> {
    const request = make(ApiVersions.request, { clientSoftwareName: 'millrace', clientSoftwareVersion: '1' })
    let answer = await this.send(ApiVersions, apiVersionsAsked, request)
    if (answer.errorCode === errorCodes.UNSUPPORTED_VERSION) {
      const known = answer.apiKeys.find(({ apiKey }) => apiKey === ApiVersions.key)
      answer = await this.send(ApiVersions, Math.min(known?.maxVersion ?? 0, apiVersionsAsked), request)
    }
    if (answer.errorCode !== errorCodes.NONE) {
      throw new ConnectionError('version', `${this.#name} refused ApiVersions: ${errorName(answer.errorCode)}`)
    }
    this.#ranges = new Map(answer.apiKeys.map(range =>
      [range.apiKey, { min: range.minVersion, max: range.maxVersion }]))
    return answer
  }

  #nextCorrelationId (): number {
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    return this.#correlationId
  }

  #write (api: AnyApi, version: number, correlationId: number, value: unknown): void {
    const writer = this.#writer
    writer.reset()
    writer.int32(0)
    encodeRequestHeader(writer, api, version, correlationId, this.clientId)
    encodeRequest(api, version, writer, value as RequestOf<AnyApi>)
    writer.view.setInt32(0, writer.bytes - 4)
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush())
    let from = 0
    for (const { at, value } of writer.splices) {
      if (at > from) this.#outgoing.push(Buffer.from(writer.buf.subarray(from, at)))
      for (const piece of value.pieces) this.#outgoing.push(piece as Uint8Array)
      from = at
    }
    if (writer.at > from) this.#outgoing.push(Buffer.from(writer.buf.subarray(from, writer.at)))
    if (writer.buf.length > writerBytesMax) this.#writer = new Writer()
  }

  #flush (): void {
    if (this.#outgoing.length === 0 || this.#failure !== null) return
    const slices = this.#outgoing
    this.#outgoing = []
    this.#connection.write(slices)
  }

  #received (chunk: Buffer): void {
    if (this.#failure !== null) return
    try {
      this.#frames.push(chunk)
    } catch (error) {
      this.#connection.destroy()
      this.#fail(new ConnectionError('protocol', `${this.#name} sent what cannot be read: ${messageOf(error)}`, error))
    }
  }

  #answered (frame: Buffer): void {
    if (this.#failure !== null) return
    const pending = this.#pending[this.#first]
    if (pending === undefined) throw new Error('an answer to nothing')
    this.#advance()
    const { api } = pending
    try {
      const version = versionAnswered(pending, frame)
      const reader = new Reader(frame)
      const correlationId = decodeResponseHeader(reader, api, version)
      if (correlationId !== pending.correlationId) {
        throw new Error(`${api.name} ${pending.correlationId} was answered as ${correlationId}`)
      }
      pending.resolve(decodeResponse(api, version, reader))
    } catch (error) {
      pending.reject(new ConnectionError('protocol',
        `the answer of ${this.#name} to ${api.name} cannot be read: ${messageOf(error)}`, error))
      throw error
    }
  }

  #advance (): void {
    this.#first++
    if (this.#first < 64 && this.#first < this.#pending.length) return
    this.#pending.splice(0, this.#first)
    this.#first = 0
  }

  /** One timer for the earliest deadline that is known; when it is due, it looks which one is next. */
  #watch (deadlineMs: number): void {
    if (deadlineMs >= this.#timerDueMs) return
    this.#timer?.cancel()
    this.#timerDueMs = deadlineMs
    this.#timer = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonicMs()), () => this.#timeUp())
  }

  #timeUp (): void {
    this.#timer = null
    this.#timerDueMs = Infinity
    const nowMs = this.#clock.monotonicMs()
    let next = Infinity
    for (let index = this.#first; index < this.#pending.length; index++) {
      const { deadlineMs, api } = this.#pending[index]
      if (deadlineMs <= nowMs) {
        this.#connection.destroy()
        return this.#fail(new ConnectionError('timeout', `${this.#name} did not answer ${api.name} in time`))
      }
      next = Math.min(next, deadlineMs)
    }
    if (next < Infinity) this.#watch(next)
  }

  #fail (error: ConnectionError): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#timer?.cancel()
    this.#timer = null
    const pending = this.#pending.splice(0).slice(this.#first)
    this.#first = 0
    for (const { reject } of pending) reject(error)
    for (const listener of this.#listeners.splice(0)) listener(error)
  }
}

/**
 * ApiVersions is answered in version 0 by a broker that does not know the version asked for, with an error
 * that says so.
 */
function versionAnswered (pending: Pending, frame: Buffer): number {
  if (pending.api.key !== ApiVersions.key || frame.length < 6) return pending.version
  return frame.readInt16BE(4) === errorCodes.UNSUPPORTED_VERSION ? 0 : pending.version
}

function messageOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
