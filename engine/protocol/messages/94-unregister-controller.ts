// UnregisterController, v0. Removes a controller from the cluster.
import { api, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const UnregisterController = api('UnregisterController', {
  key: 94,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    controllerId: int32()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable()
  }
})

export type UnregisterControllerRequest = RequestOf<typeof UnregisterController>
export type UnregisterControllerResponse = ResponseOf<typeof UnregisterController>
