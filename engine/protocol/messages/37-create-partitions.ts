// CreatePartitions, v0–v3. Raises the number of partitions of topics.
//   v2  flexible      v3  quota errors
import { api, array, bool, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const CreatePartitions = api('CreatePartitions', {
  key: 37,
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({
        brokerIds: array(int32())
      }).nullable()
    }),
    timeoutMs: int32(),
    validateOnly: bool()
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: errorCode(),
      errorMessage: string().nullable().orElse(null)
    })
  }
})

export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>
