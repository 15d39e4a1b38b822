// What happens to committed offsets: written, deleted by request, with their topic, with their group, or by
// age.
import { Outcome, type Step } from '../coordinator/machine.ts'
import { errorCodes } from '../protocol/errors.ts'
import { commitError, renewByCommit } from './classic-group.ts'
import { type ClassicGroup, Turn } from './classic-state.ts'
import {
  type CommitAnswer, type CommitRequest, type GroupEvent, ofGroup, type OffsetsToDelete, type PartitionCommit
} from './group-events.ts'
import { type GroupPartition } from './group-partition.ts'
import { groupTombstone, offsetRecord, offsetTombstone } from './group-records.ts'
import { type CommittedOffset, type OffsetKey } from './offsets.ts'

export function commitOffsets (
  state: GroupPartition, request: number, commit: CommitRequest, nowMs: number
): Step<GroupEvent> {
  const group = state.group(commit.group)
  const turn = new Turn(nowMs)
  const errorCode = group === undefined ? unknownGroupError(commit) : commitError(group, commit)
  if (errorCode !== errorCodes.NONE) {
    const answer: CommitAnswer = { errorCode, partitionErrors: [] }
    return ofGroup(commit.group, turn.reply(request, answer))
  }
  if (group !== undefined) renewByCommit(group, turn, commit.memberId)
  const written: [OffsetKey, CommittedOffset][] = []
  const partitionErrors = commit.partitions.map(one => {
    const length = one.metadata?.length ?? 0
    if (length > state.settings.metadataLengthMax) return errorCodes.OFFSET_METADATA_TOO_LARGE
    const key = { group: commit.group, topic: one.topic, partition: one.partition }
    written.push([key, committedOffset(one, commit.retentionMs, nowMs)])
    return errorCodes.NONE
  })
  if (written.length > 0) write(state, turn, commit.group, written)
  const answer: CommitAnswer = { errorCode, partitionErrors }
  return ofGroup(commit.group, turn.reply(request, answer))
}

function write (
  state: GroupPartition, turn: Turn, group: string, written: readonly [OffsetKey, CommittedOffset][]
): void {
  for (const [key, committed] of written) turn.records.push(offsetRecord(key, committed))
  turn.settled = (code, nowMs) => {
    if (code === errorCodes.NONE) {
      state.mustExist(group, nowMs)
      for (const [key, committed] of written) state.offsets.put(key, committed)
    }
    return new Turn(nowMs)
  }
}

/**
 * Without a generation it comes from a consumer that only keeps its offsets here: the group begins with it.
 */
function unknownGroupError ({ generation, tellsUnknownGroup }: CommitRequest): number {
  if (generation < 0) return errorCodes.NONE
  return tellsUnknownGroup ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION
}

function committedOffset (one: PartitionCommit, retentionMs: number, nowMs: number): CommittedOffset {
  return {
    offset: one.offset,
    leaderEpoch: one.leaderEpoch,
    metadata: one.metadata ?? '',
    committedMs: nowMs,
    expireMs: retentionMs === -1 ? -1 : nowMs + retentionMs,
    topicId: one.topicId
  }
}

export function deleteOffsets (
  state: GroupPartition, request: number, { group: id, partitions }: OffsetsToDelete
): Step<GroupEvent> {
  const outcome = new Outcome<GroupEvent>()
  const group = state.group(id)
  const errorCode = group === undefined
    ? errorCodes.GROUP_ID_NOT_FOUND
    : group.state !== 'Empty' && !group.isConsumers ? errorCodes.NON_EMPTY_GROUP : errorCodes.NONE
  if (group === undefined || errorCode !== errorCodes.NONE) {
    const refused: CommitAnswer = { errorCode, partitionErrors: [] }
    return outcome.reply(request, refused)
  }
  const keys: OffsetKey[] = []
  const partitionErrors = partitions.map(({ topic, partition }) => {
    if (group.reads(topic)) return errorCodes.GROUP_SUBSCRIBED_TO_TOPIC
    const key = { group: id, topic, partition }
    if (state.offsets.get(key) !== undefined) keys.push(key)
    return errorCodes.NONE
  })
  const answer: CommitAnswer = { errorCode, partitionErrors }
  return forget(state, outcome.reply(request, answer), keys, [])
}

export function deleteGroup (state: GroupPartition, request: number, id: string): Step<GroupEvent> {
  const outcome = new Outcome<GroupEvent>()
  const group = state.group(id)
  if (group === undefined) return outcome.reply(request, errorCodes.GROUP_ID_NOT_FOUND)
  if (group.state !== 'Empty') return outcome.reply(request, errorCodes.NON_EMPTY_GROUP)
  return forget(state, outcome.reply(request, errorCodes.NONE), [...state.offsets.keysOf(id)], [id])
}

export function forgetTopic (state: GroupPartition, topic: string): Step<GroupEvent> {
  const keys = state.groups().flatMap(({ id }) => [...state.offsets.keysOf(id, topic)])
  return forget(state, new Outcome<GroupEvent>(), keys, [])
}

/** By age: what a group without members, or one that does not read the topic any more, has left behind. */
export function expireOffsets (state: GroupPartition, nowMs: number): Step<GroupEvent> {
  const keys: OffsetKey[] = []
  const empty: string[] = []
  for (const group of state.groups()) {
    const since = ageOf(group)
    let kept = 0
    for (const [topic, partitions] of state.offsets.topicsOf(group.id)) {
      for (const [partition, committed] of partitions) {
        const old = since !== null && isOver(committed, since(committed), nowMs, state.settings.retentionMs)
        if (old && !group.reads(topic)) keys.push({ group: group.id, topic, partition })
        else kept++
      }
    }
    if (kept === 0 && group.state === 'Empty' && group.members.pendingJoin.size === 0) empty.push(group.id)
  }
  const outcome = new Outcome<GroupEvent>()
  if (keys.length > 0) outcome.note(`${keys.length} committed offsets have expired`)
  return forget(state, outcome, keys, empty)
}

/** From when on a group's offsets grow old; null: they do not. */
function ageOf (group: ClassicGroup): ((committed: CommittedOffset) => number) | null {
  const byCommit = (committed: CommittedOffset) => committed.committedMs
  if (group.protocolType === null) return byCommit
  if (group.state === 'Empty') return group.stateSinceMs < 0 ? byCommit : () => group.stateSinceMs
  return group.isConsumers && group.topics !== null && group.state === 'Stable' ? byCommit : null
}

function isOver (committed: CommittedOffset, sinceMs: number, nowMs: number, retentionMs: number): boolean {
  return committed.expireMs === -1 ? nowMs - sinceMs >= retentionMs : nowMs >= committed.expireMs
}

function forget (
  state: GroupPartition, outcome: Outcome<GroupEvent>, keys: readonly OffsetKey[], groups: readonly string[]
): Step<GroupEvent> {
  for (const key of keys) outcome.records.push(offsetTombstone(key))
  for (const id of groups) outcome.records.push(groupTombstone(id))
  if (outcome.records.length === 0) return outcome
  outcome.settled = code => {
    const later = new Outcome<GroupEvent>()
    if (code !== errorCodes.NONE) return later
    for (const key of keys) state.offsets.delete(key)
    for (const id of groups) later.timers.push(...ofGroup(id, state.drop(id)).timers)
    return later
  }
  return outcome
}
