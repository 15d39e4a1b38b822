// A member of a classic consumer group: joins, leads if it must, keeps itself alive, commits, leaves. It
// tells its owner what is assigned and when that ends; the owner reads (consumer.ts) and says what it has
// read.
import { type Timer } from '../base/clock.ts'
import { errorCodes } from '../protocol/errors.ts'
import { OffsetCommit } from '../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts'
import { JoinGroup, type JoinGroupResponse } from '../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../protocol/messages/14-sync-group.ts'
import { type AnyApi, make, type Received, type RequestOf, type ResponseOf } from '../protocol/schema.ts'
import { BrokerError, type Cluster, coordinatorKinds } from './cluster.ts'
import { ConnectionError } from './connection.ts'
import {
  assignRanges, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, rangeAssignor
} from './group-protocol.ts'
import { byTopic, type TopicPartition } from './offsets.ts'
import { pause } from './waiting.ts'

export interface GroupMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly instanceId?: string | null
  readonly sessionTimeoutMs?: number
  readonly heartbeatMs?: number
  readonly rebalanceTimeoutMs?: number
  /**
   * The member has these partitions from here on, beginning at the committed offset; -1: none is committed.
   */
  readonly assigned: (partitions: readonly Committed[]) => void
  /** It has none any more; what was read of them can still be committed until the promise resolves. */
  readonly revoked: () => Promise<void>
  /** What cannot be mended: the group will not have this member. */
  readonly failed: (error: Error) => void
}

export interface Committed extends TopicPartition {
  readonly offset: number
}

const defaults = {
  instanceId: null, sessionTimeoutMs: 45_000, heartbeatMs: 3_000, rebalanceTimeoutMs: 300_000
}
/** By name; from 10 on topics go by id. */
const commitVersionMax = 9
const fetchVersionMax = 9
/** A join waits for the others: their rebalance timeout, and some time for the way. */
const joinSlackMs = 5_000

/** The coordinator has moved or is not ready. */
const coordinatorErrors = new Set<number>([
  errorCodes.NOT_COORDINATOR, errorCodes.COORDINATOR_NOT_AVAILABLE, errorCodes.COORDINATOR_LOAD_IN_PROGRESS
])

export class GroupMember {
  readonly #cluster: Cluster
  readonly #options: Required<GroupMemberOptions>
  readonly #lane: string
  #memberId = ''
  #generation = -1
  #assigned = false
  #heartbeat: Timer | null = null
  #closed = false
  #joining: Promise<void> | null = null

  constructor (cluster: Cluster, options: GroupMemberOptions) {
    this.#cluster = cluster
    this.#options = { ...defaults, ...options }
    this.#lane = cluster.newLane()
  }

  get memberId (): string { return this.#memberId }
  get generation (): number { return this.#generation }

  /** Resolves when partitions are assigned for the first time. */
  join (): Promise<void> {
    this.#joining ??= this.#joinUntilDone().catch((error: Error) => {
      if (!this.#closed) this.#options.failed(error)
    }).then(() => { this.#joining = null })
    return this.#joining
  }

  async commit (offsets: readonly Committed[]): Promise<void> {
    if (offsets.length === 0) return
    const { groupId, instanceId } = this.#options
    const request = make(OffsetCommit.request, {
      groupId,
      generationIdOrMemberEpoch: this.#generation,
      memberId: this.#memberId,
      groupInstanceId: instanceId,
      topics: byTopic(offsets).map(([name, partitions]) => ({
        name,
        partitions: partitions.map(partitionIndex => ({
          partitionIndex,
          committedOffset: offsetOf(offsets, name, partitionIndex),
          committedMetadata: ''
        }))
      }))
    })
    const { topics } = await this.#ask(OffsetCommit, request, commitVersionMax)
    for (const { partitions } of topics) {
      const refused = partitions.find(({ errorCode }) => errorCode !== errorCodes.NONE)
      if (refused !== undefined) throw new BrokerError(refused.errorCode)
    }
  }

  /** Tells the group; does nothing more whatever comes of it. A static member stays: it is expected back. */
  async close (): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#heartbeat?.cancel()
    const { groupId, instanceId } = this.#options
    if (this.#memberId === '' || instanceId !== null) return
    const request = make(LeaveGroup.request, {
      groupId, memberId: this.#memberId, members: [{ memberId: this.#memberId, groupInstanceId: null }]
    })
    await this.#ask(LeaveGroup, request).catch(() => {})
  }

  async #joinUntilDone (): Promise<void> {
    while (!this.#closed) {
      try {
        return await this.#joinOnce()
      } catch (error) {
        if (!this.#mayRetry(error)) throw error
        await pause(this.#cluster.clock, this.#cluster.retryBackoffMs)
      }
    }
  }

  /** Also sets right what the error says is wrong. */
  #mayRetry (error: unknown): boolean {
    const { groupId } = this.#options
    if (error instanceof ConnectionError) {
      this.#cluster.forgetCoordinator(groupId)
      return error.reason !== 'version'
    }
    if (!(error instanceof BrokerError)) return false
    if (coordinatorErrors.has(error.code)) this.#cluster.forgetCoordinator(groupId)
    if (error.code === errorCodes.UNKNOWN_MEMBER_ID) {
      this.#memberId = ''
      this.#generation = -1
    } else if (error.code === errorCodes.ILLEGAL_GENERATION) this.#generation = -1
    return rejoinErrors.has(error.code) || error.retriable
  }

  async #joinOnce (): Promise<void> {
    const joined = await this.#joinGroup()
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    const isLeader = joined.leader === joined.memberId
    const plan = isLeader && !joined.skipAssignment ? await this.#plan(joined) : []
    const { groupId, instanceId } = this.#options
    const synced = await this.#ask(SyncGroup, make(SyncGroup.request, {
      groupId,
      generationId: this.#generation,
      memberId: this.#memberId,
      groupInstanceId: instanceId,
      protocolType: 'consumer',
      protocolName: joined.protocolName,
      assignments: plan
    }), undefined, this.#options.rebalanceTimeoutMs + joinSlackMs)
    if (synced.errorCode !== errorCodes.NONE) throw new BrokerError(synced.errorCode)
    const partitions = decodeAssignment(synced.assignment)
    const committed = await this.#committed(partitions)
    if (this.#closed) return
    this.#assigned = true
    this.#options.assigned(committed)
    this.#beatLater()
  }

  /** The first answer may only tell the id under which to ask again. */
  async #joinGroup (): Promise<Received<JoinGroupResponse>> {
    const { groupId, topics, instanceId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const request = () => make(JoinGroup.request, {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupInstanceId: instanceId,
      protocolType: 'consumer',
      protocols: [{ name: rangeAssignor, metadata: encodeSubscription(topics) }]
    })
    for (;;) {
      const answer = await this.#ask(JoinGroup, request(), undefined, rebalanceTimeoutMs + joinSlackMs)
      if (answer.errorCode === errorCodes.NONE) return answer
      if (answer.errorCode !== errorCodes.MEMBER_ID_REQUIRED) throw new BrokerError(answer.errorCode)
      this.#memberId = answer.memberId
    }
  }

  async #plan (
    { members }: Received<JoinGroupResponse>
  ): Promise<{ memberId: string, assignment: Buffer }[]> {
    const subscribers = members.map(({ memberId, metadata }) =>
      ({ memberId, topics: decodeSubscription(metadata) }))
    const names = [...new Set(subscribers.flatMap(({ topics }) => topics))]
    const { topics } = await this.#cluster.metadata(names, { create: true })
    const counts = new Map(topics.map(({ name, partitions }) => [name!, partitions.length]))
    const assigned = assignRanges(subscribers, topic => counts.get(topic) ?? 0)
    return [...assigned].map(([memberId, partitions]) =>
      ({ memberId, assignment: encodeAssignment(partitions) }))
  }

