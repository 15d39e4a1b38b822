// LeaveGroup, v0–v5. Members leave at once instead of running out of their session.
//   v0–v2 one member, its error is the error of the whole      v3  several, also by instance id alone
//   v5  reasons
import { errorCodes } from '../protocol/errors.ts'
import { type LeaveGroup } from '../protocol/messages/13-leave-group.ts'
import { type Handler } from './context.ts'

export const leaveGroup: Handler<typeof LeaveGroup> = async (request, { version, authorize, groups }) => {
  if (!authorize('READ', { group: request.groupId })) {
    return { throttleTimeMs: 0, errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, members: [] }
  }
  const leaving = version >= 3
    ? request.members.map(({ memberId, groupInstanceId }) => ({ memberId, instanceId: groupInstanceId }))
    : [{ memberId: request.memberId, instanceId: null }]
  const { errorCode, members } = await groups.leave(request.groupId, leaving)
  if (version >= 3) return { throttleTimeMs: 0, errorCode, members }
  const first = errorCode === errorCodes.NONE ? members[0]?.errorCode ?? errorCodes.NONE : errorCode
  return { throttleTimeMs: 0, errorCode: first, members: [] }
}
