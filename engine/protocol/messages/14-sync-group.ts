// SyncGroup, v0–v5. Carries the leader's assignment in and every member's share out. An assignment is opaque
// to the broker.
//   v1  throttle time      v3  static members      v4  flexible
//   v5  protocol type and name, to catch mistakes
import { api, array, bytes, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const SyncGroup = api('SyncGroup', {
  key: 14,
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string().since(3).nullable().orElse(null),
    protocolType: string().since(5).nullable().orElse(null),
    protocolName: string().since(5).nullable().orElse(null),
    assignments: array({
      memberId: string(),
      assignment: bytes()
    })
  },
  response: {
    throttleTimeMs: int32().since(1),
    errorCode: errorCode(),
    protocolType: string().since(5).nullable().orElse(null),
    protocolName: string().since(5).nullable().orElse(null),
    assignment: bytes()
  }
})

export type SyncGroupRequest = RequestOf<typeof SyncGroup>
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>
