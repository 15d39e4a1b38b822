// SyncGroup, v0–v5. The leader hands in the assignment, everybody gets their part once it is stored.
//   v3  static members      v5  says which protocol it means, and must
import { syncRefused } from '../groups/classic-state.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type SyncGroup } from '../protocol/messages/14-sync-group.ts'
import { type Handler } from './context.ts'

export const syncGroup: Handler<typeof SyncGroup> = async (request, { version, authorize, groups }) => {
  const { groupId, protocolType, protocolName } = request
  const refuse = (code: number) => ({ throttleTimeMs: 0, ...syncRefused(code) })
  if (version >= 5 && (protocolType === null || protocolName === null)) {
    return refuse(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  }
  if (!authorize('READ', { group: groupId })) return refuse(errorCodes.GROUP_AUTHORIZATION_FAILED)
  const answer = await groups.sync(groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generation: request.generationId,
    protocolType,
    protocolName,
    // Copies: a group keeps them long after the request's memory is used again.
    assignments: request.assignments.map(one => ({
      memberId: one.memberId, assignment: Buffer.from(one.assignment)
    }))
  })
  return { throttleTimeMs: 0, ...answer }
}
