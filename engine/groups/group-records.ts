// Groups and offsets as records of __consumer_offsets, in Kafka's formats, both ways.
import { type CoordinatorRecord } from '../coordinator/machine.ts'
import { GroupMetadata, type GroupMetadataValue } from '../protocol/records/group-metadata.ts'
import { LegacyOffsetCommit } from '../protocol/records/legacy-offset-commit.ts'
import { OffsetCommit } from '../protocol/records/offset-commit.ts'
import { decodeKey, decodeValue, encodeKey, encodeValue, typeOfKey } from '../protocol/records/record-type.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type ClassicGroup } from './classic-state.ts'
import { type Member, metadataOf } from './members.ts'
import { type CommittedOffset, type OffsetKey } from './offsets.ts'

/** The newest version of a value without tags, which older brokers can read too. */
const groupVersion = 3
const offsetVersion = 4
/** The only version that carries a time of expiry: for commits of clients so old that they set one. */
const expiringOffsetVersion = 1

export function groupRecord (
  group: ClassicGroup, assignmentOf: (member: Member) => Buffer
): CoordinatorRecord {
  const members = [...group.members.all()].map(member => ({
    memberId: member.id,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeout: member.rebalanceTimeoutMs,
    sessionTimeout: member.sessionTimeoutMs,
    subscription: metadataOf(member, group.protocol),
    assignment: assignmentOf(member)
  }))
  return record(group.id, {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: group.protocol,
    leader: group.members.leader,
    currentStateTimestamp: group.stateSinceMs,
    members
  })
}

/** A group that exists, nobody in it yet. */
export function newGroupRecord (group: ClassicGroup): CoordinatorRecord {
  return record(group.id, {
    protocolType: '',
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: group.stateSinceMs,
    members: []
  })
}

function record (group: string, value: GroupMetadataValue): CoordinatorRecord {
  return { key: encodeKey(GroupMetadata, { group }), value: encodeValue(GroupMetadata, groupVersion, value) }
}

export function groupTombstone (group: string): CoordinatorRecord {
  return { key: encodeKey(GroupMetadata, { group }), value: null }
}

export function offsetRecord (key: OffsetKey, committed: CommittedOffset): CoordinatorRecord {
  const version = committed.expireMs < 0 ? offsetVersion : expiringOffsetVersion
  return {
    key: encodeKey(OffsetCommit, key),
    value: encodeValue(OffsetCommit, version, {
      offset: committed.offset,
      leaderEpoch: committed.leaderEpoch,
      metadata: committed.metadata,
      commitTimestamp: committed.committedMs,
      expireTimestamp: committed.expireMs,
      topicId: committed.topicId
    })
  }
}

export function offsetTombstone (key: OffsetKey): CoordinatorRecord {
  return { key: encodeKey(OffsetCommit, key), value: null }
}

export type Replayed =
  | { kind: 'offset', key: OffsetKey, committed: CommittedOffset | null }
  | { kind: 'group', group: string, value: GroupMetadataValue | null }
  | { kind: 'other', type: number }

export function readRecord ({ key, value }: CoordinatorRecord): Replayed {
  const type = typeOfKey(key)
  if (type === GroupMetadata.type) {
    const { group } = decodeKey(GroupMetadata, key)
    return { kind: 'group', group, value: value === null ? null : decodeValue(GroupMetadata, value).value }
  }
  if (type !== OffsetCommit.type && type !== LegacyOffsetCommit.type) return { kind: 'other', type }
  const offsetKey = type === OffsetCommit.type
    ? decodeKey(OffsetCommit, key)
    : decodeKey(LegacyOffsetCommit, key)
  return { kind: 'offset', key: offsetKey, committed: value === null ? null : readOffset(value) }
}

/** Whatever the key's type: a version 0 value of either is the same. */
function readOffset (bytes: Buffer): CommittedOffset {
  const { value } = decodeValue(OffsetCommit, bytes)
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    committedMs: value.commitTimestamp,
    expireMs: value.expireTimestamp,
    topicId: value.topicId ?? zeroUuid
  }
}
