// StreamsGroupTopology, type 23, v0. Topology of a Kafka Streams group.
import { array, int16, int32, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const topicConfig = {
  key: string(),
  value: string()
}

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(topicConfig)
}

export const StreamsGroupTopology = recordType('StreamsGroupTopology', {
  type: 23,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
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
  }
})

export type StreamsGroupTopologyKey = KeyOf<typeof StreamsGroupTopology>
export type StreamsGroupTopologyValue = RecordValueOf<typeof StreamsGroupTopology>
