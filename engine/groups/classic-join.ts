// JoinGroup in a classic group: new dynamic members (given an id first where the version wants it), new and
// returning static ones, members that join again.
import { errorCodes } from '../protocol/errors.ts'
import { complete, completeIfAllJoined, prepare, rebalance } from './classic-rebalance.ts'
import { type ClassicGroup, joinRefused, sessionTimer, syncRefused, Turn } from './classic-state.ts'
import { type JoinRequest } from './classic-types.ts'
import { groupRecord } from './group-records.ts'
import { type Member, noBytes, type Protocol, sameProtocols } from './members.ts'

/**
 * A new member sends no heartbeats before it is answered: if its client is gone, it is dropped after so
 * long.
 */
const newMemberWaitMsMax = 300_000

export function join (group: ClassicGroup, turn: Turn, request: number, asked: JoinRequest): void {
  const refuse = (code: number, memberId = asked.memberId) => turn.reply(request, joinRefused(code, memberId))
  if (!accepts(group, asked.memberId)) {
    removeMember(group, turn, asked.memberId)
    refuse(errorCodes.GROUP_MAX_SIZE_REACHED, '')
  } else if (!supports(group, asked)) {
    refuse(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  } else if (asked.memberId !== '') {
    joinKnown(group, turn, request, asked)
  } else if (asked.instanceId !== null) {
    joinStatic(group, turn, request, asked, asked.instanceId)
  } else if (asked.idRequired) {
    const id = group.newMemberId(asked.clientId)
    group.members.pendingJoin.add(id)
    turn.wake(sessionTimer(id), asked.sessionTimeoutMs, { kind: 'session-over', memberId: id })
    refuse(errorCodes.MEMBER_ID_REQUIRED, id)
  } else {
    addMember(group, turn, request, asked, group.newMemberId(asked.clientId))
  }
}

/** While a rebalance is on, those count who have joined: the last to join again are the ones left out. */
function accepts (group: ClassicGroup, memberId: string): boolean {
  const { members, settings } = group
  const member = members.get(memberId)
  if (group.state === 'Empty') return true
  if (group.state === 'PreparingRebalance') {
    return (member !== undefined && member.joinRequest !== 0) || members.awaitingJoin < settings.membersMax
  }
  return member !== undefined || members.size < settings.membersMax
}

function removeMember (group: ClassicGroup, turn: Turn, memberId: string): void {
  const member = group.members.get(memberId)
  if (member !== undefined) turn.answerSync(member, syncRefused(errorCodes.UNKNOWN_MEMBER_ID))
  group.members.remove(memberId)
}

function supports (group: ClassicGroup, asked: JoinRequest): boolean {
  if (group.state === 'Empty') return asked.protocolType !== '' && asked.protocols.length > 0
  return asked.protocolType === group.protocolType && group.members.supportsAny(asked.protocols)
}

function joinStatic (
  group: ClassicGroup, turn: Turn, request: number, asked: JoinRequest, instanceId: string
): void {
  const newId = group.newMemberId(instanceId)
  const oldId = group.members.instance(instanceId)
  if (oldId === undefined) addMember(group, turn, request, asked, newId)
  else returnStatic(group, turn, request, asked, oldId, newId)
}

function addMember (group: ClassicGroup, turn: Turn, request: number, asked: JoinRequest, id: string): void {
  const member: Member = {
    id,
    instanceId: asked.instanceId,
    clientId: asked.clientId,
    clientHost: asked.clientHost,
    rebalanceTimeoutMs: asked.rebalanceTimeoutMs,
    sessionTimeoutMs: asked.sessionTimeoutMs,
    protocols: asked.protocols,
    assignment: noBytes,
    isNew: true,
    joinRequest: request,
    syncRequest: 0
  }
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.memberAdded = true
  if (group.members.size === 0) group.protocolType = asked.protocolType
  group.members.add(member)
  turn.renewSession(member, newMemberWaitMsMax)
  rebalance(group, turn, `${id} joins`)
}

function joinKnown (group: ClassicGroup, turn: Turn, request: number, asked: JoinRequest): void {
  if (group.members.pendingJoin.has(asked.memberId) && asked.instanceId === null) {
    return addMember(group, turn, request, asked, asked.memberId)
  }
  const code = identityError(group, asked.memberId, asked.instanceId)
  const member = group.members.get(asked.memberId)
  if (code !== errorCodes.NONE || member === undefined) {
    turn.reply(request, joinRefused(code, asked.memberId))
  } else if (needsRebalance(group, member, asked.protocols)) {
    updateMember(group, turn, member, request, asked)
    rebalance(group, turn, `${member.id} joins again`)
  } else {
    // It missed the answer to its join, or asks for nothing new.
    turn.reply(request, group.joinAnswer(member))
  }
}

/**
 * The leader of a stable group may join to force a rebalance: topics may have changed that its metadata
 * does not show.
 */
function needsRebalance (group: ClassicGroup, member: Member, protocols: readonly Protocol[]): boolean {
  if (group.state === 'PreparingRebalance') return true
  if (group.state === 'Stable' && group.members.leader === member.id) return true
  return !sameProtocols(member, protocols)
}

function updateMember (
  group: ClassicGroup, turn: Turn, member: Member, request: number, asked: JoinRequest
): void {
  group.members.update(member, asked)
  // The earlier join came over a connection that its client has given up.
  turn.answerJoin(group, member, joinRefused(errorCodes.REBALANCE_IN_PROGRESS, member.id))
  group.members.waitForJoin(member, request)
}

/** Is it who it says it is? Of a static member, the last to join under its instance id counts. */
export function identityError (group: ClassicGroup, memberId: string, instanceId: string | null): number {
  if (instanceId !== null) {
    const current = group.members.instance(instanceId)
    if (current === undefined) return errorCodes.UNKNOWN_MEMBER_ID
    if (current !== memberId) return errorCodes.FENCED_INSTANCE_ID
  }
  return group.members.has(memberId) ? errorCodes.NONE : errorCodes.UNKNOWN_MEMBER_ID
}

function replaceStatic (group: ClassicGroup, turn: Turn, oldId: string, newId: string): Member {
  const old = group.members.get(oldId) as Member
  turn.answerJoin(group, old, joinRefused(errorCodes.FENCED_INSTANCE_ID, oldId))
  turn.answerSync(old, syncRefused(errorCodes.FENCED_INSTANCE_ID))
  turn.cancel(sessionTimer(oldId))
  const member = group.members.replace(oldId, newId)
  turn.renewSession(member)
  return member
}

/**
 * A static member has started again: it takes its place, and a stable group stays as it is if that changes
 * nothing.
 */
function returnStatic (
  group: ClassicGroup, turn: Turn, request: number, asked: JoinRequest, oldId: string, newId: string
): void {
  const oldLeader = group.members.leader
  const member = replaceStatic(group, turn, oldId, newId)
  const before = { ...member }
  updateMember(group, turn, member, request, asked)
  if (group.state === 'Stable') {
    if (group.members.electProtocol() !== group.protocol) {
      return rebalance(group, turn, `${newId} joins with another protocol`)
    }
    turn.records.push(groupRecord(group, one => one.assignment))
    turn.settled = (errorCode, nowMs) =>
      returned(group, member, before, errorCode, nowMs, { request, asked, oldId, oldLeader })
  } else if (group.state === 'CompletingRebalance') {
    // The leader may be assigning to the old id at this moment.
    prepare(group, turn, `${newId} takes the place of ${oldId}`)
  } else {
    completeIfAllJoined(group, turn)
  }
}

function returned (
  group: ClassicGroup, member: Member, before: Member, errorCode: number, nowMs: number,
  join: { request: number, asked: JoinRequest, oldId: string, oldLeader: string | null }
): Turn {
  const turn = new Turn(nowMs)
  // Another request may have taken this one's place, or a rebalance answers it.
  if (member.joinRequest !== join.request || group.members.get(member.id) !== member) return turn
  if (errorCode !== 0) {
    turn.answerJoin(group, member, { ...joinRefused(errorCode, ''), generationId: group.generation })
    group.members.update(member, before)
    replaceStatic(group, turn, member.id, join.oldId)
  } else if (group.state === 'Stable') {
    const leads = group.members.leader === member.id
    turn.answerJoin(group, member, join.asked.mayKeepAssignment
      ? { ...group.joinAnswer(member), skipAssignment: leads }
      // Told that somebody else leads, it does not assign: the group keeps what it has.
      : { ...group.joinAnswer(member), leader: join.oldLeader ?? '', members: [] })
  }
  return turn
}

/** A session is over: of a member, or of an id that was never used. */
export function sessionOver (group: ClassicGroup, turn: Turn, memberId: string): void {
  const member = group.members.get(memberId)
  if (member !== undefined) {
    const waits = member.joinRequest !== 0 || member.syncRequest !== 0
    if (waits && !member.isNew) return
    turn.answerJoin(group, member, joinRefused(errorCodes.UNKNOWN_MEMBER_ID, ''))
    turn.answerSync(member, syncRefused(errorCodes.UNKNOWN_MEMBER_ID))
  } else if (!group.members.pendingJoin.has(memberId)) {
    return
  }
  group.members.remove(memberId)
  if (member !== undefined && (group.state === 'Stable' || group.state === 'CompletingRebalance')) {
    rebalance(group, turn, `the session of ${memberId} is over`)
  } else if (group.state === 'PreparingRebalance' && group.members.allJoined) {
    complete(group, turn)
  }
}
