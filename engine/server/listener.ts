// Opens the listeners, lets clients in as far as the limits allow, and sends home those who say nothing.
import { type Clock, type Timer } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type Connection, type Listening, type Network } from '../base/network.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { type Listener } from '../config/listeners.ts'
import { type Arena } from '../threads/arena.ts'
import { type Doors } from '../apis/context.ts'
import { ClientConnection, type ConnectionLimits, type Shop } from './connection.ts'
import { Dispatch } from './dispatch.ts'
import { Entrance } from './entrance.ts'
import { type RequestInWork } from './request.ts'

export interface ServerOptions {
  network: Network
  clock: Clock
  logger: Logger
  config: BrokerConfig
  doors: Doors
  /** An invariant of ours is broken: the broker must end. */
  broken (reason: Error): void
  /** Its answer has left, or it wanted none: all its times are known. */
  requestDone? (request: RequestInWork): void
}

export interface OpenListener {
  name: string
  host: string
  port: number
}

/** Idle connections are looked for this often within their limit: they live at most an eighth longer. */
const idleChecks = 8
const idleCheckMsMin = 10
/**
 * How long a client may be silent that does not end its side when we end ours. One with requests on their way
 * sends them all before it reads our end, and loses answers if it cannot; any other loses nothing.
 */
const partedMidwayMsMax = 1000
const partedQuietMsMax = 100
/** However much there is to send. */
const partedMsMax = 5000
const noSuchFamily: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

export class Server implements Shop {
  readonly clock: Clock
  readonly logger: Logger
  readonly arena: Arena
  readonly dispatch: Dispatch
  producedMs = -Infinity
  readonly limits: ConnectionLimits
  readonly requestDone: ((request: RequestInWork) => void) | undefined
  readonly #network: Network
  readonly #log: Doors['log']
  readonly #config: BrokerConfig
  readonly #connections = new Set<ClientConnection>()
  readonly #entrance: Entrance
  readonly #listening: Listening[] = []
  #waiting: ClientConnection[] = []
  #nextId = 1
  #reaper: Timer | null = null
  #parting: Timer | null = null
  #closed = false
  #settled: (() => void) | null = null // somebody waits for connections to come to rest
  readonly #flush = () => this.#flushAnswers()

