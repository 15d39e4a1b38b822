// OffsetCommit, v2–v10. Stores how far a group has read. A commit of member '' and generation -1 comes from
// outside the group.
//   v3  throttle time      v5  no retention time any more      v6  leader epoch of the offset
//   v7  static members      v8  flexible      v9  member epochs of the new consumer protocol
//   v10 topic ids instead of names
import {
  api, array, errorCode, int32, int64Saturated, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const OffsetCommit = api('OffsetCommit', {
  key: 8,
  versions: [2, 10],
  flexibleSince: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32().orElse(-1),
    memberId: string(),
    groupInstanceId: string().since(7).nullable().orElse(null),
    retentionTimeMs: int64Saturated().until(4).orElse(-1),
    topics: array({
      name: string().until(9),
      topicId: uuid().since(10),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64Saturated(),
        committedLeaderEpoch: int32().since(6).orElse(-1),
        committedMetadata: string().nullable()
      })
    })
  },
  response: {
    throttleTimeMs: int32().since(3),
    topics: array({
      name: string().until(9),
      topicId: uuid().since(10),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode()
      })
    })
  }
})

export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>
