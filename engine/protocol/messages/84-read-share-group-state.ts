// ReadShareGroupState, v0. Reads the state of share partitions. Between brokers.
import {
  api, array, errorCode, int16, int32, int64, int8, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const ReadShareGroupState = api('ReadShareGroupState', {
  key: 84,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        leaderEpoch: int32()
      })
    })
  },
  response: {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null),
        stateEpoch: int32(),
        startOffset: int64(),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16()
        })
      })
    })
  }
})

export type ReadShareGroupStateRequest = RequestOf<typeof ReadShareGroupState>
export type ReadShareGroupStateResponse = ResponseOf<typeof ReadShareGroupState>
