// StreamsGroupTargetAssignmentMember, type 21, v0. Tasks that a member of a Kafka Streams group is to have.
import { array, int32, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32())
}

export const StreamsGroupTargetAssignmentMember = recordType('StreamsGroupTargetAssignmentMember', {
  type: 21,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    memberId: string()
  },
  value: {
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds)
  }
})

export type StreamsGroupTargetAssignmentMemberKey =
  KeyOf<typeof StreamsGroupTargetAssignmentMember>
export type StreamsGroupTargetAssignmentMemberValue =
  RecordValueOf<typeof StreamsGroupTargetAssignmentMember>
