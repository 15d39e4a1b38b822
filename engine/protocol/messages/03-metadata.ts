// Metadata, v0–v13. Which brokers, topics, partitions and leaders there are. What every client asks first and
// most often.
//   v1  null asks for all topics, controller, racks, internal topics      v2  cluster id
//   v3  throttle time      v4  may create topics      v5  offline replicas      v7  leader epoch
//   v8  permitted operations      v9  flexible      v10 topic ids, without names only from 12
//   v11 the operations on the cluster move to DescribeCluster      v12 asking by id
//   v13 an error for the whole answer
import {
  api, array, bool, errorCode, int32, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const Metadata = api('Metadata', {
  key: 3,
  versions: [0, 13],
  flexibleSince: 9,
  request: {
    topics: array({
      topicId: uuid().since(10),
      name: string().nullable(10)
    }).nullable(1),
    allowAutoTopicCreation: bool().since(4).orElse(true),
    includeClusterAuthorizedOperations: bool().since(8).until(10),
    includeTopicAuthorizedOperations: bool().since(8)
  },
  response: {
    throttleTimeMs: int32().since(3),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().since(1).nullable().orElse(null)
    }),
    clusterId: string().since(2).nullable().orElse(null),
    controllerId: int32().since(1).orElse(-1),
    topics: array({
      errorCode: errorCode(),
      name: string().nullable(12),
      topicId: uuid().since(10),
      isInternal: bool().since(1),
      partitions: array({
        errorCode: errorCode(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().since(7).orElse(-1),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32()).since(5)
      }),
      topicAuthorizedOperations: int32().since(8).orElse(-2147483648)
    }),
    clusterAuthorizedOperations: int32().since(8).until(10).orElse(-2147483648),
    errorCode: errorCode().since(13)
  }
})

export type MetadataRequest = RequestOf<typeof Metadata>
export type MetadataResponse = ResponseOf<typeof Metadata>
