// A record batch that grows record by record: no object per record, one buffer per batch, compressed at the
// end.
import { compress, type CodecId, codecIds } from '../protocol/compression/index.ts'
import { type RecordHeader } from '../protocol/record.ts'
import {
  batchHeader, batchHeaderBytes, batchOverheadBytes, currentMagic, updateCrc, writeInt16, writeInt32,
  writeInt64
} from '../protocol/record-batch.ts'
import { sizeOfVarint, writeVarint } from '../protocol/varint.ts'

/** Length, attributes, time and offset delta, key and value length, header count, each at its longest. */
const recordOverheadMax = 5 + 1 + 10 + 5 + 5 + 5 + 5

export interface BatchOwner {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

export class BatchBuilder {
  /** Bytes up to #at are the batch so far; its header is written by finish(). */
  #buffer: Buffer
  #at = batchHeaderBytes
  #records = 0
  #baseTimestamp = 0
  #maxTimestamp = 0
  readonly #bytesMax: number

  /** `buffer` is used again from an earlier batch; it may be larger than `bytesMax`. */
  constructor (bytesMax: number, buffer: Buffer = Buffer.allocUnsafeSlow(bytesMax)) {
    this.#bytesMax = bytesMax
    this.#buffer = buffer
  }

  get records (): number { return this.#records }
  get bytes (): number { return this.#at }
  get buffer (): Buffer { return this.#buffer }

  /** False when it is full. A first record always fits. */
  append (
    timestamp: number, key: Uint8Array | null, value: Uint8Array | null,
    headers: readonly RecordHeader[] | null
  ): boolean {
    let need = recordOverheadMax + (key?.length ?? 0) + (value?.length ?? 0)
    if (headers !== null) need += headersBytes(headers)
    if (this.#records === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
      if (this.#at + need > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(this.#at + need)
    } else if (this.#at + need > this.#bytesMax) return false
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.#write(timestamp - this.#baseTimestamp, key, value, headers)
    return true
  }

  #write (
    timeDelta: number, key: Uint8Array | null, value: Uint8Array | null,
    headers: readonly RecordHeader[] | null
  ): void {
    const buffer = this.#buffer
    const delta = this.#records++
    let body = 1 + sizeOfVarint(timeDelta) + sizeOfVarint(delta) + sizeOfBytes(key) + sizeOfBytes(value)
    body += headers === null ? 1 : sizeOfVarint(headers.length) + headersBytes(headers)
    let at = writeVarint(buffer, this.#at, body)
    buffer[at++] = 0 // attributes
    at = writeVarint(buffer, at, timeDelta)
    at = writeVarint(buffer, at, delta)
    at = writeBytes(buffer, at, key)
    at = writeBytes(buffer, at, value)
    if (headers === null) buffer[at++] = 0
    else at = writeHeaders(buffer, at, headers)
    this.#at = at
  }

  /** The whole batch, in the builder's own buffer unless a codec made another. */
  finish (codec: CodecId, owner: BatchOwner): Buffer {
    let batch = this.#buffer.subarray(0, this.#at)
    if (codec !== codecIds.none) {
      const packed = compress(codec, this.#buffer.subarray(batchHeaderBytes, this.#at))
      batch = Buffer.allocUnsafe(batchHeaderBytes + packed.length)
      batch.set(packed, batchHeaderBytes)
    }
    writeInt64(batch, batchHeader.baseOffset, 0)
    writeInt32(batch, batchHeader.length, batch.length - batchOverheadBytes)
    writeInt32(batch, batchHeader.partitionLeaderEpoch, -1)
    batch[batchHeader.magic] = currentMagic
    writeInt16(batch, batchHeader.attributes, codec)
    writeInt32(batch, batchHeader.lastOffsetDelta, this.#records - 1)
    writeInt64(batch, batchHeader.baseTimestamp, this.#baseTimestamp)
    writeInt64(batch, batchHeader.maxTimestamp, this.#maxTimestamp)
    writeInt64(batch, batchHeader.producerId, owner.producerId)
    writeInt16(batch, batchHeader.producerEpoch, owner.producerEpoch)
    writeInt32(batch, batchHeader.baseSequence, owner.baseSequence)
    writeInt32(batch, batchHeader.recordCount, this.#records)
    updateCrc(batch, 0, batch.length)
    return batch
  }
}

function sizeOfBytes (bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function headersBytes (headers: readonly RecordHeader[]): number {
  let bytes = 0
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    bytes += sizeOfVarint(keyBytes) + keyBytes + sizeOfBytes(value)
  }
  return bytes
}

function writeBytes (buffer: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[at] = 1 // zig-zag for -1
    return at + 1
  }
  at = writeVarint(buffer, at, bytes.length)
  buffer.set(bytes, at)
  return at + bytes.length
}

function writeHeaders (buffer: Buffer, at: number, headers: readonly RecordHeader[]): number {
  at = writeVarint(buffer, at, headers.length)
  for (const { key, value } of headers) {
    at = writeVarint(buffer, at, Buffer.byteLength(key))
    at += buffer.write(key, at)
    at = writeBytes(buffer, at, value)
  }
  return at
}
