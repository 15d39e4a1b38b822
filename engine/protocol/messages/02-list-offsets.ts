// ListOffsets, v1–v11. Which offset belongs to a time, or to a special one: -1 end, -2 start, -3 newest
// record, -4 local start, -5 tiered end, -6 earliest not uploaded.
//   v2  isolation level      v4  leader epoch both ways      v6  flexible      v7  timestamp -3
//   v8  -4      v9  -5      v10 timeout for remote reads      v11 -6
import {
  api, array, errorCode, int32, int64, int64Saturated, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const ListOffsets = api('ListOffsets', {
  key: 2,
  versions: [1, 11],
  flexibleSince: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8().since(2),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32().since(4).orElse(-1),
        timestamp: int64Saturated()
      })
    }),
    timeoutMs: int32().since(10)
  },
  response: {
    throttleTimeMs: int32().since(2),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        timestamp: int64Saturated().orElse(-1),
        offset: int64().orElse(-1),
        leaderEpoch: int32().since(4).orElse(-1)
      })
    })
  }
})

export type ListOffsetsRequest = RequestOf<typeof ListOffsets>
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>
