// The end of a transaction as it lies in a log: a control batch with one record.
//
//   key    | version int16 | type int16: 0 abort, 1 commit |
//   value  | version int16 | coordinator epoch int32 |
//
// A control batch without records is what compaction leaves of one; other types end no transaction.
import { controlTypes } from './records/control-records.ts'
import { CompressionError } from './compression/index.ts'
import { buildBatch, type DecodedRecord, decodeRecords, RecordError } from './record.ts'
import { readInt16, readInt32, writeInt16, writeInt32 } from './record-batch.ts'

export interface EndMarker {
  readonly commit: boolean
  readonly coordinatorEpoch: number
}

export interface EndMarkerBatch extends EndMarker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly timestamp: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

const keyBytes = 4
const valueBytes = 6

/** `batch` is a whole control batch; null when it ends no transaction, as one of nonsense does not. */
export function readEndMarker (batch: Buffer): EndMarker | null {
  const record = firstRecord(batch)
  if (record?.key == null || record.value == null) return null
  if (record.key.length < keyBytes || record.value.length < valueBytes) return null
  const type = readInt16(record.key, 2)
  if (type !== controlTypes.commit && type !== controlTypes.abort) return null
  return { commit: type === controlTypes.commit, coordinatorEpoch: readInt32(record.value, 2) }
}

function firstRecord (batch: Buffer): DecodedRecord | null {
  try {
    return decodeRecords(batch)[0] ?? null
  } catch (error) {
    if (error instanceof RecordError || error instanceof CompressionError) return null
    throw error
  }
}

export function buildEndMarker (marker: EndMarkerBatch): Buffer {
  const key = Buffer.alloc(keyBytes)
  writeInt16(key, 2, marker.commit ? controlTypes.commit : controlTypes.abort)
  const value = Buffer.alloc(valueBytes)
  writeInt32(value, 2, marker.coordinatorEpoch)
  const { producerId, producerEpoch, baseOffset, partitionLeaderEpoch, timestamp } = marker
  const options = {
    transactional: true, control: true, producerId, producerEpoch, baseOffset, partitionLeaderEpoch
  }
  return buildBatch(options, [{ key, value, timestamp }])
}
