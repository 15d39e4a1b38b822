// StreamsGroupDescribe, v0–v1. State, topology, members and tasks of Kafka Streams groups.
//   v1  description of the topology, assignor
import {
  api, array, bool, errorCode, int16, int32, int64, int8, string, struct, type RequestOf, type ResponseOf,
  uint16
} from '../schema.ts'

const keyValue = {
  key: string(),
  value: string()
}

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(keyValue)
}

const endpoint = {
  host: string(),
  port: uint16()
}

const taskOffset = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64()
}

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32())
}

const assignment = {
  activeTasks: array(taskIds),
  standbyTasks: array(taskIds),
  warmupTasks: array(taskIds)
}

const topologyDescriptionNode = {
  name: string(),
  nodeType: int8(),
  sourceTopics: array(string()),
  sinkTopic: string().nullable().orElse(null),
  stores: array(string()),
  successors: array(string())
}

const topologyDescriptionSubtopology = {
  subtopologyId: string(),
  nodes: array(topologyDescriptionNode)
}

const topologyDescriptionGlobalStore = {
  source: struct(topologyDescriptionNode),
  processor: struct(topologyDescriptionNode)
}

const topologyDescription = {
  subtopologies: array(topologyDescriptionSubtopology),
  globalStores: array(topologyDescriptionGlobalStore)
}

export const StreamsGroupDescribe = api('StreamsGroupDescribe', {
  key: 89,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
    includeTopologyDescription: bool().since(1)
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
      topology: struct({
        epoch: int32(),
        subtopologies: array({
          subtopologyId: string(),
          sourceTopics: array(string()),
          repartitionSinkTopics: array(string()),
          stateChangelogTopics: array(topicInfo),
          repartitionSourceTopics: array(topicInfo)
        }).nullable().orElse(null)
      }).nullable().orElse(null),
      members: array({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: string().nullable().orElse(null),
        rackId: string().nullable().orElse(null),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        processId: string(),
        userEndpoint: struct(endpoint).nullable().orElse(null),
        clientTags: array(keyValue),
        taskOffsets: array(taskOffset),
        taskEndOffsets: array(taskOffset),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        isClassic: bool()
      }),
      authorizedOperations: int32().orElse(-2147483648),
      topologyDescription: struct(topologyDescription).since(1).nullable().orElse(null),
      topologyDescriptionStatus: int8().since(1),
      assignorName: string().since(1).nullable().orElse(null)
    })
  }
})

export type StreamsGroupDescribeRequest = RequestOf<typeof StreamsGroupDescribe>
export type StreamsGroupDescribeResponse = ResponseOf<typeof StreamsGroupDescribe>
