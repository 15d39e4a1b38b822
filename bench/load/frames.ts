// Requests made once, before the clock runs. A frame is sent again and again with nothing but its
// correlation id changed; a fetch also gets its offset.
import { encodeRequestFrame } from '../../engine/protocol/frame.ts'
import { Fetch } from '../../engine/protocol/messages/01-fetch.ts'
import { Produce } from '../../engine/protocol/messages/00-produce.ts'
import { type CodecName, codecIds } from '../../engine/protocol/compression/index.ts'
import { buildBatch, recordBytes, type RecordInput } from '../../engine/protocol/record.ts'
import { batchHeaderBytes } from '../../engine/protocol/record-batch.ts'
import { make } from '../../engine/protocol/schema.ts'

/** Not flexible, so that error codes stand at fixed places; served by every Kafka since 2.1. */
export const produceVersion = 7
export const fetchVersion = 11

const clientId = 'millrace-load'
const correlationAt = 8

export interface BatchShape {
  readonly batchBytes: number
  readonly recordBytes: number
  readonly codec: CodecName
}

export interface BuiltBatch {
  readonly bytes: Buffer
  readonly records: number
}

/**
 * As many records of that size as fit before they are compressed. One half of a record is as in all others,
 * the other half random letters: a codec finds some, not all, to save.
 */
export function buildRecords ({ batchBytes, recordBytes: valueBytes, codec }: BatchShape): BuiltBatch {
  const timestamp = Date.now()
  const records: RecordInput[] = []
  let bytesLeft = batchBytes - batchHeaderBytes
  for (;;) {
    const record = { value: halfRandom(valueBytes), timestamp }
    bytesLeft -= recordBytes(record, timestamp, records.length)
    if (bytesLeft < 0 && records.length > 0) break
    records.push(record)
  }
  const bytes = buildBatch({ compression: codecIds[codec] }, records)
  return { bytes: Buffer.from(bytes), records: records.length }
}

function halfRandom (bytes: number): Buffer {
  const value = Buffer.alloc(bytes, 'the same in every record; ')
  for (let at = bytes >> 1; at < bytes; at++) value[at] = 97 + Math.floor(Math.random() * 26)
  return value
}

/** The same batch for each of the partitions. */
export function produceFrame (
  topic: string, partitions: readonly number[], acks: number, batch: BuiltBatch
): Buffer {
  const request = make(Produce.request, {
    transactionalId: null,
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: partitions.map(index => ({ index, records: batch.bytes })) }]
  })
  return Buffer.from(encodeRequestFrame(Produce, produceVersion, 0, clientId, request))
}

/** From the error code of one partition to that of the next, in an answer. */
export const produceErrorStep = 4 + 2 + 8 + 8 + 8

/** Where the error code of the first partition stands in an answer, counted from after the size. */
export function produceErrorAt (topic: string): number {
  return 4 + 4 + 2 + topic.length + 4 + 4
}

export interface FetchShape {
  readonly topic: string
  readonly partitions: readonly number[]
  /** Of each partition. */
  readonly bytesMax: number
  readonly waitMsMax: number
}

export interface FetchFrame {
  readonly bytes: Buffer
  /** Where the offset of the first partition stands in it. */
  readonly offsetAt: number
}

/** A partition in a request: index, leader epoch, offset, log start, most bytes. */
const fetchPartitionBytes = 4 + 4 + 8 + 8 + 4

export function fetchFrame ({ topic, partitions, bytesMax, waitMsMax }: FetchShape): FetchFrame {
  const encoded = (firstOffset: number): Buffer => {
    const request = make(Fetch.request, {
      maxWaitMs: waitMsMax,
      minBytes: 1,
      maxBytes: Math.min(bytesMax * partitions.length, 0x7fffffff),
      topics: [{
        topic,
        partitions: partitions.map((partition, index) =>
          ({ partition, fetchOffset: index === 0 ? firstOffset : 0, partitionMaxBytes: bytesMax }))
      }]
    })
    return Buffer.from(encodeRequestFrame(Fetch, fetchVersion, 0, clientId, request))
  }
  const bytes = encoded(0)
  const other = encoded(0x01020304)
  const changed = bytes.findIndex((byte, at) => byte !== other[at])
  return { bytes, offsetAt: changed - 4 }
}

export function patchCorrelation (frame: Buffer, correlationId: number): void {
  frame.writeInt32BE(correlationId, correlationAt)
}

/** Of the partition that was named as the `index`-th. */
export function patchOffset ({ bytes, offsetAt }: FetchFrame, index: number, offset: number): void {
  const at = offsetAt + index * fetchPartitionBytes
  const high = Math.floor(offset / 4294967296)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(offset - high * 4294967296, at + 4)
}
