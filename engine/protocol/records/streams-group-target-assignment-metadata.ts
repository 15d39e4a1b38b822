// StreamsGroupTargetAssignmentMetadata, type 20, v0. Epoch at which the target assignment of a Kafka Streams
// group was made.
import { int32, int64, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const StreamsGroupTargetAssignmentMetadata = recordType('StreamsGroupTargetAssignmentMetadata', {
  type: 20,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64().tag(0)
  }
})

export type StreamsGroupTargetAssignmentMetadataKey =
  KeyOf<typeof StreamsGroupTargetAssignmentMetadata>
export type StreamsGroupTargetAssignmentMetadataValue =
  RecordValueOf<typeof StreamsGroupTargetAssignmentMetadata>
