// InitializeShareGroupState, v0. Starts the state of share partitions at the share coordinator. Between
// brokers.
import {
  api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const InitializeShareGroupState = api('InitializeShareGroupState', {
  key: 83,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        startOffset: int64()
      })
    })
  },
  response: {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null)
      })
    })
  }
})

export type InitializeShareGroupStateRequest = RequestOf<typeof InitializeShareGroupState>
export type InitializeShareGroupStateResponse = ResponseOf<typeof InitializeShareGroupState>