  async #committed (partitions: readonly TopicPartition[]): Promise<Committed[]> {
    if (partitions.length === 0) return []
    const { groupId } = this.#options
    const topics = byTopic(partitions).map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
    const request = make(OffsetFetch.request, {
      groupId, topics, groups: [{ groupId, topics }], requireStable: true
    })
    const answer = await this.#ask(OffsetFetch, request, fetchVersionMax)
    const found = answer.groups[0] ?? answer
    if (found.errorCode !== errorCodes.NONE) throw new BrokerError(found.errorCode)
    return found.topics.flatMap(({ name, partitions }) => partitions.map(partition => {
      if (partition.errorCode !== errorCodes.NONE) throw new BrokerError(partition.errorCode)
      return { topic: name, partition: partition.partitionIndex, offset: partition.committedOffset }
    }))
  }

  #beatLater (): void {
    if (this.#closed) return
    this.#heartbeat = this.#cluster.clock.after(this.#options.heartbeatMs, () => { this.#beat() })
  }

  async #beat (): Promise<void> {
    const { groupId, instanceId } = this.#options
    try {
      const { errorCode } = await this.#ask(Heartbeat, make(Heartbeat.request, {
        groupId, generationId: this.#generation, memberId: this.#memberId, groupInstanceId: instanceId
      }))
      if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode)
    } catch (error) {
      if (this.#closed) return
      if (!(error instanceof BrokerError) || !rejoinErrors.has(error.code)) {
        if (!this.#mayRetry(error)) return this.#options.failed(error as Error)
        return this.#beatLater()
      }
      this.#mayRetry(error)
      return this.#rejoin()
    }
    this.#beatLater()
  }

  async #rejoin (): Promise<void> {
    if (this.#assigned) {
      this.#assigned = false
      await this.#options.revoked().catch(() => {}) // the broker had its chance to refuse; joining goes on
    }
    await this.join()
  }

  async #ask<A extends AnyApi> (
    api: A, value: RequestOf<A>, latest?: number, timeoutMs = this.#cluster.requestTimeoutMs
  ): Promise<Received<ResponseOf<A>>> {
    const { groupId } = this.#options
    const connection = await this.#cluster.coordinator(groupId, coordinatorKinds.group, this.#lane)
    return connection.send(api, await connection.versionOf(api, latest), value, { timeoutMs })
  }
}

function offsetOf (offsets: readonly Committed[], topic: string, partition: number): number {
  return offsets.find(other => other.topic === topic && other.partition === partition)!.offset
}

/** The group has moved on; the member comes back. */
const rejoinErrors = new Set<number>([
  errorCodes.REBALANCE_IN_PROGRESS, errorCodes.UNKNOWN_MEMBER_ID, errorCodes.ILLEGAL_GENERATION
])
