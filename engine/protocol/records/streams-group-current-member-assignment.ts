// StreamsGroupCurrentMemberAssignment, type 22, v0. Tasks that a member of a Kafka Streams group has, and
// those it must give up.
import { array, int32, int8, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32()).nullable().tag(0)
}

export const StreamsGroupCurrentMemberAssignment = recordType('StreamsGroupCurrentMemberAssignment', {
  type: 22,
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
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
    activeTasksPendingRevocation: array(taskIds),
    standbyTasksPendingRevocation: array(taskIds),
    warmupTasksPendingRevocation: array(taskIds)
  }
})

export type StreamsGroupCurrentMemberAssignmentKey =
  KeyOf<typeof StreamsGroupCurrentMemberAssignment>
export type StreamsGroupCurrentMemberAssignmentValue =
  RecordValueOf<typeof StreamsGroupCurrentMemberAssignment>
