// AlterPartitionReassignments, v0–v1. Moves partitions to other brokers, or cancels that.
//   v1  may forbid a change of the replication factor
import { api, array, bool, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const AlterPartitionReassignments = api('AlterPartitionReassignments', {
  key: 45,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    timeoutMs: int32().orElse(60000),
    allowReplicationFactorChange: bool().since(1).orElse(true),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()).nullable().orElse(null)
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool().since(1).orElse(true),
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable()
      })
    })
  }
})

export type AlterPartitionReassignmentsRequest = RequestOf<typeof AlterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof AlterPartitionReassignments>
