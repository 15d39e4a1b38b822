// ShareSnapshot, type 0, v0. The whole state of a share partition. Deliveries are kept per range of offsets.
import { array, int16, int32, int64, int8, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ShareSnapshot = recordType('ShareSnapshot', {
  type: 0,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    topicId: uuid(),
    partition: int32()
  },
  value: {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32().tag(0).orElse(-1),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16()
    })
  }
})

export type ShareSnapshotKey = KeyOf<typeof ShareSnapshot>
export type ShareSnapshotValue = RecordValueOf<typeof ShareSnapshot>
