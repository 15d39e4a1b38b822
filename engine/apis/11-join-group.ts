// JoinGroup, v0–v9. A member enters a rebalance; the answer waits until all have, or the time is over. A
// client that goes away meanwhile stays in the group until its session, or the five minutes of a new
// member, are over.
//   v0  the session timeout is the rebalance timeout      v4  a new member gets its id first
//   v5  static members
//   v7  null protocol name on errors      v9  a returning static leader may be told to keep its assignment
import { joinRefused } from '../groups/classic-state.ts'
import { type JoinAnswer } from '../groups/classic-types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type JoinGroup, type JoinGroupRequest } from '../protocol/messages/11-join-group.ts'
import { type Handler } from './context.ts'

export const joinGroup: Handler<typeof JoinGroup> = async (request, context) => {
  const { version, groups, authorize } = context
  if (!authorize('READ', { group: request.groupId })) {
    return answer(joinRefused(errorCodes.GROUP_AUTHORIZATION_FAILED, ''), version)
  }
  if (hasTwins(request.protocols)) {
    return answer(joinRefused(errorCodes.INVALID_REQUEST, request.memberId), version)
  }
  return answer(await groups.join(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    clientId: context.clientId ?? '',
    clientHost: `/${context.clientAddress}`,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    // Copies: a group keeps them long after the request's memory is used again.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    idRequired: version >= 4,
    mayKeepAssignment: version >= 9
  }), version)
}

/** The same protocol twice cannot be meant. */
function hasTwins (protocols: JoinGroupRequest['protocols']): boolean {
  return new Set(protocols.map(({ name }) => name)).size < protocols.length
}

function answer (joined: JoinAnswer, version: number) {
  const protocolName = version < 7 ? joined.protocolName ?? '' : joined.protocolName
  return { throttleTimeMs: 0, ...joined, protocolName }
}
