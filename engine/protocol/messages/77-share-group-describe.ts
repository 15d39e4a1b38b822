// ShareGroupDescribe, v1. State, members and assignments of share groups.
import {
  api, array, bool, errorCode, int32, string, struct, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

const topicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32())
}

const assignment = {
  topicPartitions: array(topicPartitions)
}

export const ShareGroupDescribe = api('ShareGroupDescribe', {
  key: 77,
  versions: [1, 1],
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
        rackId: string().nullable().orElse(null),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct(assignment)
      }),
      authorizedOperations: int32().orElse(-2147483648)
    })
  }
})

export type ShareGroupDescribeRequest = RequestOf<typeof ShareGroupDescribe>
export type ShareGroupDescribeResponse = ResponseOf<typeof ShareGroupDescribe>
