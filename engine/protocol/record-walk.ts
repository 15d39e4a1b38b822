// A walk over the records of one batch without making anything of them: what has to hold before they may
// enter a log.
//
//  | length | attrs | time delta | offset delta | key length | key | value length | value | headers | ...
//  varint   int8    varlong      varint         -1: null           -1: null               varint
//                                   a header: | key length | key | value length, -1: null | value |
//
// Runs over every record that is produced, so it allocates nothing and keeps nothing. `length` counts the
// bytes after itself. All varints are zig-zag: the lowest bit is the sign.

import { UsualRecords, walkUsualRecords } from './usual-records.ts'
import { readVarint, readVarlong, varintBytes, varlongBytes } from './varint.ts'

export const walkResults = {
  ok: 0,
  /** A record, or its length, reaches beyond the batch. */
  truncated: 1,
  /** Bytes are left after the last record that the header counts. */
  remaining: 2,
  /** The fields of a record do not add up to its length. */
  size: 3,
  /** A negative number of headers, or more of them than bytes. */
  headerCount: 4,
  /** A header without a key. */
  headerKey: 5
} as const

/** What each result means, for log lines and error messages. */
export const walkTexts: readonly string[] = [
  'no error',
  'a record reaches beyond the end of its batch',
  'bytes are left after the last record of the batch',
  'the fields of a record do not add up to its length',
  'a record has an impossible number of headers',
  'a record has a header without a key'
]

/** The rules of one walk, and what it found. Made once, used for batch after batch. */
export class RecordWalk {
  /** Count records without a key (compacted topics). */
  keysNeeded = false
  /** Count records whose time is set (not -1) and lies outside of these bounds. */
  timestampMin = -Infinity
  timestampMax = Infinity

  /** One of walkResults. */
  result = 0
  /** Records that were in order. */
  count = 0
  /** The newest time of all records, at least -1. */
  maxTimestamp = -1
  /** Index in the batch of the first record with that time; -1 when no record has one. */
  maxTimestampIndex = -1
  keysMissing = 0
  /** Records with a bad time; those that already lack a key are not counted again. */
  timestampsOutside = 0
  /** True when the offset deltas are 0, 1, 2 ... as a producer writes them. */
  offsetsInOrder = true

  /** Nothing is found yet; the rules stay. */
  begin (): void {
    this.maxTimestamp = -1
    this.maxTimestampIndex = -1
    this.keysMissing = 0
    this.timestampsOutside = 0
    this.offsetsInOrder = true
  }
}

/** Attributes, time, offset, key, value and headers take a byte each at least. */
const recordBytesMin = 6

function stop (walk: RecordWalk, result: number, count: number): number {
  walk.result = result
  walk.count = count
  return result
}

/** Walks the headers of one record. Returns where they end, or minus the result that was found. */
function walkHeaders (buf: Uint8Array, at: number, end: number): number {
  let left = readVarint(buf, at)
  at += varintBytes(buf, at)
  if (left < 0 || left > end - at) return -walkResults.headerCount
  for (; left > 0; left--) {
    if (at >= end) return -walkResults.size
    const keyBytes = readVarint(buf, at)
    if (keyBytes < 0) return -walkResults.headerKey
    at += varintBytes(buf, at) + keyBytes
    if (at >= end) return -walkResults.size
    const valueBytes = readVarint(buf, at)
    at += varintBytes(buf, at)
    if (valueBytes > 0) at += valueBytes
  }
  return at
}

const usual = new UsualRecords()

/**
 * Walks the `count` records in buf[at .. end), whose times count from `baseTimestamp`. Fills `walk` and
 * returns its result; what it found about times and keys holds only when that is ok.
 */
export function walkRecords (
  buf: Uint8Array, at: number, end: number, count: number, baseTimestamp: number, walk: RecordWalk
): number {
  walk.begin()
  let first = walkUsualRecords(buf, at, end, count, walk.keysNeeded, usual)
  const newest = baseTimestamp + usual.maxDelta / 2
  // Which of them lie outside is for the other walk to count.
  if (baseTimestamp < walk.timestampMin || newest > walk.timestampMax) first = 0
  if (first > 0) {
    at = usual.at
    if (newest > -1) {
      walk.maxTimestamp = newest
      walk.maxTimestampIndex = usual.maxDeltaIndex
    }
  }
  return walkEachRecord(buf, at, end, first, count, baseTimestamp, walk)
}

