// EndTxn, v0–v5. Commits or aborts a transaction.
//   v3  flexible      v4  other errors (KIP-890)
//   v5  every end raises the epoch: the answer carries it
import {
  api, bool, errorCode, int16, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const EndTxn = api('EndTxn', {
  key: 26,
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    producerId: int64().since(5).orElse(-1),
    producerEpoch: int16().since(5).orElse(-1)
  }
})

export type EndTxnRequest = RequestOf<typeof EndTxn>
export type EndTxnResponse = ResponseOf<typeof EndTxn>
