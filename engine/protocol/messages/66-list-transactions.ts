// ListTransactions, v0–v2. Transactions that this broker coordinates.
//   v1  by age      v2  by a pattern of the id
import { api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const ListTransactions = api('ListTransactions', {
  key: 66,
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64().since(1).orElse(-1),
    transactionalIdPattern: string().since(2).nullable().orElse(null)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string()
    })
  }
})

export type ListTransactionsRequest = RequestOf<typeof ListTransactions>
export type ListTransactionsResponse = ResponseOf<typeof ListTransactions>
