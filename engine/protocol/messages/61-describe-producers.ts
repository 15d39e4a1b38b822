// DescribeProducers, v0. Producers that a partition remembers, for finding hanging transactions.
import { api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const DescribeProducers = api('DescribeProducers', {
  key: 61,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    topics: array({
      name: string(),
      partitionIndexes: array(int32())
    })
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32().orElse(-1),
          lastTimestamp: int64().orElse(-1),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64().orElse(-1)
        })
      })
    })
  }
})

export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>
export type DescribeProducersResponse = ResponseOf<typeof DescribeProducers>
