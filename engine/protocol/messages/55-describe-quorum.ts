// DescribeQuorum, v0–v2. State of the metadata quorum.
//   v1  times of last fetch and catch-up      v2  directories, endpoints, messages
import {
  api, array, errorCode, int32, int64, string, type RequestOf, type ResponseOf, uint16, uuid
} from '../schema.ts'

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid().since(2),
  logEndOffset: int64(),
  lastFetchTimestamp: int64().since(1).orElse(-1),
  lastCaughtUpTimestamp: int64().since(1).orElse(-1)
}

export const DescribeQuorum = api('DescribeQuorum', {
  key: 55,
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32()
      })
    })
  },
  response: {
    errorCode: errorCode(),
    errorMessage: string().since(2).nullable(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        errorMessage: string().since(2).nullable(),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState)
      })
    }),
    nodes: array({
      nodeId: int32(),
      listeners: array({
        name: string(),
        host: string(),
        port: uint16()
      })
    }).since(2)
  }
})

export type DescribeQuorumRequest = RequestOf<typeof DescribeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof DescribeQuorum>
