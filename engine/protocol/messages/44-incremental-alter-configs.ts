// IncrementalAlterConfigs, v0–v1. Sets, deletes, appends to and subtracts from single settings.
//   v1  flexible
import {
  api, array, bool, errorCode, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const IncrementalAlterConfigs = api('IncrementalAlterConfigs', {
  key: 44,
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
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

export type IncrementalAlterConfigsRequest = RequestOf<typeof IncrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = ResponseOf<typeof IncrementalAlterConfigs>
