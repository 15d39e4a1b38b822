// Names the records of a refused batch, one by one. Only called when there is something to name: the walk
// that admits batches counts and goes on.
import { type BatchHeader, noTimestamp } from '../protocol/record-batch.ts'
import { type RecordWalk } from '../protocol/record-walk.ts'
import { readVarint, readVarlong, varintBytes, varlongBytes } from '../protocol/varint.ts'
import { type AppendResult } from './types.ts'

type RecordError = AppendResult['recordErrors'][number]

/** Kafka names all; ten thousand one-byte records must not become megabytes of answer. */
const errorsMax = 1000

export interface FoundErrors {
  errors: RecordError[]
  /** True when a time is among what is wrong. */
  timestamps: boolean
}

/**
 * `bytes` holds the plain records from `at` on; they have passed the walk. `timesFit` speaks of a batch
 * with one time for all.
 */
export function recordErrorsOf (
  bytes: Buffer, at: number, header: BatchHeader, walk: RecordWalk, timesFit: boolean, nowMs: number
): FoundErrors {
  const found: FoundErrors = { errors: [], timestamps: false }
  for (let index = 0; index < header.recordCount && found.errors.length < errorsMax; index++) {
    const bodyAt = at + varintBytes(bytes, at)
    const next = bodyAt + readVarint(bytes, at)
    const timeAt = bodyAt + 1
    const offsetAt = timeAt + varlongBytes(bytes, timeAt)
    const keyAt = offsetAt + varintBytes(bytes, offsetAt)
    const timestampMs = header.baseTimestamp + readVarlong(bytes, timeAt)
    if (walk.keysNeeded && readVarint(bytes, keyAt) < 0) {
      found.errors.push({ batchIndex: index, message: 'A compacted topic takes no record without a key' })
    } else if (header.logAppendTime ? !timesFit : timeIsOutside(timestampMs, walk)) {
      found.timestamps = true
      found.errors.push({ batchIndex: index, message: timeMessage(header, timestampMs, nowMs) })
    }
    at = next
  }
  return found
}

function timeIsOutside (timestampMs: number, walk: RecordWalk): boolean {
  return timestampMs !== noTimestamp && (timestampMs < walk.timestampMin || timestampMs > walk.timestampMax)
}

function timeMessage (header: BatchHeader, timestampMs: number, nowMs: number): string {
  return header.logAppendTime
    ? 'The batch says that its time was set by the broker; producers may not say that'
    : `The time ${timestampMs} is too far from the broker's ${nowMs}`
}
