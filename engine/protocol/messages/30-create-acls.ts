// CreateAcls, v1–v3. Adds access rules.
//   v2  flexible      v3  user resources
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const CreateAcls = api('CreateAcls', {
  key: 30,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8().orElse(3),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8()
    })
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: errorCode(),
      errorMessage: string().nullable()
    })
  }
})

export type CreateAclsRequest = RequestOf<typeof CreateAcls>
export type CreateAclsResponse = ResponseOf<typeof CreateAcls>
