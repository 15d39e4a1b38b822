// AddPartitionsToTxn, v0–v5. Adds partitions to a transaction: of one producer until v3, for brokers that
// verify several since v4.
//   v3  flexible      v4  several transactions, verify only      v5  other errors (KIP-890)
import {
  api, array, bool, errorCode, int16, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

const addPartitionsToTxnTopic = {
  name: string(),
  partitions: array(int32())
}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16()
}

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array(addPartitionsToTxnPartitionResult)
}

export const AddPartitionsToTxn = api('AddPartitionsToTxn', {
  key: 24,
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    transactions: array({
      transactionalId: string(),
      producerId: int64(),
      producerEpoch: int16(),
      verifyOnly: bool(),
      topics: array(addPartitionsToTxnTopic)
    }).since(4),
    v3AndBelowTransactionalId: string().until(3),
    v3AndBelowProducerId: int64().until(3),
    v3AndBelowProducerEpoch: int16().until(3),
    v3AndBelowTopics: array(addPartitionsToTxnTopic).until(3)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode().since(4),
    resultsByTransaction: array({
      transactionalId: string(),
      topicResults: array(addPartitionsToTxnTopicResult)
    }).since(4),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult).until(3)
  }
})

export type AddPartitionsToTxnRequest = RequestOf<typeof AddPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseOf<typeof AddPartitionsToTxn>
