// One request in work: what its handler gets as context, and what its connection must remember until it is
// answered.
import { type Clock } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type ProducerIds } from '../catalog/producer-ids.ts'
import { type Groups } from '../groups/groups.ts'
import { type AnyApi } from '../protocol/schema.ts'
import { type Partitions } from '../replication/partitions.ts'
import { type LogClient } from '../threads/log-client.ts'
import { type WaitingRoom } from '../waiting/waiting-room.ts'
import { type Doors, type Operation, type RequestContext, type Resource, type ServedApi } from '../apis/context.ts'
import { type FetchSessions } from '../apis/fetch/sessions.ts'
import { type Frame } from './framing.ts'

/** What a request sees of its connection. */
export interface Caller {
  readonly id: number
  readonly listener: string
  readonly address: string
  readonly principal: string
  clientSoftware: { name: string, version: string } | null
  /** Nothing behind starts until the returned function is called. */
  hold (): () => void
}

/** What became of it so far. */
export type Stage = 'in work' | 'answered' | 'unanswered' | 'failed'

// The doors are reached through getters: a request is one small object, not a copy of them all.
export class RequestInWork implements RequestContext {
  readonly #doors: Doors
  readonly caller: Caller
  readonly served: readonly ServedApi[]
  readonly api: AnyApi
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly frame: Frame
  readonly nowMs: number
  /**
   * Monotonic times, for Kafka's request stages: its bytes were there (queue), its handler began (local),
   * waits for others (remote), its answer was there (send), the answer has left the process.
   */
  readonly receivedMs: number
  startedMs = 0
  waitsMs = 0
  answeredMs = 0
  sentMs = 0
  /** A quota was overrun: the client is told, and its connection rests for so long after the answer. */
  throttleMs = 0
  /** Where the answer ends among all bytes of its connection. */
  endsAt = 0
  stage: Stage = 'in work'
  answer: object | null = null
  gone = false
  #goneListeners: (() => void)[] | null = null

  constructor (
    doors: Doors, caller: Caller, api: AnyApi, version: number, correlationId: number,
    clientId: string | null, frame: Frame, nowMs: number, receivedMs: number
  ) {
    this.#doors = doors
    this.caller = caller
    this.served = doors.served
    this.api = api
    this.version = version
    this.correlationId = correlationId
    this.clientId = clientId
    this.frame = frame
    this.nowMs = nowMs
    this.receivedMs = receivedMs
  }

  get brokerId (): number { return this.#doors.brokerId }
  get config (): BrokerConfig { return this.#doors.config }
  get clock (): Clock { return this.#doors.clock }
  get logger (): Logger { return this.#doors.logger }
  get log (): LogClient { return this.#doors.log }
  get catalog (): Catalog { return this.#doors.catalog }
  get partitions (): Partitions { return this.#doors.partitions }
  get groups (): Groups { return this.#doors.groups }
  get producerIds (): ProducerIds { return this.#doors.producerIds }
  get waiting (): WaitingRoom { return this.#doors.waiting }
  get fetchSessions (): FetchSessions { return this.#doors.fetchSessions }

  get principal (): string { return this.caller.principal }
  get listener (): string { return this.caller.listener }
  get clientAddress (): string { return this.caller.address }
  get connectionId (): number { return this.caller.id }
  get clientSoftware (): { name: string, version: string } | null { return this.caller.clientSoftware }
  set clientSoftware (software) { this.caller.clientSoftware = software }

  hold (): () => void {
    return this.caller.hold()
  }

  /** Everything is allowed until there is an authorizer. */
  authorize (_operation: Operation, _resource: Resource): boolean {
    return true
  }

  onGone (listener: () => void): void {
    if (this.gone) return listener()
    if (this.#goneListeners === null) this.#goneListeners = [listener]
    else this.#goneListeners.push(listener)
  }

  /** The connection is closed. */
  leave (): void {
    this.gone = true
    const listeners = this.#goneListeners
    this.#goneListeners = null
    if (listeners !== null) for (const listener of listeners) listener()
  }

  /** Nobody listens after the answer. */
  settle (stage: Stage, answer: object | null): void {
    this.stage = stage
    this.answer = answer
    this.#goneListeners = null
  }
}
