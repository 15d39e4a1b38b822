// StreamsGroupHeartbeat, v0–v1. Membership, topology and task assignment of Kafka Streams groups.
//   v1  asks for a description of the topology; recovery lag renamed
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

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32())
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

const status = {
  statusCode: int8(),
  statusDetail: string()
}

const topicPartition = {
  topic: string(),
  partitions: array(int32())
}

export const StreamsGroupHeartbeat = api('StreamsGroupHeartbeat', {
  key: 88,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: string().nullable().orElse(null),
    rackId: string().nullable().orElse(null),
    rebalanceTimeoutMs: int32().orElse(-1),
    topology: struct({
      epoch: int32(),
      subtopologies: array({
        subtopologyId: string(),
        sourceTopics: array(string()),
        sourceTopicRegex: array(string()),
        stateChangelogTopics: array(topicInfo),
        repartitionSinkTopics: array(string()),
        repartitionSourceTopics: array(topicInfo),
        copartitionGroups: array({
          sourceTopics: array(int16()),
          sourceTopicRegex: array(int16()),
          repartitionSourceTopics: array(int16())
        })
      })
    }).nullable().orElse(null),
    activeTasks: array(taskIds).nullable().orElse(null),
    standbyTasks: array(taskIds).nullable().orElse(null),
    warmupTasks: array(taskIds).nullable().orElse(null),
    processId: string().nullable().orElse(null),
    userEndpoint: struct(endpoint).nullable().orElse(null),
    clientTags: array(keyValue).nullable().orElse(null),
    taskOffsets: array(taskOffset).nullable().orElse(null),
    taskEndOffsets: array(taskOffset).nullable().orElse(null),
    shutdownApplication: bool()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLagLegacy: int32().until(0),
    taskOffsetIntervalMs: int32(),
    acceptableRecoveryLag: int64().since(1).orElse(-1),
    status: array(status).nullable(),
    activeTasks: array(taskIds).nullable().orElse(null),
    standbyTasks: array(taskIds).nullable().orElse(null),
    warmupTasks: array(taskIds).nullable().orElse(null),
    topologyDescriptionRequired: bool().since(1),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: array({
      userEndpoint: struct(endpoint),
      activePartitions: array(topicPartition),
      standbyPartitions: array(topicPartition)
    }).nullable().orElse(null)
  }
})

export type StreamsGroupHeartbeatRequest = RequestOf<typeof StreamsGroupHeartbeat>
export type StreamsGroupHeartbeatResponse = ResponseOf<typeof StreamsGroupHeartbeat>
