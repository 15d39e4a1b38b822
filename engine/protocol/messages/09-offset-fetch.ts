// OffsetFetch, v1–v10. Returns what OffsetCommit stored: one group until v7, several since v8, each in a
// place of its own.
//   v2  null asks for all topics; an error for the whole answer      v3  throttle time
//   v5  leader epoch      v6  flexible      v7  may wait for transactions      v8  several groups
//   v9  member epochs      v10 topic ids instead of names
import {
  api, array, bool, errorCode, int32, int64Saturated, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const OffsetFetch = api('OffsetFetch', {
  key: 9,
  versions: [1, 10],
  flexibleSince: 6,
  request: {
    groupId: string().until(7),
    topics: array({
      name: string(),
      partitionIndexes: array(int32())
    }).until(7).nullable(2),
    groups: array({
      groupId: string(),
      memberId: string().since(9).nullable().orElse(null),
      memberEpoch: int32().since(9).orElse(-1),
      topics: array({
        name: string().until(9),
        topicId: uuid().since(10),
        partitionIndexes: array(int32())
      }).nullable()
    }).since(8),
    requireStable: bool().since(7)
  },
  response: {
    throttleTimeMs: int32().since(3),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64Saturated(),
        committedLeaderEpoch: int32().since(5).orElse(-1),
        metadata: string().nullable(),
        errorCode: errorCode()
      })
    }).until(7),
    errorCode: errorCode().since(2).until(7),
    groups: array({
      groupId: string(),
      topics: array({
        name: string().until(9),
        topicId: uuid().since(10),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64Saturated(),
          committedLeaderEpoch: int32().orElse(-1),
          metadata: string().nullable(),
          errorCode: errorCode()
        })
      }),
      errorCode: errorCode()
    }).since(8)
  }
})

export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>
