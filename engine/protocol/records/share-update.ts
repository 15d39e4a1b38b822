// ShareUpdate, type 1, v0. A change to the state of a share partition since its last snapshot.
import { array, int16, int32, int64, int8, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ShareUpdate = recordType('ShareUpdate', {
  type: 1,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    topicId: uuid(),
    partition: int32()
  },
  value: {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32().tag(0).orElse(-1),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16()
    })
  }
})

export type ShareUpdateKey = KeyOf<typeof ShareUpdate>
export type ShareUpdateValue = RecordValueOf<typeof ShareUpdate>
