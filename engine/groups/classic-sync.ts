// SyncGroup in a classic group: members wait for the leader's assignment, which is stored before anybody
// gets it.
import { errorCodes } from '../protocol/errors.ts'
import { identityError } from './classic-join.ts'
import { dropAssignments, rebalance } from './classic-rebalance.ts'
import { type ClassicGroup, syncRefused, syncTimer, Turn } from './classic-state.ts'
import { type SyncRequest } from './classic-types.ts'
import { groupRecord } from './group-records.ts'
import { type Member, noBytes } from './members.ts'

export function sync (group: ClassicGroup, turn: Turn, request: number, asked: SyncRequest): void {
  const code = syncError(group, asked)
  const member = group.members.get(asked.memberId)
  if (code !== errorCodes.NONE || member === undefined) {
    turn.reply(request, syncRefused(code))
    return
  }
  group.members.pendingSync.delete(member.id)
  if (group.members.pendingSync.size === 0) turn.cancel(syncTimer)
  if (group.state === 'Stable') turn.reply(request, group.syncAnswer(member))
  else waitForAssignment(group, turn, request, member, asked)
}

function syncError (group: ClassicGroup, asked: SyncRequest): number {
  const identity = identityError(group, asked.memberId, asked.instanceId)
  if (identity !== errorCodes.NONE) return identity
  if (asked.generation !== group.generation) return errorCodes.ILLEGAL_GENERATION
  if (differs(asked.protocolType, group.protocolType) || differs(asked.protocolName, group.protocol)) {
    return errorCodes.INCONSISTENT_GROUP_PROTOCOL
  }
  return group.state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
}

function differs (asked: string | null, current: string | null): boolean {
  return asked !== null && current !== null && asked !== current
}

function waitForAssignment (
  group: ClassicGroup, turn: Turn, request: number, member: Member, asked: SyncRequest
): void {
  // An earlier sync came over a connection that its client has given up.
  turn.answerSync(member, syncRefused(errorCodes.REBALANCE_IN_PROGRESS))
  member.syncRequest = request
  if (group.members.leader !== member.id) return
  const assignments = new Map(asked.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const missing = [...group.members.all()].filter(({ id }) => !assignments.has(id))
  if (missing.length > 0) {
    turn.note(`group ${group.id}: its leader assigned nothing to ${missing.map(({ id }) => id).join(', ')}`)
  }
  const { generation } = group
  turn.records.push(groupRecord(group, ({ id }) => assignments.get(id) ?? noBytes))
  turn.settled = (errorCode, nowMs) => assigned(group, generation, assignments, errorCode, nowMs)
}

/** The assignment is stored, or could not be. By now the group may have gone on. */
function assigned (
  group: ClassicGroup, generation: number, assignments: Map<string, Buffer>, errorCode: number, nowMs: number
): Turn {
  const turn = new Turn(nowMs)
  if (group.state !== 'CompletingRebalance' || group.generation !== generation) return turn
  if (errorCode !== errorCodes.NONE) {
    dropAssignments(group, turn, errorCode)
    rebalance(group, turn, 'the assignment could not be stored')
    return turn
  }
  for (const member of group.members.all()) {
    member.assignment = assignments.get(member.id) ?? noBytes
    if (turn.answerSync(member, group.syncAnswer(member))) turn.renewSession(member)
  }
  group.enter('Stable', nowMs)
  return turn
}
