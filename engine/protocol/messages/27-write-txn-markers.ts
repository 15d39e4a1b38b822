// WriteTxnMarkers, v1–v2. A coordinator has the end of a transaction written into its partitions. Between
// brokers.
//   v2  transaction version
import {
  api, array, bool, errorCode, int16, int32, int64, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const WriteTxnMarkers = api('WriteTxnMarkers', {
  key: 27,
  versions: [1, 2],
  flexibleSince: 1,
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32())
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8().since(2)
    })
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: errorCode()
        })
      })
    })
  }
})

export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>
export type WriteTxnMarkersResponse = ResponseOf<typeof WriteTxnMarkers>
