// DescribeTransactions, v0. State of transactions by their ids.
import {
  api, array, errorCode, int16, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeTransactions = api('DescribeTransactions', {
  key: 65,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    transactionalIds: array(string())
  },
  response: {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: errorCode(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({
        topic: string(),
        partitions: array(int32())
      })
    })
  }
})

export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>
export type DescribeTransactionsResponse = ResponseOf<typeof DescribeTransactions>
