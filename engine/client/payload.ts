// How many records a batch holds and how many bytes of keys and values, without an object per record.
import { BatchHeader, readBatchHeader } from '../protocol/record-batch.ts'
import { recordsOf } from '../protocol/record.ts'
import { readVarint, varintBytes, varlongBytes } from '../protocol/varint.ts'

export interface Payload {
  records: number
  bytes: number
}

const header = new BatchHeader()

/** Adds the records from `fromOffset` on to `total`, at most `most` of them; returns how many. */
export function countPayload (batch: Buffer, fromOffset: number, total: Payload, most = Infinity): number {
  readBatchHeader(batch, 0, header)
  const { baseOffset, recordCount } = header
  const records = recordsOf(batch, 0, header)
  let at = 0
  let counted = 0
  for (let index = 0; index < recordCount && counted < most; index++) {
    const end = at + varintBytes(records, at) + readVarint(records, at)
    at += varintBytes(records, at) + 1
    at += varlongBytes(records, at)
    const offset = baseOffset + readVarint(records, at)
    at += varintBytes(records, at)
    if (offset >= fromOffset) {
      const keyBytes = readVarint(records, at)
      at += varintBytes(records, at) + Math.max(0, keyBytes)
      total.bytes += Math.max(0, keyBytes) + Math.max(0, readVarint(records, at))
      counted++
    }
    at = end
  }
  total.records += counted
  return counted
}
