// DescribeGroups, v0–v6. State and members of classic groups.
//   v1  throttle time      v3  permitted operations      v4  static members      v5  flexible
//   v6  message; an unknown group is an error of its own
import {
  api, array, bool, bytes, errorCode, int32, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeGroups = api('DescribeGroups', {
  key: 15,
  versions: [0, 6],
  flexibleSince: 5,
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool().since(3)
  },
  response: {
    throttleTimeMs: int32().since(1),
    groups: array({
      errorCode: errorCode(),
      errorMessage: string().since(6).nullable().orElse(null),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string().since(4).nullable().orElse(null),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes()
      }),
      authorizedOperations: int32().since(3).orElse(-2147483648)
    })
  }
})

export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof DescribeGroups>
