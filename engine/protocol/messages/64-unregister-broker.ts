// UnregisterBroker, v0. Removes a broker from the cluster for good.
import { api, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const UnregisterBroker = api('UnregisterBroker', {
  key: 64,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    brokerId: int32()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable()
  }
})

export type UnregisterBrokerRequest = RequestOf<typeof UnregisterBroker>
export type UnregisterBrokerResponse = ResponseOf<typeof UnregisterBroker>
