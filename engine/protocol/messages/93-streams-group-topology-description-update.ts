// StreamsGroupTopologyDescriptionUpdate, v0. A Kafka Streams member hands in the description of its topology.
import {
  api, array, errorCode, int32, int8, string, struct, type RequestOf, type ResponseOf
} from '../schema.ts'

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

export const StreamsGroupTopologyDescriptionUpdate = api('StreamsGroupTopologyDescriptionUpdate', {
  key: 93,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    topologyEpoch: int32(),
    topologyDescription: struct(topologyDescription)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null)
  }
})

export type StreamsGroupTopologyDescriptionUpdateRequest =
  RequestOf<typeof StreamsGroupTopologyDescriptionUpdate>
export type StreamsGroupTopologyDescriptionUpdateResponse =
  ResponseOf<typeof StreamsGroupTopologyDescriptionUpdate>
