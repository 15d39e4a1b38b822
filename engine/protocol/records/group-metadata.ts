// GroupMetadata, type 2, v0–v4. A classic group with its members, written when a rebalance ends.
//   v1  rebalance timeout      v2  when it entered its state      v3  static members      v4  flexible
import { array, bytes, int32, int64, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

const memberMetadata = {
  memberId: string(),
  groupInstanceId: string().since(3).nullable().orElse(null),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32().since(1).orElse(-1),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes()
}

export const GroupMetadata = recordType('GroupMetadata', {
  type: 2,
  versions: [0, 4],
  flexibleSince: 4,
  key: {
    group: string()
  },
  value: {
    protocolType: string(),
    generation: int32(),
    protocol: string().nullable(),
    leader: string().nullable(),
    currentStateTimestamp: int64().since(2).orElse(-1),
    members: array(memberMetadata)
  }
})

export type GroupMetadataKey = KeyOf<typeof GroupMetadata>
export type GroupMetadataValue = RecordValueOf<typeof GroupMetadata>
