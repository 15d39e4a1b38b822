// AlterShareGroupOffsets, v0. Moves the start offsets of an empty share group.
import {
  api, array, errorCode, int32, int64Saturated, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const AlterShareGroupOffsets = api('AlterShareGroupOffsets', {
  key: 91,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        startOffset: int64Saturated()
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null)
      })
    })
  }
})

export type AlterShareGroupOffsetsRequest = RequestOf<typeof AlterShareGroupOffsets>
export type AlterShareGroupOffsetsResponse = ResponseOf<typeof AlterShareGroupOffsets>
