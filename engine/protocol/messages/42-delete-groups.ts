// DeleteGroups, v0–v3. Deletes groups that have no members.
//   v2  flexible      v3  message
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const DeleteGroups = api('DeleteGroups', {
  key: 42,
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    groupsNames: array(string())
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: errorCode(),
      errorMessage: string().since(3).nullable().orElse(null)
    })
  }
})

export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>
