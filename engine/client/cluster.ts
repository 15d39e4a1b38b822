// The brokers behind a list of addresses: who leads a partition, who coordinates a group, one connection to
// each, and another try where an error says that it helps. Tools, the small clients here and followers use
// it.
import { type Clock } from '../base/clock.ts'
import { type Network } from '../base/network.ts'
import { errorCodes, errorName, errorRetriable, errorText } from '../protocol/errors.ts'
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import { Metadata, type MetadataResponse } from '../protocol/messages/03-metadata.ts'
import { make, type AnyApi, type Received, type RequestOf, type ResponseOf } from '../protocol/schema.ts'
import { BrokerConnection, ConnectionError } from './connection.ts'
import { pause, withTimeLimit } from './waiting.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ClusterOptions {
  readonly bootstrap: readonly Address[]
  readonly clientId?: string | null
  /** For one request. Default 30 s. */
  readonly requestTimeoutMs?: number
  /** For one call with all its tries. Default 60 s. */
  readonly apiTimeoutMs?: number
  /** Between two tries. Default 100 ms. */
  readonly retryBackoffMs?: number
  /** Told of each address that could not be reached. */
  readonly unreachable?: (address: Address, error: Error) => void
}

export type MetadataTopic = MetadataResponse['topics'][number]

/** A broker answered with an error code that another try will not change. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: number

  constructor (code: number, message?: string | null) {
    super(message ?? errorText(code))
    this.code = code
  }

  get errorName (): string { return errorName(this.code) }
  get retriable (): boolean { return errorRetriable(this.code) }
}

/** A call did not succeed in the time it had; `cause` is what went wrong last. */
export class CallTimeout extends Error {
  override readonly name = 'CallTimeout'
}

/** Group, transaction: what a coordinator is asked for. */
export const coordinatorKinds = { group: 0, transaction: 1, share: 2 } as const

/** 'a:9092,b:9092,[::1]:9092'; throws with the part that is no address. */
export function parseAddresses (list: string): Address[] {
  const parts = list.split(',').map(part => part.trim()).filter(part => part !== '')
  if (parts.length === 0) throw new Error('no address of a broker given')
  return parts.map(part => {
    const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(part)
    const port = Number(match?.[3])
    if (match === null || port > 65535) throw new Error(`'${part}' is no address: host:port is expected`)
    return { host: match[1] ?? match[2], port }
  })
}

export class Cluster {
  readonly network: Network
  readonly clock: Clock
  readonly requestTimeoutMs: number
  readonly apiTimeoutMs: number
  readonly retryBackoffMs: number
  readonly #options: ClusterOptions
  // by lane (see coordinator) and host:port, open or opening
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  readonly #topics = new Map<string, MetadataTopic>() // as last told, the faulty ones left out
  readonly #coordinators = new Map<string, Address>()
  #brokers = new Map<number, Address>()
  #controllerId = -1
  #clusterId: string | null = null
  #bootstrapTurn = 0
  #lanes = 0
  #closed = false

  constructor (network: Network, clock: Clock, options: ClusterOptions) {
    this.network = network
    this.clock = clock
    this.#options = options
    this.requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.apiTimeoutMs = options.apiTimeoutMs ?? 60_000
    this.retryBackoffMs = options.retryBackoffMs ?? 100
  }

