// Messages of the formats before batches (magic 0 and 1), as old folders still hold them:
//
//   | offset | size | crc | magic | attributes | timestamp       | key length | key | value length | value
//   int64    int32  u32   int8    int8         int64, in magic 1  int32, -1: null    the same
//
// The checksum (CRC-32) covers all from the magic on. A compressed message holds others in its value; in
// magic 1 those count their offsets from the first of them, and the offset outside is the last one's.
import { crc32 } from 'node:zlib'
import { codecIds, decompress } from '../../protocol/compression/index.ts'
import { xxhash32 } from '../../protocol/compression/xxhash32.ts'
import { type DecodedRecord, RecordError, uncompressedBytesMax } from '../../protocol/record.ts'
import { readInt64 } from '../../protocol/record-batch.ts'
import { recordBytesMin } from './segment-reader.ts'

const overheadBytes = 12
const crcAt = 12
const magicAt = 16
const attributesAt = 17
const bodyAt = 18
const codecBits = 0x07
const appendTimeBit = 0x08
/** Bytes that show what a line about a message tells. */
export const legacyHeadBytes = 26

export interface LegacyRecord extends DecodedRecord {
  readonly crc: number
  readonly isValid: boolean
}

export function legacyCodec (message: Buffer): number {
  return message[attributesAt] & codecBits
}

export function legacyTimestampType (message: Buffer): string {
  if (message[magicAt] === 0) return 'NoTimestampType'
  return (message[attributesAt] & appendTimeBit) === 0 ? 'CreateTime' : 'LogAppendTime'
}

export function legacyTimestamp (message: Buffer): number {
  return message[magicAt] === 0 || message.length < legacyHeadBytes ? -1 : readInt64(message, bodyAt)
}

/** The message itself, or those it holds. Throws RecordError or CompressionError. */
export function * legacyRecords (message: Buffer): Generator<LegacyRecord, void> {
  if (legacyCodec(message) === codecIds.none) {
    yield readMessage(message)
    return
  }
  const outer = readMessage(message)
  if (outer.value === null) throw new RecordError('a compressed message holds nothing')
  const codec = legacyCodec(message)
  const packed = codec === codecIds.lz4 && message[magicAt] === 0 ? mendedFrame(outer.value) : outer.value
  const plain = decompress(codec, packed, uncompressedBytesMax)
  const held = Buffer.from(plain.buffer, plain.byteOffset, plain.length)
  const isRelative = message[magicAt] > 0
  const shift = isRelative ? outer.offset - lastOffset(held) : 0
  const appendTime = legacyTimestampType(message) === 'LogAppendTime' ? outer.timestamp : null
  for (const inner of messages(held)) {
    const record = readMessage(inner)
    yield { ...record, offset: record.offset + shift, timestamp: appendTime ?? record.timestamp }
  }
}

/** The oldest clients computed the header's checksum of LZ4 frames over four bytes too many. */
function mendedFrame (frame: Buffer): Buffer {
  const flagsAt = 4
  const hasContentSize = (frame[flagsAt] & 0x08) !== 0
  const checksumAt = flagsAt + (hasContentSize ? 10 : 2)
  if (frame.length <= checksumAt) return frame
  const mended = Buffer.from(frame)
  mended[checksumAt] = xxhash32(mended, flagsAt, checksumAt) >>> 8
  return mended
}

function lastOffset (held: Buffer): number {
  let last = 0
  for (const message of messages(held)) last = readInt64(message, 0)
  return last
}

function * messages (held: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < held.length;) {
    const size = at + overheadBytes > held.length ? 0 : held.readInt32BE(at + 8)
    const end = at + overheadBytes + size
    if (size < recordBytesMin || end > held.length) throw new RecordError('a compressed message is cut short')
    const message = held.subarray(at, end)
    if (legacyCodec(message) !== codecIds.none) throw new RecordError('a compressed message within another')
    yield message
    at = end
  }
}

function readMessage (message: Buffer): LegacyRecord {
  const keyAt = message[magicAt] === 0 ? bodyAt : bodyAt + 8
  const key = field(message, keyAt)
  const value = field(message, key.end)
  const crc = message.readUInt32BE(crcAt)
  return {
    offset: readInt64(message, 0),
    timestamp: legacyTimestamp(message),
    key: key.bytes,
    value: value.bytes,
    headers: [],
    crc,
    isValid: crc32(message.subarray(magicAt)) === crc
  }
}

function field (message: Buffer, at: number): { bytes: Buffer | null, end: number } {
  if (at + 4 > message.length) throw new RecordError('a message is cut short')
  const length = message.readInt32BE(at)
  if (length < 0) return { bytes: null, end: at + 4 }
  const end = at + 4 + length
  if (end > message.length) throw new RecordError('a field reaches beyond its message')
  return { bytes: message.subarray(at + 4, end), end }
}