/**
 * The records from the one of index `index` on, which lies at `at`; `walk` knows those before. Every varint
 * is followed by a check against the record's end, so a varint that is too long, or one that lies, is noticed
 * before the next is read.
 */
export function walkEachRecord (
  buf: Uint8Array, at: number, end: number, index: number, count: number, baseTimestamp: number,
  walk: RecordWalk
): number {
  const { keysNeeded, timestampMin, timestampMax } = walk
  let { maxTimestamp, maxTimestampIndex, keysMissing, timestampsOutside, offsetsInOrder } = walk
  for (; index < count; index++) {
    if (at >= end) return stop(walk, walkResults.truncated, index)
    const bytes = readVarint(buf, at)
    at += varintBytes(buf, at)
    const recordEnd = at + bytes
    if (recordEnd > end) return stop(walk, walkResults.truncated, index)
    if (bytes < recordBytesMin) return stop(walk, walkResults.size, index)
    at++ // attributes: records have none that mean anything

    const timestamp = baseTimestamp + readVarlong(buf, at)
    at += varlongBytes(buf, at)
    if (at >= recordEnd) return stop(walk, walkResults.size, index)
    if (readVarint(buf, at) !== index) offsetsInOrder = false
    at += varintBytes(buf, at)
    if (at >= recordEnd) return stop(walk, walkResults.size, index)

    const keyBytes = readVarint(buf, at)
    at += varintBytes(buf, at)
    if (keyBytes >= 0) at += keyBytes
    if (at >= recordEnd) return stop(walk, walkResults.size, index)
    const valueBytes = readVarint(buf, at)
    at += varintBytes(buf, at)
    if (valueBytes > 0) at += valueBytes
    if (at >= recordEnd) return stop(walk, walkResults.size, index)

    if (buf[at] === 0) at++
    else if ((at = walkHeaders(buf, at, recordEnd)) < 0) return stop(walk, -at, index)
    if (at !== recordEnd) return stop(walk, walkResults.size, index)

    if (timestamp > maxTimestamp) {
      maxTimestamp = timestamp
      maxTimestampIndex = index
    }
    if (keysNeeded && keyBytes < 0) keysMissing++
    else if ((timestamp < timestampMin || timestamp > timestampMax) && timestamp !== -1) timestampsOutside++
  }
  walk.maxTimestamp = maxTimestamp
  walk.maxTimestampIndex = maxTimestampIndex
  walk.keysMissing = keysMissing
  walk.timestampsOutside = timestampsOutside
  walk.offsetsInOrder = offsetsInOrder
  return stop(walk, at === end ? walkResults.ok : walkResults.remaining, count)
}

export interface RecordFault {
  /** Index of the record in its batch. */
  readonly index: number
  readonly kind: 'key' | 'timestamp'
  readonly timestamp: number
}

/**
 * Which records a walk that ended well has counted as bad: the cold second look, with the rules and the place
 * of the walk.
 */
export function listFaults (
  buf: Uint8Array, at: number, baseTimestamp: number, walk: RecordWalk
): RecordFault[] {
  const faults: RecordFault[] = []
  for (let index = 0; index < walk.count; index++) {
    const bytes = readVarint(buf, at)
    at += varintBytes(buf, at)
    const timeAt = at + 1
    const offsetAt = timeAt + varlongBytes(buf, timeAt)
    const keyAt = offsetAt + varintBytes(buf, offsetAt)
    const timestamp = baseTimestamp + readVarlong(buf, timeAt)
    const outside = timestamp !== -1 && (timestamp < walk.timestampMin || timestamp > walk.timestampMax)
    if (walk.keysNeeded && readVarint(buf, keyAt) < 0) faults.push({ index, kind: 'key', timestamp })
    else if (outside) faults.push({ index, kind: 'timestamp', timestamp })
    at += bytes
  }
  return faults
}
