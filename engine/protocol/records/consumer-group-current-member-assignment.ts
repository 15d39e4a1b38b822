// ConsumerGroupCurrentMemberAssignment, type 8, v0. Partitions that a member of a consumer group has, and
// those it must give up.
import { array, int32, int8, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: array(int32()).nullable().tag(0)
}

export const ConsumerGroupCurrentMemberAssignment = recordType('ConsumerGroupCurrentMemberAssignment', {
  type: 8,
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
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions)
  }
})

export type ConsumerGroupCurrentMemberAssignmentKey =
  KeyOf<typeof ConsumerGroupCurrentMemberAssignment>
export type ConsumerGroupCurrentMemberAssignmentValue =
  RecordValueOf<typeof ConsumerGroupCurrentMemberAssignment>
