// ConsumerGroupPartitionMetadata, type 4, v0. Topics and partition counts a group was last assigned by;
// replaced by the hash, only deleted nowadays.
import { array, int32, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ConsumerGroupPartitionMetadata = recordType('ConsumerGroupPartitionMetadata', {
  type: 4,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({
        partition: int32(),
        racks: array(string())
      })
    })
  }
})

export type ConsumerGroupPartitionMetadataKey = KeyOf<typeof ConsumerGroupPartitionMetadata>
export type ConsumerGroupPartitionMetadataValue = RecordValueOf<typeof ConsumerGroupPartitionMetadata>
