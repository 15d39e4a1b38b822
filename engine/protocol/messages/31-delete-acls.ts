// DeleteAcls, v1–v3. Removes the access rules that match filters, and returns them.
//   v2  flexible      v3  user resources
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const DeleteAcls = api('DeleteAcls', {
  key: 31,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string().nullable(),
      patternTypeFilter: int8().orElse(3),
      principalFilter: string().nullable(),
      hostFilter: string().nullable(),
      operation: int8(),
      permissionType: int8()
    })
  },
  response: {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: errorCode(),
      errorMessage: string().nullable(),
      matchingAcls: array({
        errorCode: errorCode(),
        errorMessage: string().nullable(),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8().orElse(3),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8()
      })
    })
  }
})

export type DeleteAclsRequest = RequestOf<typeof DeleteAcls>
export type DeleteAclsResponse = ResponseOf<typeof DeleteAcls>
