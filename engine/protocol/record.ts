// Single records: made and taken apart one by one, for what is not on the hot path (internal topics, tools,
// tests, compaction, a topic that compresses differently).

import { compress, type CodecId, codecIds, decompress, decompressLent } from './compression/index.ts'
import {
  BatchHeader, batchAttributes, batchHeader, batchHeaderBytes, batchOverheadBytes, currentMagic, noProducerId,
  noSequence, noTimestamp, readBatchHeader, updateCrc, writeInt16, writeInt32, writeInt64
} from './record-batch.ts'
import { RecordWalk, walkRecords, walkResults, walkTexts } from './record-walk.ts'
import { readVarint, readVarlong, sizeOfVarint, varintBytes, varlongBytes, writeVarint } from './varint.ts'

/** A batch or record that cannot be read. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface RecordInput {
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp?: number
  readonly headers?: readonly RecordHeader[]
  /** Its place in the batch when that is not its index: compacted batches have gaps. */
  readonly offsetDelta?: number
}

export interface DecodedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string, readonly value: Buffer | null }[]
}

export interface BatchOptions {
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly compression?: CodecId
  readonly compressionLevel?: number
  /** True: `maxTimestamp` is the time of all records. */
  readonly logAppendTime?: boolean
  readonly transactional?: boolean
  readonly control?: boolean
  /** Stored as the base time; with it, record times count from there. */
  readonly deleteHorizonMs?: number | null
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** Default: the newest record's. */
  readonly maxTimestamp?: number
  /** Default: the last record's. A compacted batch keeps its original one. */
  readonly lastOffsetDelta?: number
}

function sizeOfBytes (bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function bodyBytes (record: RecordInput, timeDelta: number, offsetDelta: number): number {
  const headers = record.headers ?? []
  let bytes = 1 + sizeOfVarint(timeDelta) + sizeOfVarint(offsetDelta) + sizeOfBytes(record.key ?? null) +
    sizeOfBytes(record.value) + sizeOfVarint(headers.length)
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    bytes += sizeOfVarint(keyBytes) + keyBytes + sizeOfBytes(value)
  }
  return bytes
}

function writeBytes (buf: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(buf, at, -1)
  at = writeVarint(buf, at, bytes.length)
  buf.set(bytes, at)
  return at + bytes.length
}

function writeRecord (
  buf: Buffer, at: number, record: RecordInput, timeDelta: number, offsetDelta: number
): number {
  const headers = record.headers ?? []
  at = writeVarint(buf, at, bodyBytes(record, timeDelta, offsetDelta))
  buf[at++] = 0 // attributes
  at = writeVarint(buf, at, timeDelta)
  at = writeVarint(buf, at, offsetDelta)
  at = writeBytes(buf, at, record.key ?? null)
  at = writeBytes(buf, at, record.value)
  at = writeVarint(buf, at, headers.length)
  for (const { key, value } of headers) {
    at = writeVarint(buf, at, Buffer.byteLength(key))
    at += buf.write(key, at)
    at = writeBytes(buf, at, value)
  }
  return at
}

/** Bytes that the record takes in a batch, its length included. */
export function recordBytes (record: RecordInput, baseTimestamp: number, offsetDelta: number): number {
  const body = bodyBytes(record, (record.timestamp ?? noTimestamp) - baseTimestamp, offsetDelta)
  return sizeOfVarint(body) + body
}

function encodeRecords (records: readonly RecordInput[], baseTimestamp: number): Buffer {
  let bytes = 0
  records.forEach((record, index) => {
    bytes += recordBytes(record, baseTimestamp, record.offsetDelta ?? index)
  })
  const buf = Buffer.allocUnsafe(bytes)
  let at = 0
  records.forEach((record, index) => {
    const timeDelta = (record.timestamp ?? noTimestamp) - baseTimestamp
    at = writeRecord(buf, at, record, timeDelta, record.offsetDelta ?? index)
  })
  return buf
}

function attributesOf (options: BatchOptions): number {
  return (options.compression ?? codecIds.none) |
    (options.logAppendTime === true ? batchAttributes.logAppendTime : 0) |
    (options.transactional === true ? batchAttributes.transactional : 0) |
    (options.control === true ? batchAttributes.control : 0) |
    (options.deleteHorizonMs != null ? batchAttributes.deleteHorizon : 0)
}

function newestOf (records: readonly RecordInput[]): number {
  let newest = noTimestamp
  for (const record of records) newest = Math.max(newest, record.timestamp ?? noTimestamp)
  return newest
}

/** Puts a header before the records' bytes as they travel (compressed when the options say so). */
export function wrapBatch (
  body: Uint8Array, count: number, lastOffsetDelta: number, baseTimestamp: number, maxTimestamp: number,
  options: BatchOptions
): Buffer {
  const buf = Buffer.allocUnsafe(batchHeaderBytes + body.length)
  writeInt64(buf, batchHeader.baseOffset, options.baseOffset ?? 0)
  writeInt32(buf, batchHeader.length, buf.length - batchOverheadBytes)
  writeInt32(buf, batchHeader.partitionLeaderEpoch, options.partitionLeaderEpoch ?? -1)
  buf[batchHeader.magic] = currentMagic
  writeInt16(buf, batchHeader.attributes, attributesOf(options))
  writeInt32(buf, batchHeader.lastOffsetDelta, lastOffsetDelta)
  writeInt64(buf, batchHeader.baseTimestamp, baseTimestamp)
  writeInt64(buf, batchHeader.maxTimestamp, maxTimestamp)
  writeInt64(buf, batchHeader.producerId, options.producerId ?? noProducerId)
  writeInt16(buf, batchHeader.producerEpoch, options.producerEpoch ?? -1)
  writeInt32(buf, batchHeader.baseSequence, options.baseSequence ?? noSequence)
  writeInt32(buf, batchHeader.recordCount, count)
  buf.set(body, batchHeaderBytes)
  updateCrc(buf, 0)
  return buf
}

