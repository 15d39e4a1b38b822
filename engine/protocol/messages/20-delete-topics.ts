// DeleteTopics, v1–v6. Deletes topics by name, since v6 by id too.
//   v4  flexible      v5  message      v6  names or ids
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf, uuid } from '../schema.ts'

export const DeleteTopics = api('DeleteTopics', {
  key: 20,
  versions: [1, 6],
  flexibleSince: 4,
  request: {
    topics: array({
      name: string().nullable().orElse(null),
      topicId: uuid()
    }).since(6),
    topicNames: array(string()).until(5),
    timeoutMs: int32()
  },
  response: {
    throttleTimeMs: int32(),
    responses: array({
      name: string().nullable(6),
      topicId: uuid().since(6),
      errorCode: errorCode(),
      errorMessage: string().since(5).nullable().orElse(null)
    })
  }
})

export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>
