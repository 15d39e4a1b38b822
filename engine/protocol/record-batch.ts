// Record batches (magic 2) as they travel and lie in segments: read, checked and patched in place, never
// decoded.
//
//  0            8        12      16      17    21      23           27          35
//  | baseOffset | length | epoch | magic | crc | attrs | last delta | base time | max time ...
//  int64        int32    int32   int8    u32   int16   int32        int64       int64
//
//  43            51       53        57      61
//  | producer id | pepoch | base seq | count | records, compressed as one when attrs say so
//  int64         int16    int32      int32
//
// `length` counts from byte 12. The CRC-32C covers everything from attrs to the end: base offset and leader
// epoch may be set without computing it anew.

import { crc32c } from '../base/crc32c.ts'

export { RecordWalk, listFaults, walkRecords, walkResults, walkTexts } from './record-walk.ts'

/** Where each field of the header starts. */
export const batchHeader = {
  baseOffset: 0,
  length: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57
} as const

/** Bytes before the first record. */
export const batchHeaderBytes = 61
/** Base offset and length: what `length` does not count. */
export const batchOverheadBytes = 12
/** Up to and with the magic byte: what has to be there to know what follows. */
export const batchMagicEnd = 17
/** The smallest `length` that any message format ever had; less cannot be a batch. */
const lengthMin = 14
export const currentMagic = 2

export const batchAttributes = {
  /** Bits of the codec's number: see compression/. */
  codec: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  /** Base time is when tombstones and markers may go, set by compaction. */
  deleteHorizon: 0x40,
  /** All bits with a meaning; a batch that is stamped anew loses the others. */
  known: 0x7f
} as const

export const noTimestamp = -1
export const noProducerId = -1
export const noSequence = -1

export function readInt16 (buf: Uint8Array, at: number): number {
  return (buf[at] << 24 | buf[at + 1] << 16) >> 16
}

export function readInt32 (buf: Uint8Array, at: number): number {
  return buf[at] << 24 | buf[at + 1] << 16 | buf[at + 2] << 8 | buf[at + 3]
}

export function readUint32 (buf: Uint8Array, at: number): number {
  return readInt32(buf, at) >>> 0
}

/** Exact up to 2^53; beyond it the nearest number (see BatchHeader.exact). */
export function readInt64 (buf: Uint8Array, at: number): number {
  return readInt32(buf, at) * 4294967296 + readUint32(buf, at + 4)
}

export function writeInt16 (buf: Uint8Array, at: number, value: number): void {
  buf[at] = value >> 8
  buf[at + 1] = value
}

export function writeInt32 (buf: Uint8Array, at: number, value: number): void {
  buf[at] = value >> 24
  buf[at + 1] = value >> 16
  buf[at + 2] = value >> 8
  buf[at + 3] = value
}

export function writeInt64 (buf: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 4294967296)
  writeInt32(buf, at, high)
  writeInt32(buf, at + 4, value - high * 4294967296)
}

/** The fields of one header, filled again and again by readBatchHeader(). */
export class BatchHeader {
  baseOffset = 0
  /** Of the whole batch, header and all: `length` + 12. */
  bytes = 0
  partitionLeaderEpoch = 0
  magic = 0
  crc = 0
  attributes = 0
  lastOffsetDelta = 0
  baseTimestamp = 0
  maxTimestamp = 0
  producerId = 0
  producerEpoch = 0
  baseSequence = 0
  recordCount = 0

  get lastOffset (): number { return this.baseOffset + this.lastOffsetDelta }
  get codec (): number { return this.attributes & batchAttributes.codec }
  get logAppendTime (): boolean { return (this.attributes & batchAttributes.logAppendTime) !== 0 }
  get transactional (): boolean { return (this.attributes & batchAttributes.transactional) !== 0 }
  get control (): boolean { return (this.attributes & batchAttributes.control) !== 0 }
  get deleteHorizon (): boolean { return (this.attributes & batchAttributes.deleteHorizon) !== 0 }
  get hasProducerId (): boolean { return this.producerId > noProducerId }
  /** Of the last record; 0 follows 2^31 - 1. */
  get lastSequence (): number {
    if (this.baseSequence === noSequence) return noSequence
    return addSequence(this.baseSequence, this.lastOffsetDelta)
  }

  /** False when a number in the header is too large for us to hold: such a batch must be refused. */
  get exact (): boolean {
    return Number.isSafeInteger(this.baseOffset) && Number.isSafeInteger(this.baseTimestamp) &&
      Number.isSafeInteger(this.maxTimestamp) && Number.isSafeInteger(this.producerId)
  }
}

/** Sequences run from 0 to 2^31 - 1 and start over. */
export function addSequence (sequence: number, count: number): number {
  const sum = sequence + count
  return sum > 0x7fffffff ? sum - 0x80000000 : sum
}

