// LegacyOffsetCommit, type 0, v0. A committed offset as very old brokers wrote it: only read, never written.
import { int32, int64, int64Saturated, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const LegacyOffsetCommit = recordType('LegacyOffsetCommit', {
  type: 0,
  versions: [0, 0],
  key: {
    group: string(),
    topic: string(),
    partition: int32()
  },
  value: {
    offset: int64Saturated(),
    metadata: string(),
    commitTimestamp: int64()
  }
})

export type LegacyOffsetCommitKey = KeyOf<typeof LegacyOffsetCommit>
export type LegacyOffsetCommitValue = RecordValueOf<typeof LegacyOffsetCommit>
