// ConsumerGroupTargetAssignmentMember, type 7, v0. Partitions that a member of a consumer group is to have.
import { array, int32, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ConsumerGroupTargetAssignmentMember = recordType('ConsumerGroupTargetAssignmentMember', {
  type: 7,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    memberId: string()
  },
  value: {
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32())
    })
  }
})

export type ConsumerGroupTargetAssignmentMemberKey =
  KeyOf<typeof ConsumerGroupTargetAssignmentMember>
export type ConsumerGroupTargetAssignmentMemberValue =
  RecordValueOf<typeof ConsumerGroupTargetAssignmentMember>
