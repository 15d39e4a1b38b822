// DeleteShareGroupState, v0. Deletes the state of share partitions. Between brokers.
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf, uuid } from '../schema.ts'

export const DeleteShareGroupState = api('DeleteShareGroupState', {
  key: 86,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32()
      })
    })
  },
  response: {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null)
      })
    })
  }
})

export type DeleteShareGroupStateRequest = RequestOf<typeof DeleteShareGroupState>
export type DeleteShareGroupStateResponse = ResponseOf<typeof DeleteShareGroupState>
