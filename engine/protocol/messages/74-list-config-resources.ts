// ListConfigResources, v0–v1. Names of resources that have settings; v0 knows only client metrics.
//   v1  several types
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const ListConfigResources = api('ListConfigResources', {
  key: 74,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    resourceTypes: array(int8()).since(1)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    configResources: array({
      resourceName: string(),
      resourceType: int8().since(1).orElse(16)
    })
  }
})

export type ListConfigResourcesRequest = RequestOf<typeof ListConfigResources>
export type ListConfigResourcesResponse = ResponseOf<typeof ListConfigResources>
