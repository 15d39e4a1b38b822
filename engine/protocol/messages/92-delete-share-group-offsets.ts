// DeleteShareGroupOffsets, v0. Forgets topics of an empty share group.
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf, uuid } from '../schema.ts'

export const DeleteShareGroupOffsets = api('DeleteShareGroupOffsets', {
  key: 92,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicName: string()
    })
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: errorCode(),
      errorMessage: string().nullable().orElse(null)
    })
  }
})

export type DeleteShareGroupOffsetsRequest = RequestOf<typeof DeleteShareGroupOffsets>
export type DeleteShareGroupOffsetsResponse = ResponseOf<typeof DeleteShareGroupOffsets>
