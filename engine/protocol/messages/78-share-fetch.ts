// ShareFetch, v1–v2. Acquires records for a member of a share group, and acknowledges earlier ones.
//   v2  strict batch limits, renewal of locks
import {
  answeredRecords, api, array, bool, errorCode, int16, int32, int64, int8, string, struct, type RequestOf,
  type ResponseOf, uuid
} from '../schema.ts'
import { nodeEndpoint } from './shared.ts'

export const ShareFetch = api('ShareFetch', {
  key: 78,
  versions: [1, 2],
  flexibleSince: 0,
  request: {
    groupId: string().nullable().orElse(null),
    memberId: string().nullable(),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().orElse(2147483647),
    maxRecords: int32(),
    batchSize: int32(),
    shareAcquireMode: int8().since(2),
    isRenewAck: bool().since(2),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8())
        })
      })
    }),
    forgottenTopicsData: array({
      topicId: uuid(),
      partitions: array(int32())
    })
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    acquisitionLockTimeoutMs: int32(),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string().nullable().orElse(null),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32()
        }),
        records: answeredRecords(),
        acquiredRecords: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryCount: int16()
        })
      })
    }),
    nodeEndpoints: array(nodeEndpoint)
  }
})

export type ShareFetchRequest = RequestOf<typeof ShareFetch>
export type ShareFetchResponse = ResponseOf<typeof ShareFetch>
