// The door to the group coordinator: what the handlers of the group APIs may ask, and how the answers come
// when the partition of a group is not here.
import { type Clock, type Timer } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { CoordinatorError } from '../coordinator/machine.ts'
import { CoordinatorRuntime } from '../coordinator/runtime.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Partitions } from '../replication/partitions.ts'
import { type LogClient } from '../threads/log-client.ts'
import { type WaitingRoom } from '../waiting/waiting-room.ts'
import { joinRefused, syncRefused } from './classic-state.ts'
import {
  type ClassicEvent, type HeartbeatRequest, type JoinAnswer, type JoinRequest, type LeaveAnswer,
  type MemberIdentity, type SyncAnswer, type SyncRequest
} from './classic-types.ts'
import {
  type CommitAnswer, type CommitRequest, type DescribedGroup, type GroupEvent, type ListedGroup,
  type OffsetsToDelete
} from './group-events.ts'
import { GroupPartition } from './group-partition.ts'
import { groupSettings, offsetsTopic, offsetsTopicName } from './group-settings.ts'
import { type CommittedOffset } from './offsets.ts'

export interface Groups {
  /** The broker to ask about a group, once it can be asked. */
  coordinatorOf (group: string): Promise<{ errorCode: number, brokerId: number }>
  /** Answers when the rebalance ends. */
  join (group: string, join: JoinRequest): Promise<JoinAnswer>
  /** Answers when the leader has assigned. */
  sync (group: string, sync: SyncRequest): Promise<SyncAnswer>
  heartbeat (group: string, heartbeat: HeartbeatRequest): Promise<number>
  leave (group: string, members: readonly MemberIdentity[]): Promise<LeaveAnswer>
  commit (commit: CommitRequest): Promise<CommitAnswer>
  deleteOffsets (wanted: OffsetsToDelete): Promise<CommitAnswer>
  deleteGroup (group: string): Promise<number>
  /** What is committed, or why it cannot be told. */
  offsetsOf (group: string): CommittedOffsets | number
  /** undefined: there is no such group. A number: why it cannot be told. */
  describe (group: string): DescribedGroup | undefined | number
  list (): ListedGroup[] | number

  /** Reads what is stored; before it resolves, clients are told to come back. */
  start (): Promise<void>
  close (): void
}

export interface CommittedOffsets {
  get (topic: string, partition: number): CommittedOffset | undefined
  topics (): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>
}

export interface GroupsOptions {
  readonly log: LogClient
  readonly partitions: Partitions
  readonly catalog: Catalog
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly waiting: WaitingRoom
  readonly random: Random
  readonly logger: Logger
}

export function createGroups (options: GroupsOptions): Groups {
  return new GroupCoordinator(options)
}

class GroupCoordinator implements Groups {
  readonly #options: GroupsOptions
  readonly #runtime: CoordinatorRuntime<GroupEvent, GroupPartition>
  #expiry: Timer | null = null

