// ConsumerGroupDescribe, v0–v1. State, members and assignments of groups of the new consumer protocol.
//   v1  type of each member
import {
  api, array, bool, errorCode, int32, int8, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

const topicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32())
}

const assignment = {
  topicPartitions: array(topicPartitions)
}

export const ConsumerGroupDescribe = api('ConsumerGroupDescribe', {
  key: 69,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool()
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: errorCode(),
      errorMessage: string().nullable().orElse(null),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string().nullable().orElse(null),
        rackId: string().nullable().orElse(null),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string().nullable().orElse(null),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8().since(1).orElse(-1)
      }),
      authorizedOperations: int32().orElse(-2147483648)
    })
  }
})

export type ConsumerGroupDescribeRequest = RequestOf<typeof ConsumerGroupDescribe>
export type ConsumerGroupDescribeResponse = ResponseOf<typeof ConsumerGroupDescribe>
