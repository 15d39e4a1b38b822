// The records of one batch, one after the other, without making anything of them; and a batch made of some of
// them. Keys, values and headers are copied as they lie; only times and lengths are written anew.
import { compress, type CodecId } from '../../protocol/compression/index.ts'
import { type BatchHeader } from '../../protocol/record-batch.ts'
import { type BatchOptions, wrapBatch } from '../../protocol/record.ts'
import {
  readVarint, readVarlong, sizeOfVarint, varintBytes, varlongBytes, writeVarint
} from '../../protocol/varint.ts'
import { type Offset } from '../types.ts'

/** Stands on one record after the other; a walk must have found them in order. */
export class RecordCursor {
  #plain: Buffer = Buffer.alloc(0)
  #header: BatchHeader | null = null
  #left = 0
  #next = 0
  attributes = 0
  offset: Offset = 0
  timestampMs = 0
  /** From the key's length on, to the record's end. */
  keyAt = 0
  end = 0
  hasKey = false
  /** The key alone; of no length without one. */
  keyFrom = 0
  keyEnd = 0
  hasValue = false

  start (plain: Buffer, header: BatchHeader): void {
    this.#plain = plain
    this.#header = header
    this.#left = header.recordCount
    this.#next = 0
  }

  next (): boolean {
    if (this.#left-- <= 0) return false
    const plain = this.#plain
    const header = this.#header!
    let at = this.#next
    const bytes = readVarint(plain, at)
    at += varintBytes(plain, at)
    this.end = this.#next = at + bytes
    this.attributes = plain[at++]
    const createdMs = header.baseTimestamp + readVarlong(plain, at)
    this.timestampMs = header.logAppendTime ? header.maxTimestamp : createdMs
    at += varlongBytes(plain, at)
    this.offset = header.baseOffset + readVarint(plain, at)
    at += varintBytes(plain, at)
    this.keyAt = at
    const keyBytes = readVarint(plain, at)
    at += varintBytes(plain, at)
    this.hasKey = keyBytes >= 0
    this.keyFrom = at
    if (keyBytes > 0) at += keyBytes
    this.keyEnd = at
    this.hasValue = readVarint(plain, at) >= 0
    return true
  }
}

/** The records that stay, as columns: filled for batch after batch. */
export class KeptRecords {
  count = 0
  #attributes: number[] = []
  #times: number[] = []
  #deltas: number[] = []
  #from: number[] = []
  #to: number[] = []

  clear (): void {
    this.count = 0
  }

  add (record: RecordCursor, header: BatchHeader): void {
    const index = this.count++
    this.#attributes[index] = record.attributes
    this.#times[index] = record.timestampMs
    this.#deltas[index] = record.offset - header.baseOffset
    this.#from[index] = record.keyAt
    this.#to[index] = record.end
  }

  /** False: times so far apart that a record cannot hold the distance. */
  timesFit (spanMax: number, baseMs: number): boolean {
    for (let index = 0; index < this.count; index++) {
      if (Math.abs(this.#times[index]) + Math.abs(baseMs) > spanMax) return false
    }
    return Math.abs(this.#times[0]) * 2 <= spanMax
  }

  /**
   * The batch with these records alone: its offsets, sequences, epochs and codec stay. `deleteHorizonMs` is
   * stored in place of the base time; -1: none.
   */
  rebuild (header: BatchHeader, plain: Buffer, deleteHorizonMs: number): Buffer {
    const baseTimestamp = deleteHorizonMs >= 0 ? deleteHorizonMs : this.#times[0]
    let maxTimestamp = header.logAppendTime ? header.maxTimestamp : -1
    let bytes = 0
    for (let index = 0; index < this.count; index++) {
      if (!header.logAppendTime) maxTimestamp = Math.max(maxTimestamp, this.#times[index])
      const body = this.#bodyBytes(index, baseTimestamp)
      bytes += sizeOfVarint(body) + body
    }
    const target = Buffer.allocUnsafe(bytes)
    let at = 0
    for (let index = 0; index < this.count; index++) {
      at = writeVarint(target, at, this.#bodyBytes(index, baseTimestamp))
      target[at++] = this.#attributes[index]
      at = writeVarint(target, at, this.#times[index] - baseTimestamp)
      at = writeVarint(target, at, this.#deltas[index])
      at += plain.copy(target, at, this.#from[index], this.#to[index])
    }
    const options = { ...optionsOf(header), deleteHorizonMs: deleteHorizonMs >= 0 ? deleteHorizonMs : null }
    const codec = header.codec as CodecId
    const packed = compress(codec, target)
    return wrapBatch(packed, this.count, header.lastOffsetDelta, baseTimestamp, maxTimestamp,
      { ...options, compression: codec })
  }

  #bodyBytes (index: number, baseTimestamp: number): number {
    return 1 + sizeOfVarint(this.#times[index] - baseTimestamp) + sizeOfVarint(this.#deltas[index]) +
      this.#to[index] - this.#from[index]
  }
}

function optionsOf (header: BatchHeader): BatchOptions {
  return {
    baseOffset: header.baseOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    logAppendTime: header.logAppendTime,
    transactional: header.transactional,
    control: header.control,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence
  }
}

/** What is left of a batch whose records are gone: its offsets and its producer's sequence. */
export function emptyBatch (header: BatchHeader): Buffer {
  return wrapBatch(Buffer.alloc(0), 0, header.lastOffsetDelta, -1, header.maxTimestamp, optionsOf(header))
}
