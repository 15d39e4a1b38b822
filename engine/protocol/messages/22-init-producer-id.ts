// InitProducerId, v0–v6. Hands out a producer id, or raises the epoch of one.
//   v2  flexible      v3  the producer may bring its id and epoch      v4  PRODUCER_FENCED
//   v5  other errors (KIP-890)      v6  two-phase commit; not offered by Kafka itself yet
import {
  api, bool, errorCode, int16, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const InitProducerId = api('InitProducerId', {
  key: 22,
  versions: [0, 6],
  flexibleSince: 2,
  request: {
    transactionalId: string().nullable(),
    transactionTimeoutMs: int32(),
    producerId: int64().since(3).orElse(-1),
    producerEpoch: int16().since(3).orElse(-1),
    enable2Pc: bool().since(6),
    keepPreparedTxn: bool().since(6)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    producerId: int64().orElse(-1),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64().since(6).orElse(-1),
    ongoingTxnProducerEpoch: int16().since(6).orElse(-1)
  }
})

export type InitProducerIdRequest = RequestOf<typeof InitProducerId>
export type InitProducerIdResponse = ResponseOf<typeof InitProducerId>
