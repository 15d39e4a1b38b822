// One event of a classic group: whose turn it is. Heartbeats and leaving are short enough to be here.
import { errorCodes } from '../protocol/errors.ts'
import { identityError, join, sessionOver } from './classic-join.ts'
import {
  complete, completeIfAllJoined, firstMembersCame, rebalance, syncTimeOver
} from './classic-rebalance.ts'
import {
  type ClassicGroup, joinRefused, joinTimer, sessionTimer, syncRefused, syncTimer, Turn
} from './classic-state.ts'
import { sync } from './classic-sync.ts'
import {
  type ClassicEvent, type HeartbeatRequest, type LeaveAnswer, type MemberIdentity
} from './classic-types.ts'

export function stepClassic (group: ClassicGroup, event: ClassicEvent, nowMs: number): Turn {
  const turn = new Turn(nowMs)
  switch (event.kind) {
    case 'join': join(group, turn, event.request, event.join); break
    case 'sync': sync(group, turn, event.request, event.sync); break
    case 'heartbeat': turn.reply(event.request, heartbeat(group, turn, event.heartbeat)); break
    case 'leave': turn.reply(event.request, leave(group, turn, event.members)); break
    case 'first-members-came': firstMembersCame(group, turn, event.delayMs, event.remainingMs); break
    case 'join-time-over': if (group.state === 'PreparingRebalance') complete(group, turn); break
    case 'sync-time-over': syncTimeOver(group, turn, event.generation); break
    case 'session-over': sessionOver(group, turn, event.memberId); break
  }
  return turn
}

/** The error code: it is where a member hears of a rebalance. */
function heartbeat (group: ClassicGroup, turn: Turn, asked: HeartbeatRequest): number {
  const code = identityError(group, asked.memberId, asked.instanceId)
  const member = group.members.get(asked.memberId)
  if (code !== errorCodes.NONE || member === undefined) return code
  if (asked.generation !== group.generation) return errorCodes.ILLEGAL_GENERATION
  turn.renewSession(member)
  return group.state === 'PreparingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
}

function leave (group: ClassicGroup, turn: Turn, leaving: readonly MemberIdentity[]): LeaveAnswer {
  const members = leaving.map(({ memberId, instanceId }) => ({
    memberId, groupInstanceId: instanceId, errorCode: leaveOne(group, turn, memberId, instanceId)
  }))
  const left = members.filter(({ errorCode }) => errorCode === errorCodes.NONE)
  if (left.length > 0) {
    if (group.state === 'PreparingRebalance') completeIfAllJoined(group, turn)
    else if (group.state !== 'Empty') rebalance(group, turn, `${left.map(nameOf).join(', ')} left`)
  }
  return { errorCode: errorCodes.NONE, members }
}

function nameOf (one: { memberId: string, groupInstanceId: string | null }): string {
  return one.memberId !== '' ? one.memberId : one.groupInstanceId ?? 'nobody'
}

function leaveOne (group: ClassicGroup, turn: Turn, memberId: string, instanceId: string | null): number {
  // Tools remove static members by their instance, without knowing the member id.
  const id = memberId === '' && instanceId !== null ? group.members.instance(instanceId) ?? '' : memberId
  if (!group.members.pendingJoin.has(id)) {
    const code = identityError(group, id, instanceId)
    if (code !== errorCodes.NONE) return code
  }
  const member = group.members.get(id)
  if (member !== undefined) {
    turn.answerJoin(group, member, joinRefused(errorCodes.UNKNOWN_MEMBER_ID, ''))
    turn.answerSync(member, syncRefused(errorCodes.UNKNOWN_MEMBER_ID))
  }
  turn.cancel(sessionTimer(id))
  group.members.remove(id)
  return errorCodes.NONE
}

/**
 * May these offsets be committed? Without a member and a generation only while nobody is in the group;
 * between the answers to join and sync not at all.
 */
export function commitError (group: ClassicGroup, who: HeartbeatRequest): number {
  const { memberId, instanceId, generation } = who
  if (generation < 0 && group.state === 'Empty') return errorCodes.NONE
  if (generation < 0 && memberId === '' && instanceId === null) return errorCodes.UNKNOWN_MEMBER_ID
  const identity = identityError(group, memberId, instanceId)
  if (identity !== errorCodes.NONE) return identity
  if (generation !== group.generation) return errorCodes.ILLEGAL_GENERATION
  return group.state === 'CompletingRebalance' ? errorCodes.REBALANCE_IN_PROGRESS : errorCodes.NONE
}

/** A commit shows that its member lives. */
export function renewByCommit (group: ClassicGroup, turn: Turn, memberId: string): void {
  const member = group.members.get(memberId)
  if (member !== undefined && group.state !== 'CompletingRebalance') turn.renewSession(member)
}

/** After loading: nobody has been heard of for a while, so everybody gets a whole session. */
export function resume (group: ClassicGroup, nowMs: number): Turn {
  const turn = new Turn(nowMs)
  for (const member of group.members.all()) turn.renewSession(member)
  if (group.members.size > group.settings.membersMax) rebalance(group, turn, 'more members than allowed')
  return turn
}

/** The group is deleted or its creation failed: nobody is left waiting, no timer runs. */
export function dismiss (group: ClassicGroup, turn: Turn, errorCode: number): void {
  for (const member of group.members.all()) {
    turn.answerJoin(group, member, joinRefused(errorCode, member.id))
    turn.answerSync(member, syncRefused(errorCode))
    turn.cancel(sessionTimer(member.id))
  }
  for (const id of group.members.pendingJoin) turn.cancel(sessionTimer(id))
  turn.cancel(joinTimer)
  turn.cancel(syncTimer)
}
