// AlterReplicaLogDirs, v1–v2. Moves replicas between the log directories of a broker.
//   v2  flexible
import { api, array, errorCode, int32, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const AlterReplicaLogDirs = api('AlterReplicaLogDirs', {
  key: 34,
  versions: [1, 2],
  flexibleSince: 2,
  request: {
    dirs: array({
      path: string(),
      topics: array({
        name: string(),
        partitions: array(int32())
      })
    })
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode()
      })
    })
  }
})

export type AlterReplicaLogDirsRequest = RequestOf<typeof AlterReplicaLogDirs>
export type AlterReplicaLogDirsResponse = ResponseOf<typeof AlterReplicaLogDirs>
