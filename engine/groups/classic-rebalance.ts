// The rebalance of a classic group: who joins in time is in the next generation, who syncs in time stays in
// it.
import { errorCodes } from '../protocol/errors.ts'
import {
  type ClassicGroup, joinTimer, sessionTimer, syncRefused, syncTimer, type Turn
} from './classic-state.ts'
import { groupRecord } from './group-records.ts'
import { noBytes } from './members.ts'

/** Starts a rebalance, or ends the one that is on if this was the last member it waited for. */
export function rebalance (group: ClassicGroup, turn: Turn, reason: string): void {
  if (group.state === 'PreparingRebalance') completeIfAllJoined(group, turn)
  else prepare(group, turn, reason)
}

export function prepare (group: ClassicGroup, turn: Turn, reason: string): void {
  if (group.state === 'CompletingRebalance') dropAssignments(group, turn, errorCodes.REBALANCE_IN_PROGRESS)
  group.members.pendingSync.clear()
  turn.cancel(syncTimer)
  turn.note(`group ${group.id} rebalances from generation ${group.generation}: ${reason}`)
  if (group.state !== 'Empty') {
    group.enter('PreparingRebalance', turn.nowMs)
    if (group.members.allJoined) complete(group, turn)
    else waitForMembers(group, turn)
    return
  }
  // Members of a new group start one after the other: waiting a little saves them a rebalance each.
  const delayMs = group.settings.firstRebalanceDelayMs
  const remainingMs = Math.max(group.members.rebalanceTimeoutMs - delayMs, 0)
  turn.wake(joinTimer, delayMs, { kind: 'first-members-came', delayMs, remainingMs })
  group.enter('PreparingRebalance', turn.nowMs)
}

function waitForMembers (group: ClassicGroup, turn: Turn): void {
  turn.wake(joinTimer, group.members.rebalanceTimeoutMs, { kind: 'join-time-over' })
}

/** The first delay of an empty group is over. */
export function firstMembersCame (
  group: ClassicGroup, turn: Turn, delayMs: number, remainingMs: number
): void {
  if (group.state !== 'PreparingRebalance') return
  if (!group.memberAdded || remainingMs === 0) return complete(group, turn)
  group.memberAdded = false
  const nextMs = Math.min(group.settings.firstRebalanceDelayMs, remainingMs)
  turn.wake(joinTimer, nextMs, {
    kind: 'first-members-came', delayMs: nextMs, remainingMs: Math.max(remainingMs - delayMs, 0)
  })
}

/** The first rebalance of a group ends by its delay alone, however many have joined. */
export function completeIfAllJoined (group: ClassicGroup, turn: Turn): void {
  if (group.state === 'PreparingRebalance' && group.previousState !== 'Empty' && group.members.allJoined) {
    complete(group, turn)
  }
}

/**
 * Everybody joined, or the time is over: the next generation begins without the dynamic members that did
 * not.
 */
export function complete (group: ClassicGroup, turn: Turn): void {
  const { members } = group
  turn.cancel(joinTimer)
  for (const member of [...members.all()]) {
    if (member.joinRequest !== 0 || member.instanceId !== null) continue
    members.remove(member.id)
    turn.cancel(sessionTimer(member.id))
    turn.note(`group ${group.id} goes on without ${member.id}, which did not join again`)
  }
  if (!members.electJoinedLeader() && members.size > 0) {
    // Only static members are left and none has come: their sessions end it, or one of them returns.
    return waitForMembers(group, turn)
  }
  group.nextGeneration(turn.nowMs)
  if (group.state === 'Empty') {
    turn.note(`group ${group.id} is empty, generation ${group.generation}`)
    turn.records.push(groupRecord(group, () => noBytes))
  } else {
    announceGeneration(group, turn)
  }
}

function announceGeneration (group: ClassicGroup, turn: Turn): void {
  turn.note(`group ${group.id} has ${group.members.size} members in generation ${group.generation}`)
  for (const member of group.members.all()) {
    turn.answerJoin(group, member, group.joinAnswer(member))
    turn.renewSession(member)
    member.isNew = false
    group.members.pendingSync.add(member.id)
  }
  const { generation, members } = group
  turn.wake(syncTimer, members.rebalanceTimeoutMs, { kind: 'sync-time-over', generation })
}

/** Who took an answer to its join but never synced holds up nobody for longer than a rebalance may take. */
export function syncTimeOver (group: ClassicGroup, turn: Turn, generation: number): void {
  if (generation !== group.generation || group.members.pendingSync.size === 0) return
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  const late = [...group.members.pendingSync]
  for (const id of late) {
    group.members.remove(id)
    turn.cancel(sessionTimer(id))
  }
  prepare(group, turn, `${late.join(', ')} did not sync in time`)
}

/** Nobody has an assignment any more, and those that wait for one are told why. */
export function dropAssignments (group: ClassicGroup, turn: Turn, errorCode: number): void {
  for (const member of group.members.all()) {
    member.assignment = noBytes
    if (turn.answerSync(member, syncRefused(errorCode))) turn.renewSession(member)
  }
}
