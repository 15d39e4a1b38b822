// Fetch, v4–v18. Reads record batches, for consumers and followers. The records of an answer go out as
// pieces.
//   v5  log start offset      v7  fetch sessions      v9  leader epoch      v10 zstd allowed
//   v11 rack of the reader and a nearer replica
//   v12 flexible; last fetched epoch and where histories diverge      v13 topic ids instead of names
//   v15 follower id and epoch in a tagged struct      v16 endpoints of new leaders
//   v17 directory id of the follower      v18 high watermark of the follower
import {
  answeredRecords, api, array, errorCode, int32, int64, int64Max, int64Saturated, int8, string, struct,
  type RequestOf, type ResponseOf, uuid
} from '../schema.ts'
import { leaderIdAndEpoch, nodeEndpoint } from './shared.ts'

export const Fetch = api('Fetch', {
  key: 1,
  versions: [4, 18],
  flexibleSince: 12,
  request: {
    clusterId: string().since(12).nullable().tag(0).orElse(null),
    replicaId: int32().until(14).orElse(-1),
    replicaState: struct({
      replicaId: int32().orElse(-1),
      replicaEpoch: int64().orElse(-1)
    }).since(15).tag(1),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().orElse(2147483647),
    isolationLevel: int8(),
    sessionId: int32().since(7),
    sessionEpoch: int32().since(7).orElse(-1),
    topics: array({
      topic: string().until(12),
      topicId: uuid().since(13),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().since(9).orElse(-1),
        fetchOffset: int64Saturated(),
        lastFetchedEpoch: int32().since(12).orElse(-1),
        logStartOffset: int64().since(5).orElse(-1),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid().since(17).tag(0),
        highWatermark: int64Saturated().since(18).tag(1).orElse(int64Max)
      })
    }),
    forgottenTopicsData: array({
      topic: string().until(12),
      topicId: uuid().since(13),
      partitions: array(int32())
    }).since(7),
    rackId: string().since(11)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode().since(7),
    sessionId: int32().since(7),
    responses: array({
      topic: string().until(12),
      topicId: uuid().since(13),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        highWatermark: int64(),
        lastStableOffset: int64().orElse(-1),
        logStartOffset: int64().since(5).orElse(-1),
        divergingEpoch: struct({
          epoch: int32().orElse(-1),
          endOffset: int64().orElse(-1)
        }).since(12).tag(0),
        currentLeader: struct(leaderIdAndEpoch).since(12).tag(1),
        snapshotId: struct({
          endOffset: int64().orElse(-1),
          epoch: int32().orElse(-1)
        }).since(12).tag(2),
        abortedTransactions: array({
          producerId: int64(),
          firstOffset: int64()
        }).nullable(),
        preferredReadReplica: int32().since(11).orElse(-1),
        records: answeredRecords().nullable().orElse(null)
      })
    }),
    nodeEndpoints: array(nodeEndpoint).since(16).tag(0)
  }
})

export type FetchRequest = RequestOf<typeof Fetch>
export type FetchResponse = ResponseOf<typeof Fetch>
