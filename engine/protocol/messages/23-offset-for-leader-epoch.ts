// OffsetForLeaderEpoch, v2–v4. Where a leader epoch ends: how followers and consumers find out that histories
// diverge.
//   v3  who asks      v4  flexible
import { api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const OffsetForLeaderEpoch = api('OffsetForLeaderEpoch', {
  key: 23,
  versions: [2, 4],
  flexibleSince: 4,
  request: {
    replicaId: int32().since(3).orElse(-2),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().orElse(-1),
        leaderEpoch: int32()
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: errorCode(),
        partition: int32(),
        leaderEpoch: int32().orElse(-1),
        endOffset: int64().orElse(-1)
      })
    })
  }
})

export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>
