// What one partition of the group coordinator is asked for, beside the events of classic groups.
import { type Step } from '../coordinator/machine.ts'
import { type ClassicEvent, type HeartbeatRequest } from './classic-types.ts'

export interface PartitionCommit {
  topic: string
  /** The zero id when it is not known. */
  topicId: string
  partition: number
  offset: number
  leaderEpoch: number
  metadata: string | null
}

export interface CommitRequest extends HeartbeatRequest {
  group: string
  /** How long to keep it, where the client says so; -1: as the broker does. */
  retentionMs: number
  /** The version knows GROUP_ID_NOT_FOUND. */
  tellsUnknownGroup: boolean
  partitions: readonly PartitionCommit[]
}

/** An error for all of them, or one for each partition in the order of the request. */
export interface CommitAnswer {
  errorCode: number
  partitionErrors: readonly number[]
}

export interface OffsetsToDelete {
  group: string
  partitions: readonly { topic: string, partition: number }[]
}

export type GroupEvent =
  | { kind: 'classic', group: string, event: ClassicEvent }
  | { kind: 'commit', request: number, commit: CommitRequest }
  | { kind: 'delete-offsets', request: number, wanted: OffsetsToDelete }
  | { kind: 'delete-group', request: number, group: string }
  | { kind: 'topic-deleted', topic: string }
  | { kind: 'expire' }

export interface GroupSettings {
  readonly membersMax: number
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  readonly firstRebalanceDelayMs: number
  readonly metadataLengthMax: number
  readonly retentionMs: number
}

export interface DescribedGroup {
  state: string
  protocolType: string
  protocol: string
  members: {
    memberId: string
    groupInstanceId: string | null
    clientId: string
    clientHost: string
    memberMetadata: Buffer
    memberAssignment: Buffer
  }[]
}

export interface ListedGroup {
  groupId: string
  protocolType: string
  state: string
  type: string
}

/** The step of a group as one of its partition. */
export function ofGroup (id: string, turn: Step<ClassicEvent>): Step<GroupEvent> {
  const { records, replies, notes, settled } = turn
  const timers = turn.timers.map(({ key, afterMs, event }) => ({
    key: `${id} ${key}`, afterMs, event: event === null ? null : { kind: 'classic' as const, group: id, event }
  }))
  return {
    records,
    replies,
    notes,
    timers,
    settled: settled === null ? null : (errorCode, nowMs) => ofGroup(id, settled(errorCode, nowMs))
  }
}
