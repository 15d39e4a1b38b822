// DescribeAcls, v1–v3. Finds access rules by a filter.
//   v2  flexible      v3  user resources
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const DescribeAcls = api('DescribeAcls', {
  key: 29,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string().nullable(),
    patternTypeFilter: int8().orElse(3),
    principalFilter: string().nullable(),
    hostFilter: string().nullable(),
    operation: int8(),
    permissionType: int8()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8().orElse(3),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8()
      })
    })
  }
})

export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>
