// ShareGroupCurrentMemberAssignment, type 14, v0. Partitions that a member of a share group has.
import { array, int32, int8, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32())
}

export const ShareGroupCurrentMemberAssignment = recordType('ShareGroupCurrentMemberAssignment', {
  type: 14,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    memberId: string()
  },
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions)
  }
})

export type ShareGroupCurrentMemberAssignmentKey =
  KeyOf<typeof ShareGroupCurrentMemberAssignment>
export type ShareGroupCurrentMemberAssignmentValue =
  RecordValueOf<typeof ShareGroupCurrentMemberAssignment>
