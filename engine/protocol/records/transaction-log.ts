// TransactionLog, type 0, v0–v1. A transactional id with its producer, state and partitions.
//   v1  flexible; ids before and after a change of the producer id, client transaction version
import { array, int16, int32, int64, int8, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const TransactionLog = recordType('TransactionLog', {
  type: 0,
  versions: [0, 1],
  flexibleSince: 1,
  key: {
    transactionalId: string()
  },
  value: {
    producerId: int64(),
    previousProducerId: int64().since(1).tag(0).orElse(-1),
    nextProducerId: int64().since(1).tag(1).orElse(-1),
    producerEpoch: int16(),
    nextProducerEpoch: int16().since(1).tag(3).orElse(-1),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array({
      topic: string(),
      partitionIds: array(int32())
    }).nullable(),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16().since(1).tag(2)
  }
})

export type TransactionLogKey = KeyOf<typeof TransactionLog>
export type TransactionLogValue = RecordValueOf<typeof TransactionLog>
