// ShareGroupMetadata, type 11, v0. Epoch of a share group.
import { int32, int64Bits, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ShareGroupMetadata = recordType('ShareGroupMetadata', {
  type: 11,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string()
  },
  value: {
    epoch: int32(),
    metadataHash: int64Bits()
  }
})

export type ShareGroupMetadataKey = KeyOf<typeof ShareGroupMetadata>
export type ShareGroupMetadataValue = RecordValueOf<typeof ShareGroupMetadata>
