// ReadShareGroupStateSummary, v0–v1. Reads the state of share partitions without their batches. Between
// brokers.
//   v1  number of records done
import {
  api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const ReadShareGroupStateSummary = api('ReadShareGroupStateSummary', {
  key: 87,
  versions: [0, 1],
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
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32().since(1).orElse(-1)
      })
    })
  }
})

export type ReadShareGroupStateSummaryRequest = RequestOf<typeof ReadShareGroupStateSummary>
export type ReadShareGroupStateSummaryResponse = ResponseOf<typeof ReadShareGroupStateSummary>