/** A whole batch, CRC and all. Without records it is what compaction leaves of one (give lastOffsetDelta). */
export function buildBatch (options: BatchOptions, records: readonly RecordInput[]): Buffer {
  const baseTimestamp = options.deleteHorizonMs ?? records[0]?.timestamp ?? noTimestamp
  const plain = encodeRecords(records, baseTimestamp)
  const codec = options.compression ?? codecIds.none
  const body = codec === codecIds.none ? plain : compress(codec, plain, { level: options.compressionLevel })
  const last = records.at(-1)
  const lastOffsetDelta = options.lastOffsetDelta ?? last?.offsetDelta ?? records.length - 1
  const maxTimestamp = options.maxTimestamp ?? newestOf(records)
  return wrapBatch(body, records.length, lastOffsetDelta, baseTimestamp, maxTimestamp, options)
}

/** The most that decodeRecords() takes out of one compressed batch. */
export const uncompressedBytesMax = 128 * 2 ** 20

/** The records' bytes of a batch, decompressed: at most `bytesMax` of them. Throws CompressionError. */
export function recordsOf (
  buf: Uint8Array, at: number, header: BatchHeader, bytesMax: number = uncompressedBytesMax
): Uint8Array {
  const body = buf.subarray(at + batchHeaderBytes, at + header.bytes)
  return header.codec === codecIds.none ? body : decompress(header.codec, body, bytesMax)
}

/** The same for who only looks: they are there until this thread decompresses the next batch. */
export function recordsLent (
  buf: Uint8Array, at: number, header: BatchHeader, bytesMax: number = uncompressedBytesMax
): Uint8Array {
  const body = buf.subarray(at + batchHeaderBytes, at + header.bytes)
  return header.codec === codecIds.none ? body : decompressLent(header.codec, body, bytesMax)
}

/**
 * Walks the records of a compressed batch, as walkRecords() does those of a plain one. The output is bounded:
 * CompressionError 'too-large' beyond `bytesMax`, 'damaged' or 'unknown-codec' where it cannot be read.
 */
export function walkCompressed (
  buf: Uint8Array, at: number, header: BatchHeader, walk: RecordWalk, bytesMax: number = uncompressedBytesMax
): number {
  const plain = recordsLent(buf, at, header, bytesMax)
  return walkRecords(plain, 0, plain.length, header.recordCount, header.baseTimestamp, walk)
}

/** Reads the fields of one record, which a walk has found in order. `cursor` stands behind its length. */
class RecordReader {
  readonly #buf: Buffer
  at: number

  constructor (bytes: Uint8Array) {
    this.#buf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = 0
  }

  varint (): number {
    const value = readVarint(this.#buf, this.at)
    this.at += varintBytes(this.#buf, this.at)
    return value
  }

  varlong (): number {
    const value = readVarlong(this.#buf, this.at)
    this.at += varlongBytes(this.#buf, this.at)
    return value
  }

  bytes (): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    this.at += length
    return this.#buf.subarray(this.at - length, this.at)
  }

  headers (): { key: string, value: Buffer | null }[] {
    const headers: { key: string, value: Buffer | null }[] = []
    for (let left = this.varint(); left > 0; left--) {
      const key = this.bytes()
      headers.push({ key: key === null ? '' : key.toString(), value: this.bytes() })
    }
    return headers
  }

  record (header: BatchHeader): DecodedRecord {
    this.varint() // length
    this.at++ // attributes
    const timestamp = header.baseTimestamp + this.varlong()
    const offset = header.baseOffset + this.varint()
    return {
      offset,
      timestamp: header.logAppendTime ? header.maxTimestamp : timestamp,
      key: this.bytes(),
      value: this.bytes(),
      headers: this.headers()
    }
  }
}

/** The first `count` records of `plain`, one by one: a walk must have found them in order. */
export function * readRecords (
  plain: Uint8Array, header: BatchHeader, count: number
): Generator<DecodedRecord, void> {
  const reader = new RecordReader(plain)
  for (let index = 0; index < count; index++) yield reader.record(header)
}

/**
 * The records of the batch at `at`. Keys and values are views of `batch`, or of the decompressed bytes.
 * Throws RecordError or CompressionError when it cannot be read; the CRC is the caller's to check.
 */
export function decodeRecords (
  batch: Uint8Array, at: number = 0, bytesMax: number = uncompressedBytesMax
): DecodedRecord[] {
  const header = readBatchHeader(batch, at)
  const reader = new RecordReader(soundRecords(batch, at, header, bytesMax))
  const records: DecodedRecord[] = []
  for (let index = 0; index < header.recordCount; index++) records.push(reader.record(header))
  return records
}

/** The same one by one: a batch of millions of records does not become as many objects. */
export function * eachRecord (
  batch: Uint8Array, at: number = 0, bytesMax: number = uncompressedBytesMax
): Generator<DecodedRecord, void> {
  const header = readBatchHeader(batch, at)
  yield * readRecords(soundRecords(batch, at, header, bytesMax), header, header.recordCount)
}

function soundRecords (batch: Uint8Array, at: number, header: BatchHeader, bytesMax: number): Uint8Array {
  if (header.magic !== currentMagic) throw new RecordError(`a batch of magic ${header.magic} cannot be read`)
  const plain = recordsOf(batch, at, header, bytesMax)
  const walk = new RecordWalk()
  const result = walkRecords(plain, 0, plain.length, header.recordCount, header.baseTimestamp, walk)
  if (result !== walkResults.ok) throw new RecordError(`record ${walk.count}: ${walkTexts[result]}`)
  return plain
}