/** Reads the 61 bytes at `at`; they must be there (see scanBatch). */
export function readBatchHeader (
  buf: Uint8Array, at: number, target: BatchHeader = new BatchHeader()
): BatchHeader {
  target.baseOffset = readInt64(buf, at)
  target.bytes = readInt32(buf, at + batchHeader.length) + batchOverheadBytes
  target.partitionLeaderEpoch = readInt32(buf, at + batchHeader.partitionLeaderEpoch)
  target.magic = buf[at + batchHeader.magic] << 24 >> 24
  target.crc = readUint32(buf, at + batchHeader.crc)
  target.attributes = readInt16(buf, at + batchHeader.attributes)
  target.lastOffsetDelta = readInt32(buf, at + batchHeader.lastOffsetDelta)
  target.baseTimestamp = readInt64(buf, at + batchHeader.baseTimestamp)
  target.maxTimestamp = readInt64(buf, at + batchHeader.maxTimestamp)
  target.producerId = readInt64(buf, at + batchHeader.producerId)
  target.producerEpoch = readInt16(buf, at + batchHeader.producerEpoch)
  target.baseSequence = readInt32(buf, at + batchHeader.baseSequence)
  target.recordCount = readInt32(buf, at + batchHeader.recordCount)
  return target
}

/** What scanBatch answers when no whole batch starts there. */
export const scan = {
  /** Fewer bytes than the header announces, or not even enough to know: a torn or cut tail. */
  partial: 0,
  /** The length is less than any batch has. */
  badLength: -1,
  /** No message format has that number. */
  badMagic: -2
} as const

/**
 * Bytes of the batch (or old message) at `at` when all of it lies before `end`, else one of `scan`. A batch
 * of the current magic may still be shorter than its header: verifyCrc() says so.
 */
export function scanBatch (buf: Uint8Array, at: number, end: number): number {
  const left = end - at
  if (left < batchOverheadBytes) return scan.partial
  const length = readInt32(buf, at + batchHeader.length)
  if (length < lengthMin) return scan.badLength
  if (left < batchMagicEnd) return scan.partial
  if (buf[at + batchHeader.magic] > currentMagic) return scan.badMagic
  const bytes = length + batchOverheadBytes
  return bytes <= left ? bytes : scan.partial
}

/** Bytes of the batch at `at`, as its header says. */
export function batchBytes (buf: Uint8Array, at: number): number {
  return readInt32(buf, at + batchHeader.length) + batchOverheadBytes
}

/**
 * Calls back with the start and the size of each whole batch; returns where the first one that is not whole
 * starts.
 */
export function eachBatch (
  buf: Uint8Array, at: number, end: number, seen: (at: number, bytes: number) => void
): number {
  for (;;) {
    const bytes = scanBatch(buf, at, end)
    if (bytes <= 0) return at
    seen(at, bytes)
    at += bytes
  }
}

export function getBaseOffset (buf: Uint8Array, at: number): number {
  return readInt64(buf, at)
}

export function getLastOffset (buf: Uint8Array, at: number): number {
  return readInt64(buf, at) + readInt32(buf, at + batchHeader.lastOffsetDelta)
}

export function getPartitionLeaderEpoch (buf: Uint8Array, at: number): number {
  return readInt32(buf, at + batchHeader.partitionLeaderEpoch)
}

export function getMagic (buf: Uint8Array, at: number): number {
  return buf[at + batchHeader.magic] << 24 >> 24
}

export function getAttributes (buf: Uint8Array, at: number): number {
  return readInt16(buf, at + batchHeader.attributes)
}

export function getMaxTimestamp (buf: Uint8Array, at: number): number {
  return readInt64(buf, at + batchHeader.maxTimestamp)
}

function computeCrc (buf: Uint8Array, at: number, bytes: number): number {
  return crc32c(buf, at + batchHeader.attributes, at + bytes)
}

/** True when the batch (all of it in `buf`) has its header and is what was written. */
export function verifyCrc (buf: Uint8Array, at: number, bytes: number = batchBytes(buf, at)): boolean {
  return bytes >= batchHeaderBytes && computeCrc(buf, at, bytes) === readUint32(buf, at + batchHeader.crc)
}

/** Outside the CRC. */
export function setBaseOffset (buf: Uint8Array, at: number, offset: number): void {
  writeInt64(buf, at, offset)
}

/** Outside the CRC. */
export function setPartitionLeaderEpoch (buf: Uint8Array, at: number, epoch: number): void {
  writeInt32(buf, at + batchHeader.partitionLeaderEpoch, epoch)
}

export function updateCrc (buf: Uint8Array, at: number, bytes: number = batchBytes(buf, at)): void {
  writeInt32(buf, at + batchHeader.crc, computeCrc(buf, at, bytes))
}

/**
 * Sets the max timestamp and what kind of time it is; computes the CRC anew only where that changes
 * something.
 */
export function setMaxTimestamp (
  buf: Uint8Array, at: number, timestamp: number, logAppendTime: boolean
): void {
  const attributes = getAttributes(buf, at)
  const isAppendTime = (attributes & batchAttributes.logAppendTime) !== 0
  if (isAppendTime === logAppendTime && getMaxTimestamp(buf, at) === timestamp) return
  const type = logAppendTime ? batchAttributes.logAppendTime : 0
  writeInt16(buf, at + batchHeader.attributes,
    (attributes & batchAttributes.known & ~batchAttributes.logAppendTime) | type)
  writeInt64(buf, at + batchHeader.maxTimestamp, timestamp)
  updateCrc(buf, at)
}
