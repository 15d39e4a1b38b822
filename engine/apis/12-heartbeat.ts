// Heartbeat, v0–v4. Keeps a member alive; the answer is where it hears of a rebalance.
//   v1  throttle time      v3  static members      v4  flexible
import { errorCodes } from '../protocol/errors.ts'
import { type Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { type Handler } from './context.ts'

export const heartbeat: Handler<typeof Heartbeat> = async (request, { authorize, groups }) => ({
  throttleTimeMs: 0,
  errorCode: authorize('READ', { group: request.groupId })
    ? await groups.heartbeat(request.groupId, {
      memberId: request.memberId, instanceId: request.groupInstanceId, generation: request.generationId
    })
    : errorCodes.GROUP_AUTHORIZATION_FAILED
})
