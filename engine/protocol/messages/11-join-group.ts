// JoinGroup, v0–v9. A member enters a rebalance of the classic protocol; the answer comes when all have.
//   v1  rebalance timeout of its own      v2  throttle time      v4  a new member is given its id first
//   v5  static members      v6  flexible      v7  protocol type in the answer, null protocol name
//   v8  reason for joining      v9  the leader may be told to skip the assignment
import {
  api, array, bool, bytes, errorCode, int32, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const JoinGroup = api('JoinGroup', {
  key: 11,
  versions: [0, 9],
  flexibleSince: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32().since(1).orElse(-1),
    memberId: string(),
    groupInstanceId: string().since(5).nullable().orElse(null),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes()
    }),
    reason: string().since(8).nullable().orElse(null)
  },
  response: {
    throttleTimeMs: int32().since(2),
    errorCode: errorCode(),
    generationId: int32().orElse(-1),
    protocolType: string().since(7).nullable().orElse(null),
    protocolName: string().nullable(7),
    leader: string(),
    skipAssignment: bool().since(9),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string().since(5).nullable().orElse(null),
      metadata: bytes()
    })
  }
})

export type JoinGroupRequest = RequestOf<typeof JoinGroup>
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>
