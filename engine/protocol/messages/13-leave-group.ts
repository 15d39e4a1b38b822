// LeaveGroup, v0–v5. Takes members out of a group: one until v2, several since v3.
//   v1  throttle time      v3  several members, by instance id too      v4  flexible
//   v5  reason for leaving
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const LeaveGroup = api('LeaveGroup', {
  key: 13,
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    memberId: string().until(2),
    members: array({
      memberId: string(),
      groupInstanceId: string().nullable().orElse(null),
      reason: string().since(5).nullable().orElse(null)
    }).since(3)
  },
  response: {
    throttleTimeMs: int32().since(1),
    errorCode: errorCode(),
    members: array({
      memberId: string(),
      groupInstanceId: string().nullable(),
      errorCode: errorCode()
    }).since(3)
  }
})

export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof LeaveGroup>
