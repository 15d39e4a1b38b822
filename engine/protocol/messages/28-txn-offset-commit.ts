// TxnOffsetCommit, v0–v6. Stores offsets that count once their transaction is committed.
//   v2  leader epoch      v3  flexible; member and generation      v4  other errors (KIP-890)
//   v5  adds the group to the transaction by itself      v6  topic ids instead of names
import {
  api, array, errorCode, int16, int32, int64, int64Saturated, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const TxnOffsetCommit = api('TxnOffsetCommit', {
  key: 28,
  versions: [0, 6],
  flexibleSince: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationIdOrMemberEpoch: int32().since(3).orElse(-1),
    memberId: string().since(3),
    groupInstanceId: string().since(3).nullable().orElse(null),
    topics: array({
      name: string().until(5),
      topicId: uuid().since(6),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64Saturated(),
        committedLeaderEpoch: int32().since(2).orElse(-1),
        committedMetadata: string().nullable()
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string().until(5),
      topicId: uuid().since(6),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode()
      })
    })
  }
})

export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>
export type TxnOffsetCommitResponse = ResponseOf<typeof TxnOffsetCommit>
