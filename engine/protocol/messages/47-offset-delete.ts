// OffsetDelete, v0. Forgets committed offsets of topics that the group no longer reads. Never flexible.
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const OffsetDelete = api('OffsetDelete', {
  key: 47,
  versions: [0, 0],
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32()
      })
    })
  },
  response: {
    errorCode: errorCode(),
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode()
      })
    })
  }
})

export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>
