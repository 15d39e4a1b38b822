// ShareGroupTargetAssignmentMetadata, type 12, v0. Epoch at which the target assignment of a share group was
// made.
import { int32, int64, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ShareGroupTargetAssignmentMetadata = recordType('ShareGroupTargetAssignmentMetadata', {
  type: 12,
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

export type ShareGroupTargetAssignmentMetadataKey =
  KeyOf<typeof ShareGroupTargetAssignmentMetadata>
export type ShareGroupTargetAssignmentMetadataValue =
  RecordValueOf<typeof ShareGroupTargetAssignmentMetadata>
