// CreateTopics, v2–v7. Creates topics, or only checks whether it could.
//   v5  flexible; the answer tells partitions, replicas and settings      v6  quota errors
//   v7  topic id in the answer
import {
  api, array, bool, errorCode, int16, int32, int8, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const CreateTopics = api('CreateTopics', {
  key: 19,
  versions: [2, 7],
  flexibleSince: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32())
      }),
      configs: array({
        name: string(),
        value: string().nullable()
      })
    }),
    timeoutMs: int32().orElse(60000),
    validateOnly: bool()
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      topicId: uuid().since(7),
      errorCode: errorCode(),
      errorMessage: string().nullable(),
      topicConfigErrorCode: errorCode().since(5).tag(0),
      numPartitions: int32().since(5).orElse(-1),
      replicationFactor: int16().since(5).orElse(-1),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().orElse(-1),
        isSensitive: bool()
      }).since(5).nullable()
    })
  }
})

export type CreateTopicsRequest = RequestOf<typeof CreateTopics>
export type CreateTopicsResponse = ResponseOf<typeof CreateTopics>
