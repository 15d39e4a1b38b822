// ListGroups, v0–v5. Names of the groups that this broker coordinates.
//   v1  throttle time      v3  flexible      v4  by state      v5  by type
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const ListGroups = api('ListGroups', {
  key: 16,
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    statesFilter: array(string()).since(4),
    typesFilter: array(string()).since(5)
  },
  response: {
    throttleTimeMs: int32().since(1),
    errorCode: errorCode(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string().since(4),
      groupType: string().since(5)
    })
  }
})

export type ListGroupsRequest = RequestOf<typeof ListGroups>
export type ListGroupsResponse = ResponseOf<typeof ListGroups>
