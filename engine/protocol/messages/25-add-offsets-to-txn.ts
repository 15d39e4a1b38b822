// AddOffsetsToTxn, v0–v4. Adds a group's offsets to a transaction.
//   v3  flexible      v4  other errors (KIP-890)
import { api, errorCode, int16, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const AddOffsetsToTxn = api('AddOffsetsToTxn', {
  key: 25,
  versions: [0, 4],
  flexibleSince: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode()
  }
})

export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>
export type AddOffsetsToTxnResponse = ResponseOf<typeof AddOffsetsToTxn>
