// DescribeShareGroupOffsets, v0–v1. Start offsets of share groups.
//   v1  lag
import {
  api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const DescribeShareGroupOffsets = api('DescribeShareGroupOffsets', {
  key: 90,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        partitions: array(int32())
      }).nullable()
    })
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64().since(1).orElse(-1),
          errorCode: errorCode(),
          errorMessage: string().nullable().orElse(null)
        })
      }),
      errorCode: errorCode(),
      errorMessage: string().nullable().orElse(null)
    })
  }
})

export type DescribeShareGroupOffsetsRequest = RequestOf<typeof DescribeShareGroupOffsets>
export type DescribeShareGroupOffsetsResponse = ResponseOf<typeof DescribeShareGroupOffsets>
