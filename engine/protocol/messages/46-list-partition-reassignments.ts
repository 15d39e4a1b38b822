// ListPartitionReassignments, v0. Partitions that are being moved.
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const ListPartitionReassignments = api('ListPartitionReassignments', {
  key: 46,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    timeoutMs: int32().orElse(60000),
    topics: array({
      name: string(),
      partitionIndexes: array(int32())
    }).nullable().orElse(null)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32())
      })
    })
  }
})

export type ListPartitionReassignmentsRequest = RequestOf<typeof ListPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseOf<typeof ListPartitionReassignments>
