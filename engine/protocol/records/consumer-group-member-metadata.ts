// ConsumerGroupMemberMetadata, type 5, v0. A member of a group of the new consumer protocol. Classic members
// carry what they said when joining.
import { array, bytes, int32, string, struct } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ConsumerGroupMemberMetadata = recordType('ConsumerGroupMemberMetadata', {
  type: 5,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    memberId: string()
  },
  value: {
    instanceId: string().nullable(),
    rackId: string().nullable(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string().nullable(),
    rebalanceTimeoutMs: int32().orElse(-1),
    serverAssignor: string().nullable(),
    classicMemberMetadata: struct({
      sessionTimeoutMs: int32(),
      supportedProtocols: array({
        name: string(),
        metadata: bytes()
      })
    }).nullable().tag(0)
  }
})

export type ConsumerGroupMemberMetadataKey = KeyOf<typeof ConsumerGroupMemberMetadata>
export type ConsumerGroupMemberMetadataValue = RecordValueOf<typeof ConsumerGroupMemberMetadata>
