// StreamsGroupMetadata, type 17, v0. Epoch of a Kafka Streams group, with what its last assignment was made
// from.
import { array, int32, int64Bits, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const lastAssignmentConfig = {
  key: string(),
  value: string()
}

export const StreamsGroupMetadata = recordType('StreamsGroupMetadata', {
  type: 17,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
    epoch: int32(),
    metadataHash: int64Bits(),
    validatedTopologyEpoch: int32().tag(0).orElse(-1),
    lastAssignmentConfigs: array(lastAssignmentConfig).nullable().tag(1),
    storedDescriptionTopologyEpoch: int32().tag(2).orElse(-1),
    failedDescriptionTopologyEpoch: int32().tag(3).orElse(-1)
  }
})

export type StreamsGroupMetadataKey = KeyOf<typeof StreamsGroupMetadata>
export type StreamsGroupMetadataValue = RecordValueOf<typeof StreamsGroupMetadata>
