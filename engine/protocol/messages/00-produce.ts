// Produce, v3–v13. Appends record batches. Versions 0-2 are gone but listed, or librdkafka would send without
// compression.
//   v5  log start offset in the answer      v8  which records were refused, and why      v9  flexible
//   v10 the answer names the leader when it moved
//   v11 same bytes, other errors (transactions of KIP-890)
//   v12 may add partitions to a transaction by itself      v13 topic ids instead of names
import {
  api, array, errorCode, int16, int32, int64, records, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'
import { leaderIdAndEpoch, nodeEndpoint } from './shared.ts'

export const Produce = api('Produce', {
  key: 0,
  versions: [3, 13],
  flexibleSince: 9,
  request: {
    transactionalId: string().nullable().orElse(null),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string().until(12),
      topicId: uuid().since(13),
      partitionData: array({
        index: int32(),
        records: records().nullable().orElse(null)
      })
    })
  },
  response: {
    responses: array({
      name: string().until(12),
      topicId: uuid().since(13),
      partitionResponses: array({
        index: int32(),
        errorCode: errorCode(),
        baseOffset: int64(),
        logAppendTimeMs: int64().orElse(-1),
        logStartOffset: int64().since(5).orElse(-1),
        recordErrors: array({
          batchIndex: int32(),
          batchIndexErrorMessage: string().nullable().orElse(null)
        }).since(8),
        errorMessage: string().since(8).nullable().orElse(null),
        currentLeader: struct(leaderIdAndEpoch).since(10).tag(0)
      })
    }),
    throttleTimeMs: int32(),
    nodeEndpoints: array(nodeEndpoint).since(10).tag(0)
  }
})

export type ProduceRequest = RequestOf<typeof Produce>
export type ProduceResponse = ResponseOf<typeof Produce>
