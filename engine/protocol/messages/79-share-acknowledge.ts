// ShareAcknowledge, v1–v2. Acknowledges acquired records without fetching more.
//   v2  renewal of locks
import {
  api, array, bool, errorCode, int32, int64, int8, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'
import { nodeEndpoint } from './shared.ts'

export const ShareAcknowledge = api('ShareAcknowledge', {
  key: 79,
  versions: [1, 2],
  flexibleSince: 0,
  request: {
    groupId: string().nullable().orElse(null),
    memberId: string().nullable(),
    shareSessionEpoch: int32(),
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
    })
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    acquisitionLockTimeoutMs: int32().since(2),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable().orElse(null),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32()
        })
      })
    }),
    nodeEndpoints: array(nodeEndpoint)
  }
})

export type ShareAcknowledgeRequest = RequestOf<typeof ShareAcknowledge>
export type ShareAcknowledgeResponse = ResponseOf<typeof ShareAcknowledge>
