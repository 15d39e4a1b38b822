// AlterConfigs, v0–v2. Replaces all dynamic settings of a resource. Superseded by IncrementalAlterConfigs,
// still in use.
//   v2  flexible
import {
  api, array, bool, errorCode, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const AlterConfigs = api('AlterConfigs', {
  key: 33,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable()
      })
    }),
    validateOnly: bool()
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: errorCode(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string()
    })
  }
})

export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>
