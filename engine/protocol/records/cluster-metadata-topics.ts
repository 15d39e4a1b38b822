// Records of the cluster's metadata log about topics, their partitions and settings.
import { framedRecord } from './framed-record.ts'
import { array, int32, int8, string, uuid } from '../schema.ts'

export const TopicRecord = framedRecord('TopicRecord', {
  type: 2,
  versions: [0, 0],
  fields: {
    name: string(),
    topicId: uuid()
  }
})

export const RemoveTopicRecord = framedRecord('RemoveTopicRecord', {
  type: 9,
  versions: [0, 0],
  fields: {
    topicId: uuid()
  }
})

export const PartitionRecord = framedRecord('PartitionRecord', {
  type: 3,
  versions: [0, 2],
  fields: {
    partitionId: int32().orElse(-1),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32().orElse(-1),
    leaderRecoveryState: int8().tag(0),
    leaderEpoch: int32().orElse(-1),
    partitionEpoch: int32().orElse(-1),
    directories: array(uuid()).since(1),
    eligibleLeaderReplicas: array(int32()).since(2).nullable().tag(1).orElse(null),
    lastKnownElr: array(int32()).since(2).nullable().tag(2).orElse(null)
  }
})

export const PartitionChangeRecord = framedRecord('PartitionChangeRecord', {
  type: 5,
  versions: [0, 2],
  fields: {
    partitionId: int32().orElse(-1),
    topicId: uuid(),
    isr: array(int32()).nullable().tag(0).orElse(null),
    leader: int32().tag(1).orElse(-2),
    replicas: array(int32()).nullable().tag(2).orElse(null),
    removingReplicas: array(int32()).nullable().tag(3).orElse(null),
    addingReplicas: array(int32()).nullable().tag(4).orElse(null),
    leaderRecoveryState: int8().tag(5).orElse(-1),
    directories: array(uuid()).since(1).nullable().tag(8).orElse(null),
    eligibleLeaderReplicas: array(int32()).since(2).nullable().tag(6).orElse(null),
    lastKnownElr: array(int32()).since(2).nullable().tag(7).orElse(null)
  }
})

export const ClearElrRecord = framedRecord('ClearElrRecord', {
  type: 28,
  versions: [0, 0],
  fields: {
    topicName: string()
  }
})

export const ConfigRecord = framedRecord('ConfigRecord', {
  type: 4,
  versions: [0, 0],
  fields: {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string().nullable()
  }
})
