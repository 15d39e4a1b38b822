// OffsetCommit, type 1, v0–v4. A committed offset. Without a value: forgotten.
//   v1  time after which it expires      v2  without that again      v3  leader epoch
//   v4  flexible; topic id
import { int32, int64, int64Saturated, string, uuid } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const OffsetCommit = recordType('OffsetCommit', {
  type: 1,
  versions: [0, 4],
  flexibleSince: 4,
  key: {
    group: string(),
    topic: string(),
    partition: int32()
  },
  value: {
    offset: int64Saturated(),
    leaderEpoch: int32().since(3).orElse(-1),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64Saturated().since(1).until(1).orElse(-1),
    topicId: uuid().since(4).tag(0)
  }
})

export type OffsetCommitKey = KeyOf<typeof OffsetCommit>
export type OffsetCommitValue = RecordValueOf<typeof OffsetCommit>
