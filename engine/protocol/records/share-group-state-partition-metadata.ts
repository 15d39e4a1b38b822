// ShareGroupStatePartitionMetadata, type 15, v0. Share partitions whose state is being started, is started,
// is being deleted.
import { array, int32, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const topicPartitionsInfo = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32())
}

const topicInfo = {
  topicId: uuid(),
  topicName: string()
}

export const ShareGroupStatePartitionMetadata = recordType('ShareGroupStatePartitionMetadata', {
  type: 15,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo)
  }
})

export type ShareGroupStatePartitionMetadataKey =
  KeyOf<typeof ShareGroupStatePartitionMetadata>
export type ShareGroupStatePartitionMetadataValue =
  RecordValueOf<typeof ShareGroupStatePartitionMetadata>
