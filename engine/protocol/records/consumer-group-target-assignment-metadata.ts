// ConsumerGroupTargetAssignmentMetadata, type 6, v0. Epoch at which the target assignment of a consumer group
// was made.
import { int32, int64, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ConsumerGroupTargetAssignmentMetadata = recordType('ConsumerGroupTargetAssignmentMetadata', {
  type: 6,
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

export type ConsumerGroupTargetAssignmentMetadataKey =
  KeyOf<typeof ConsumerGroupTargetAssignmentMetadata>
export type ConsumerGroupTargetAssignmentMetadataValue =
  RecordValueOf<typeof ConsumerGroupTargetAssignmentMetadata>
