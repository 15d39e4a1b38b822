// StreamsGroupMemberMetadata, type 19, v0. A member of a Kafka Streams group.
import { array, int32, string, struct, uint16 } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const endpoint = {
  host: string(),
  port: uint16()
}

const keyValue = {
  key: string(),
  value: string()
}

export const StreamsGroupMemberMetadata = recordType('StreamsGroupMemberMetadata', {
  type: 19,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    memberId: string()
  },
  value: {
    instanceId: string().nullable(),
    rackId: string().nullable(),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32().orElse(-1),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct(endpoint).nullable().orElse(null),
    clientTags: array(keyValue)
  }
})

export type StreamsGroupMemberMetadataKey = KeyOf<typeof StreamsGroupMemberMetadata>
export type StreamsGroupMemberMetadataValue = RecordValueOf<typeof StreamsGroupMemberMetadata>
