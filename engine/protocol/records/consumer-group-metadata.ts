// ConsumerGroupMetadata, type 3, v0. Epoch of a group of the new consumer protocol. The hash covers what its
// topics look like.
import { int32, int64Bits, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ConsumerGroupMetadata = recordType('ConsumerGroupMetadata', {
  type: 3,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
    epoch: int32(),
    metadataHash: int64Bits().tag(0)
  }
})

export type ConsumerGroupMetadataKey = KeyOf<typeof ConsumerGroupMetadata>
export type ConsumerGroupMetadataValue = RecordValueOf<typeof ConsumerGroupMetadata>
