// ShareGroupHeartbeat, v1. Membership of share groups, as ConsumerGroupHeartbeat.
import {
  api, array, errorCode, int32, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32())
}

export const ShareGroupHeartbeat = api('ShareGroupHeartbeat', {
  key: 76,
  versions: [1, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string().nullable().orElse(null),
    subscribedTopicNames: array(string()).nullable().orElse(null)
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

export type ShareGroupHeartbeatRequest = RequestOf<typeof ShareGroupHeartbeat>
export type ShareGroupHeartbeatResponse = ResponseOf<typeof ShareGroupHeartbeat>
