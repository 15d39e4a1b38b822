// DescribeTopicPartitions, v0. Topics and partitions in pages, with the replicas eligible as leaders.
import {
  api, array, bool, errorCode, int32, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const DescribeTopicPartitions = api('DescribeTopicPartitions', {
  key: 75,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    topics: array({
      name: string()
    }),
    responsePartitionLimit: int32().orElse(2000),
    cursor: struct({
      topicName: string(),
      partitionIndex: int32()
    }).nullable().orElse(null)
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      errorCode: errorCode(),
      name: string().nullable(),
      topicId: uuid(),
      isInternal: bool(),
      partitions: array({
        errorCode: errorCode(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().orElse(-1),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32()).nullable().orElse(null),
        lastKnownElr: array(int32()).nullable().orElse(null),
        offlineReplicas: array(int32())
      }),
      topicAuthorizedOperations: int32().orElse(-2147483648)
    }),
    nextCursor: struct({
      topicName: string(),
      partitionIndex: int32()
    }).nullable().orElse(null)
  }
})

export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>