  constructor ({ network, clock, logger, config, doors, broken, requestDone }: ServerOptions) {
    this.clock = clock
    this.requestDone = requestDone
    this.logger = logger
    this.arena = doors.log.arena
    this.#log = doors.log
    this.#network = network
    this.#config = config
    this.#entrance = new Entrance({
      clock,
      logger,
      config,
      guests: this.#connections,
      letIn: (connection, listener) => this.#letIn(connection, listener)
    })
    const dispatch = new Dispatch({ doors, elementsMax: config.number('millrace.request.elements.max'), broken })
    this.dispatch = dispatch
    this.limits = {
      requestBytesMax: config.number('socket.request.max.bytes'),
      otherBytesMax: config.number('millrace.request.bytes.max'),
      produceRequestsMax: config.number('millrace.produce.requests.max'),
      produceBytesMax: config.number('millrace.produce.bytes.max'),
      serves: apiKey => dispatch.serves(apiKey)
    }
  }

  get connections (): number { return this.#connections.size }

  /** Rejects when an address cannot be had; those that were opened before stay open until close(). */
  async open (listeners: readonly Listener[]): Promise<OpenListener[]> {
    const opened: OpenListener[] = []
    for (const { name } of listeners) this.#entrance.addListener(name)
    for (const listener of listeners) opened.push(await this.#openOne(listener))
    this.#armReaper()
    return opened
  }

  /** Lets nobody in any more. */
  async closeListeners (): Promise<void> {
    this.#closed = true
    this.#reaper?.cancel()
    this.#reaper = null
    this.#entrance.close()
    await Promise.all(this.#listening.splice(0).map(listening => listening.close()))
  }

  /** Begins nothing more; resolves when all Produce in work is answered, or after that time. */
  async drain (msMax: number): Promise<void> {
    for (const connection of this.#connections) connection.stop()
    const isDone = () => [...this.#connections].every(connection => connection.drainedOut)
    if (isDone()) return
    await new Promise<void>(resolve => {
      const limit = this.clock.after(msMax, () => { this.#settled = null; resolve() })
      this.#settled = () => {
        if (!isDone()) return
        this.#settled = null
        limit.cancel()
        resolve()
      }
    })
  }

  /**
   * Ends every connection; after drain(), so that its client reads all answers. What is in work runs on, and
   * is answered to nobody.
   */
  async closeConnections (drained: boolean): Promise<void> {
    if (this.#connections.size === 0) return
    await new Promise<void>(resolve => {
      this.#settled = () => { if (this.#connections.size === 0) resolve() }
      for (const connection of [...this.#connections]) {
        if (drained && connection.drainedOut) connection.part()
        else connection.destroy()
      }
      this.#awaitParted(this.clock.monotonicMs())
    })
    this.#settled = null
    this.#parting?.cancel()
  }

  #awaitParted (sinceMs: number): void {
    this.#parting = this.clock.after(partedQuietMsMax, () => {
      const nowMs = this.clock.monotonicMs()
      for (const connection of [...this.#connections]) {
        const silentMsMax = connection.midway ? partedMidwayMsMax : partedQuietMsMax
        const silentMs = nowMs - Math.max(sinceMs, connection.lastActiveMs)
        if (silentMs >= silentMsMax || nowMs - sinceMs >= partedMsMax) connection.destroy()
      }
      this.#awaitParted(sinceMs)
    })
  }

  /** A connection that was told to stop has come to rest. */
  cameToRest (): void {
    this.#settled?.()
  }

  answersWait (connection: ClientConnection): void {
    this.#waiting.push(connection)
    // At the end of this turn: the replies of one round of a log worker leave in one write per connection.
    if (this.#waiting.length === 1) queueMicrotask(this.#flush)
  }

  poll (): void { this.#log.poll() }

  left (connection: ClientConnection): void {
    this.#connections.delete(connection)
    this.#entrance.left(connection.address, connection.listener)
    this.#settled?.()
  }

  #flushAnswers (): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const connection of waiting) connection.flushAnswers()
  }

  async #openOne (listener: Listener): Promise<OpenListener> {
    const [host, also] = hostsOf(listener)
    const listening = await this.#listen(listener.name, host, listener.port).catch(async (error: Error) => {
      // No IPv6 here: all addresses are those of IPv4.
      if (host !== '::' || !noSuchFamily.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      return await this.#listen(listener.name, '0.0.0.0', listener.port)
    })
    if (also !== undefined) {
      await this.#listen(listener.name, also, listening.port).catch((error: Error) => {
        this.logger.debug({ listener: listener.name, reason: error.message }, 'localhost is IPv4 only')
      })
    }
    return { name: listener.name, host: listening.host, port: listening.port }
  }

  async #listen (name: string, host: string, port: number): Promise<Listening> {
    const backlog = this.#config.number('socket.listen.backlog.size')
    const address = { host, port, backlog }
    const listening = await this.#network.listen(
      address,
      connection => this.#entrance.arrived(connection, name),
      ({ message }) => this.#entrance.tellRefused(message, { listener: name })
    )
    this.#listening.push(listening)
    return listening
  }

  #letIn (connection: Connection, listener: string): void {
    this.#connections.add(new ClientConnection(this, connection, this.#nextId++, listener))
  }

  #armReaper (): void {
    const idleMs = this.#config.number('connections.max.idle.ms')
    if (idleMs < 0 || this.#closed) return
    this.#reaper?.cancel()
    this.#reaper = this.clock.after(Math.max(idleCheckMsMin, Math.min(idleMs / idleChecks, 60_000)), () => {
      this.#reap(idleMs)
      this.#armReaper()
    })
  }

  #reap (idleMs: number): void {
    const nowMs = this.clock.monotonicMs()
    for (const connection of [...this.#connections]) {
      if (!connection.idle || nowMs - connection.lastActiveMs < idleMs) continue
      this.logger.info({ client: connection.address, idleMs }, 'connection closed: it was idle for connections.max.idle.ms')
      connection.destroy()
    }
  }
}

/** localhost is two addresses, and which of them a client tries first is its own affair. */
function hostsOf ({ host, advertisedHost }: Listener): [string, string?] {
  if (host === '') return ['::']
  if (host === 'localhost' || (host === '127.0.0.1' && advertisedHost === 'localhost')) return ['127.0.0.1', '::1']
  return [host]
}
