// FindCoordinator, v0–v6. Which broker keeps a group (key type 0), a transactional id (1), a share partition
// (2).
//   v1  key type, message      v3  flexible      v4  several keys at once
//   v5  other errors (KIP-890)      v6  share partitions as keys
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const FindCoordinator = api('FindCoordinator', {
  key: 10,
  versions: [0, 6],
  flexibleSince: 3,
  request: {
    key: string().until(3),
    keyType: int8().since(1),
    coordinatorKeys: array(string()).since(4)
  },
  response: {
    throttleTimeMs: int32().since(1),
    errorCode: errorCode().until(3),
    errorMessage: string().since(1).until(3).nullable(),
    nodeId: int32().until(3),
    host: string().until(3),
    port: int32().until(3),
    coordinators: array({
      key: string(),
      nodeId: int32(),
      host: string(),
      port: int32(),
      errorCode: errorCode(),
      errorMessage: string().nullable()
    }).since(4)
  }
})

export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>
export type FindCoordinatorResponse = ResponseOf<typeof FindCoordinator>
