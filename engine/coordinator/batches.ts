// Records of a coordinator as record batches of its topic, both ways.
import { codecIds, isCodecId } from '../protocol/compression/index.ts'
import { buildBatch, decodeRecords } from '../protocol/record.ts'
import { eachBatch, readBatchHeader } from '../protocol/record-batch.ts'
import { type CoordinatorRecord } from './machine.ts'

export function encodeBatch (
  records: readonly CoordinatorRecord[], timestamp: number, codec: number
): Buffer {
  const compression = isCodecId(codec) ? codec : codecIds.none
  return buildBatch({ compression }, records.map(({ key, value }) => ({ key, value, timestamp })))
}

/** Calls back with each record from `offset` on; returns the offset behind the last whole batch. */
export function eachRecord (
  bytes: Buffer, offset: number, seen: (record: CoordinatorRecord) => void
): number {
  let next = offset
  eachBatch(bytes, 0, bytes.length, at => {
    const header = readBatchHeader(bytes, at)
    next = header.baseOffset + header.lastOffsetDelta + 1
    if (header.control) return // the end of a transaction is no state of ours
    for (const record of decodeRecords(bytes, at)) {
      if (record.offset >= offset && record.key !== null) seen({ key: record.key, value: record.value })
    }
  })
  return next
}
