// ShareGroupMemberMetadata, type 10, v0. A member of a share group.
import { array, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ShareGroupMemberMetadata = recordType('ShareGroupMemberMetadata', {
  type: 10,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    memberId: string()
  },
  value: {
    rackId: string().nullable(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string())
  }
})

export type ShareGroupMemberMetadataKey = KeyOf<typeof ShareGroupMemberMetadata>
export type ShareGroupMemberMetadataValue = RecordValueOf<typeof ShareGroupMemberMetadata>
