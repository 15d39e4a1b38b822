// WriteShareGroupState, v0–v1. Writes the state of share partitions. Between brokers.
//   v1  number of records done
import {
  api, array, errorCode, int16, int32, int64, int8, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const WriteShareGroupState = api('WriteShareGroupState', {
  key: 85,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32().since(1).orElse(-1),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16()
        })
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

export type WriteShareGroupStateRequest = RequestOf<typeof WriteShareGroupState>
export type WriteShareGroupStateResponse = ResponseOf<typeof WriteShareGroupState>
