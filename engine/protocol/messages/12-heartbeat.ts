// Heartbeat, v0–v4. Keeps a member alive; the answer is where a rebalance is announced.
//   v1  throttle time      v3  static members      v4  flexible
import { api, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const Heartbeat = api('Heartbeat', {
  key: 12,
  versions: [0, 4],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string().since(3).nullable().orElse(null)
  },
  response: {
    throttleTimeMs: int32().since(1),
    errorCode: errorCode()
  }
})

export type HeartbeatRequest = RequestOf<typeof Heartbeat>
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>
