// ConsumerGroupHeartbeat, v0–v1. The whole of the new consumer protocol: joins, keeps alive, reports,
// assigns, leaves.
//   v1  subscription by regular expression; ids made by the member
import {
  api, array, errorCode, int32, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32())
}

export const ConsumerGroupHeartbeat = api('ConsumerGroupHeartbeat', {
  key: 68,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string().nullable().orElse(null),
    rackId: string().nullable().orElse(null),
    rebalanceTimeoutMs: int32().orElse(-1),
    subscribedTopicNames: array(string()).nullable().orElse(null),
    subscribedTopicRegex: string().since(1).nullable().orElse(null),
    serverAssignor: string().nullable().orElse(null),
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32())
    }).nullable().orElse(null)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    memberId: string().nullable().orElse(null),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({
      topicPartitions: array(topicPartitions)
    }).nullable().orElse(null)
  }
})

export type ConsumerGroupHeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>
export type ConsumerGroupHeartbeatResponse = ResponseOf<typeof ConsumerGroupHeartbeat>