  get clusterId (): string | null { return this.#clusterId }
  get brokers (): ReadonlyMap<number, Address> { return this.#brokers }
  get controllerId (): number { return this.#controllerId }

  /** As last told; null: not asked for yet, or not there. */
  topicNow (name: string): MetadataTopic | null { return this.#topics.get(name) ?? null }

  /** Asks a broker that answers; null means all topics. */
  async metadata (
    topics: readonly string[] | null, options: { create?: boolean, deadlineMs?: number } = {}
  ): Promise<Received<MetadataResponse>> {
    const request = make(Metadata.request, {
      topics: topics?.map(name => ({ name })) ?? null, allowAutoTopicCreation: options.create ?? false
    })
    const answer = await this.retrying(async () => {
      const connection = await this.any()
      return connection.request(Metadata, null, request)
    }, options.deadlineMs)
    this.#learn(answer, topics === null)
    return answer
  }

  /**
   * The topic with leaders for all its partitions, waited for until the deadline. Throws BrokerError when
   * it cannot be.
   */
  async topic (
    name: string, options: { create?: boolean, deadlineMs?: number } = {}
  ): Promise<MetadataTopic> {
    return this.retrying(async () => {
      const { topics } = await this.metadata([name], options)
      const topic = topics[0]
      if (topic === undefined) throw new BrokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
      if (topic.errorCode !== errorCodes.NONE) throw new BrokerError(topic.errorCode)
      const leaderless = topic.partitions.find(partition => partition.leaderId < 0)
      if (leaderless !== undefined) throw new BrokerError(errorCodes.LEADER_NOT_AVAILABLE)
      return topic
    }, options.deadlineMs)
  }

  /** The connection to the leader of a partition as it is known; asks when it is not. */
  async leader (topic: string, partition: number): Promise<BrokerConnection> {
    const known = this.#topics.get(topic) ?? await this.topic(topic)
    const found = known.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (found === undefined) throw new BrokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    return this.broker(found.leaderId)
  }

  /** Another broker may lead by now: what is known of the topic is asked again at its next use. */
  forgetTopic (topic: string): void {
    this.#topics.delete(topic)
  }

  async broker (id: number): Promise<BrokerConnection> {
    const address = this.#brokers.get(id)
    if (address === undefined) throw new BrokerError(errorCodes.BROKER_NOT_AVAILABLE)
    return this.at(address)
  }

  /** The broker that takes changes of topics and the like. */
  async controller (): Promise<BrokerConnection> {
    if (!this.#brokers.has(this.#controllerId)) await this.metadata([])
    return this.#brokers.has(this.#controllerId) ? this.broker(this.#controllerId) : this.any()
  }

  /**
   * `lane` names a connection of its own: a broker answers in order, so what waits there (a join) would hold
   * up all that is asked behind it.
   */
  async coordinator (
    key: string, kind: number = coordinatorKinds.group, lane: string = ''
  ): Promise<BrokerConnection> {
    const known = this.#coordinators.get(`${kind} ${key}`)
    if (known !== undefined) return this.at(known, lane)
    const found = await this.retrying(() => this.#findCoordinator(key, kind))
    this.#coordinators.set(`${kind} ${key}`, found)
    return this.at(found, lane)
  }

  newLane (): string {
    return `lane-${++this.#lanes}`
  }

  forgetCoordinator (key: string, kind: number = coordinatorKinds.group): void {
    this.#coordinators.delete(`${kind} ${key}`)
  }

  /**
   * Any broker that can be reached: an open connection first, then those known, then the addresses given at
   * the start.
   */
  async any (): Promise<BrokerConnection> {
    for (const [key, opening] of this.#connections) {
      if (!key.startsWith(' ')) continue // somebody's own
      const connection = await opening.catch(() => null)
      if (connection?.isOpen === true) return connection
    }
    const { bootstrap } = this.#options
    const turned = bootstrap.map((_, index) => bootstrap[(index + this.#bootstrapTurn) % bootstrap.length])
    let failure: unknown = null
    for (const address of [...this.#brokers.values(), ...turned]) {
      try {
        return await this.at(address)
      } catch (error) {
        failure = error
      }
    }
    this.#bootstrapTurn++
    throw failure ?? new Error('no broker is known')
  }

  at (address: Address, lane: string = ''): Promise<BrokerConnection> {
    if (this.#closed) return Promise.reject(new ConnectionError('closed', 'the client was closed'))
    const key = `${lane} ${address.host}:${address.port}`
    const known = this.#connections.get(key)
    if (known !== undefined) return known
    const opening = this.#open(address, key)
    this.#connections.set(key, opening)
    return opening
  }

  /** One request to any broker, tried again while the answer's own error, if any, says so. */
  async ask<A extends AnyApi> (
    api: A, value: RequestOf<A>, to: () => Promise<BrokerConnection> = () => this.any()
  ): Promise<Received<ResponseOf<A>>> {
    return this.retrying(async () => {
      const connection = await to()
      const answer = await connection.request(api, null, value)
      const { errorCode } = answer as { errorCode?: number }
      if (errorCode !== undefined && errorRetriable(errorCode)) throw new BrokerError(errorCode)
      return answer
    })
  }

  /** Tries until it works, an error says that it never will, or the time is up. */
  async retrying<T> (
    attempt: () => Promise<T>, deadlineMs = this.clock.monotonicMs() + this.apiTimeoutMs
  ): Promise<T> {
    for (;;) {
      const leftMs = deadlineMs - this.clock.monotonicMs()
      try {
        return await withTimeLimit(this.clock, leftMs, attempt())
      } catch (error) {
        if (this.#closed || !mayHelp(error)) throw error
        if (deadlineMs - this.clock.monotonicMs() <= this.retryBackoffMs) throw timedOut(error)
      }
      await pause(this.clock, this.retryBackoffMs)
    }
  }

  close (): void {
    this.#closed = true
    for (const opening of this.#connections.values()) opening.then(connection => connection.close(), () => {})
    this.#connections.clear()
  }

  async #open (address: Address, key: string): Promise<BrokerConnection> {
    try {
      const { clientId, unreachable } = this.#options
      const connection = await BrokerConnection.connect(this.network, this.clock, {
        ...address, clientId, timeoutMs: this.requestTimeoutMs
      }).catch(error => {
        unreachable?.(address, error)
        throw error
      })
      connection.onClosed(() => this.#connections.delete(key))
      return connection
    } catch (error) {
      this.#connections.delete(key)
      throw error
    }
  }

  #learn (answer: Received<MetadataResponse>, isAll: boolean): void {
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    this.#controllerId = answer.controllerId
    this.#clusterId = answer.clusterId
    if (isAll) this.#topics.clear()
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      if (topic.errorCode === errorCodes.NONE) this.#topics.set(topic.name, topic)
      else this.#topics.delete(topic.name)
    }
  }

  async #findCoordinator (key: string, kind: number): Promise<Address> {
    const connection = await this.any()
    const request = make(FindCoordinator.request, { key, keyType: kind, coordinatorKeys: [key] })
    const answer = await connection.request(FindCoordinator, null, request)
    const found = answer.coordinators[0] ?? answer
    if (found.errorCode !== errorCodes.NONE) throw new BrokerError(found.errorCode, found.errorMessage)
    return { host: found.host, port: found.port }
  }
}

/** A name that does not resolve is a slip of the pen; brokers come back, names do not. */
const hopeless = new Set<string>(['version', 'protocol', 'unknown-host'])

function mayHelp (error: unknown): boolean {
  if (error instanceof BrokerError) return error.retriable
  if (error instanceof ConnectionError) return !hopeless.has(error.reason)
  return false
}

function timedOut (error: unknown): unknown {
  // A topic that is not there is no time-out, however long one waits for it.
  if (error instanceof BrokerError && error.code === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return error
  const message = error instanceof Error ? error.message : String(error)
  return new CallTimeout(`Timed out waiting for a broker: ${message}`, { cause: error })
}