  constructor (options: GroupsOptions) {
    const { config, random, catalog, logger } = options
    this.#options = options
    const settings = groupSettings(config)
    this.#runtime = new CoordinatorRuntime<GroupEvent, GroupPartition>({
      ...options,
      topic: offsetsTopicName,
      newTopic: () => offsetsTopic(config, catalog, logger),
      newMachine: () => new GroupPartition(settings, name => `${name}-${random.uuid()}`),
      commitTimeoutMs: () => config.number('offsets.commit.timeout.ms'),
      compression: () => config.number('offsets.topic.compression.codec'),
      batchBytesMax: () => config.number('message.max.bytes') - batchHeaderBytes
    })
    catalog.onChange(change => {
      if (change.kind === 'topic-deleted') this.#forget(change.topic.name)
    })
  }

  async start (): Promise<void> {
    await this.#runtime.start()
    this.#expireLater()
  }

  close (): void {
    this.#expiry?.cancel()
    this.#runtime.close()
  }

  #expireLater (): void {
    const { clock, config } = this.#options
    this.#expiry = clock.after(config.number('offsets.retention.check.interval.ms'), () => {
      this.#runtime.postAll(() => ({ kind: 'expire' }))
      this.#expireLater()
    })
  }

  #forget (topic: string): void {
    this.#runtime.postAll(() => ({ kind: 'topic-deleted', topic }))
  }

  coordinatorOf (group: string): Promise<{ errorCode: number, brokerId: number }> {
    return this.#runtime.brokerOf(group)
  }

  join (group: string, join: JoinRequest): Promise<JoinAnswer> {
    if (group === '') return Promise.resolve(joinRefused(errorCodes.INVALID_GROUP_ID, join.memberId))
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = groupSettings(this.#options.config)
    if (join.sessionTimeoutMs < sessionTimeoutMsMin || join.sessionTimeoutMs > sessionTimeoutMsMax) {
      return Promise.resolve(joinRefused(errorCodes.INVALID_SESSION_TIMEOUT, join.memberId))
    }
    return this.#classic(group, request => ({ kind: 'join', request, join }),
      code => joinRefused(code, join.memberId))
  }

  sync (group: string, sync: SyncRequest): Promise<SyncAnswer> {
    if (group === '') return Promise.resolve(syncRefused(errorCodes.INVALID_GROUP_ID))
    return this.#classic(group, request => ({ kind: 'sync', request, sync }), syncRefused)
  }

  heartbeat (group: string, heartbeat: HeartbeatRequest): Promise<number> {
    if (group === '') return Promise.resolve(errorCodes.INVALID_GROUP_ID)
    // While its state is read nobody is missed: the member is told that all is well.
    return this.#classic(group, request => ({ kind: 'heartbeat', request, heartbeat }),
      code => code === errorCodes.COORDINATOR_LOAD_IN_PROGRESS ? errorCodes.NONE : code)
  }

  leave (group: string, members: readonly MemberIdentity[]): Promise<LeaveAnswer> {
    const refused = (errorCode: number): LeaveAnswer => ({ errorCode, members: [] })
    if (group === '') return Promise.resolve(refused(errorCodes.INVALID_GROUP_ID))
    return this.#classic(group, request => ({ kind: 'leave', request, members }), refused)
  }

  #classic<T> (
    group: string, eventOf: (request: number) => ClassicEvent, refused: (code: number) => T
  ): Promise<T> {
    return this.#ask(group, request => ({ kind: 'classic', group, event: eventOf(request) }), refused)
  }

  commit (commit: CommitRequest): Promise<CommitAnswer> {
    return this.#ask(commit.group, request => ({ kind: 'commit', request, commit }), allRefused)
  }

  deleteOffsets (wanted: OffsetsToDelete): Promise<CommitAnswer> {
    if (wanted.group === '') return Promise.resolve(allRefused(errorCodes.INVALID_GROUP_ID))
    if (!this.#runtime.topicIsThere) return Promise.resolve(allRefused(errorCodes.GROUP_ID_NOT_FOUND))
    return this.#ask(wanted.group, request => ({ kind: 'delete-offsets', request, wanted }), allRefused)
  }

  deleteGroup (group: string): Promise<number> {
    if (!this.#runtime.topicIsThere) return Promise.resolve(errorCodes.GROUP_ID_NOT_FOUND)
    return this.#ask(group, request => ({ kind: 'delete-group', request, group }), code => code)
  }

  async #ask<T> (
    group: string, eventOf: (request: number) => GroupEvent, refused: (code: number) => T
  ): Promise<T> {
    try {
      return await this.#runtime.submit(group, eventOf) as T
    } catch (error) {
      if (error instanceof CoordinatorError) return refused(error.code)
      throw error
    }
  }

  offsetsOf (group: string): CommittedOffsets | number {
    if (!this.#runtime.topicIsThere) return { get: () => undefined, topics: () => new Map() }
    const found = this.#runtime.read(group)
    if (typeof found === 'number') return found
    return {
      get: (topic, partition) => found.offsets.get({ group, topic, partition }),
      topics: () => found.offsets.topicsOf(group)
    }
  }

  describe (group: string): DescribedGroup | undefined | number {
    if (!this.#runtime.topicIsThere) return undefined
    const found = this.#runtime.read(group)
    return typeof found === 'number' ? found : found.describe(group)
  }

  list (): ListedGroup[] | number {
    const found = this.#runtime.readAll()
    return typeof found === 'number' ? found : found.flatMap(machine => machine.list())
  }
}

function allRefused (errorCode: number): CommitAnswer {
  return { errorCode, partitionErrors: [] }
}

const batchHeaderBytes = 61
