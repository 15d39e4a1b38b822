// ShareGroupTargetAssignmentMember, type 13, v0. Partitions that a member of a share group is to have.
import { array, int32, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ShareGroupTargetAssignmentMember = recordType('ShareGroupTargetAssignmentMember', {
  type: 13,
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

export type ShareGroupTargetAssignmentMemberKey =
  KeyOf<typeof ShareGroupTargetAssignmentMember>
export type ShareGroupTargetAssignmentMemberValue =
  RecordValueOf<typeof ShareGroupTargetAssignmentMember>
