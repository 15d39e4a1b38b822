// What a handler gets besides its request, and the contract it fulfils. Doors are typed; nothing here knows
// of sockets.
import { type Api, type RequestOf, type ResponseOf } from '../protocol/schema.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type Clock } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type LogClient } from '../threads/log-client.ts'
import { type Partitions } from '../replication/partitions.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { type Groups } from '../groups/groups.ts'
import { type ProducerIds } from '../catalog/producer-ids.ts'
import { type WaitingRoom } from '../waiting/waiting-room.ts'
import { type FetchSessions } from './fetch/sessions.ts'

export type Operation =
  | 'READ' | 'WRITE' | 'CREATE' | 'DELETE' | 'ALTER' | 'DESCRIBE' | 'CLUSTER_ACTION' | 'DESCRIBE_CONFIGS' | 'ALTER_CONFIGS'
  | 'IDEMPOTENT_WRITE'

export type Resource = { topic: string } | { group: string } | { transactionalId: string } | { cluster: true }

/** What all requests of a broker share. */
export interface Doors {
  readonly brokerId: number
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly log: LogClient
  readonly catalog: Catalog
  readonly partitions: Partitions
  readonly groups: Groups
  readonly producerIds: ProducerIds
  readonly waiting: WaitingRoom
  readonly fetchSessions: FetchSessions
  /** The APIs this broker serves, for ApiVersions. */
  readonly served: readonly ServedApi[]
}

export interface RequestContext extends Doors {
  readonly version: number
  readonly clientId: string | null
  /** 'User:ANONYMOUS' on a plaintext listener */
  readonly principal: string
  /** Name of the listener the connection came in on: advertised endpoints are those of the same name. */
  readonly listener: string
  readonly clientAddress: string
  /** Unlike any other live connection's. */
  readonly connectionId: number
  readonly nowMs: number
  authorize (operation: Operation, resource: Resource): boolean
  /** Software name and version from ApiVersions v3+ (null before). */
  clientSoftware: { name: string, version: string } | null
  /** Set by the connection when it is gone: a parked request need not be answered. */
  readonly gone: boolean
  /** Called once when the connection goes away while the request is in work. */
  onGone (listener: () => void): void
  /**
   * Nothing behind this request starts until the returned function is called: it could not yet pass on all
   * that must be in order.
   */
  hold? (): () => void
}

/**
 * Thrown by a handler: the connection is closed with one log line. Kafka does so where no error code fits.
 */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection'
}

/** Answered with nothing: Produce with acks=0. */
export const noAnswer = Symbol('no answer')
export type NoAnswer = typeof noAnswer

/**
 * `throttleTimeMs` is filled in by dispatch. The request has every field of every version; those the
 * version lacks hold their default.
 */
export type Handler<A extends Api<any, any>> = (
  request: RequestOf<A>, context: RequestContext
) => ResponseOf<A> | NoAnswer | Promise<ResponseOf<A> | NoAnswer>

export interface ServedApi {
  readonly api: Api<any, any>
  readonly handler: Handler<any>
  /** First and last version that is served. */
  readonly oldest: number
  readonly latest: number
  /** First version that ApiVersions lists, when it is not `oldest` (Produce: 0). */
  readonly listedFrom: number
}

export function serve<A extends Api<any, any>> (
  api: A, handler: Handler<A>, options: { listedFrom?: number, latest?: number } = {}
): ServedApi {
  const latest = options.latest ?? api.versions[1]
  return { api, handler, oldest: api.versions[0], latest, listedFrom: options.listedFrom ?? api.versions[0] }
}
