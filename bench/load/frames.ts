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
 * As many records of that size as fit. Their bytes are random letters: a codec finds some, not all, to
 * save.
 */
export function buildRecords ({ batchBytes, recordBytes: valueBytes, codec }: BatchShape): BuiltBatch {
  const timestamp = Date.now()
  const records: RecordInput[] = []
  let bytesLeft = batchBytes - batchHeaderBytes
  for (;;) {
    const record = { value: randomLetters(valueBytes), timestamp }
    bytesLeft -= recordBytes(record, timestamp, records.length)
    if (bytesLeft < 0 && records.length > 0) break
    records.push(record)
  }
  const bytes = buildBatch({ compression: codecIds[codec] }, records)
  return { bytes: Buffer.from(bytes), records: records.length }
}

function randomLetters (bytes: number): Buffer {
  const value = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at++) value[at] = 97 + Math.floor(Math.random() * 26)
  return value
}

export function produceFrame (topic: string, partition: number, acks: number, batch: BuiltBatch): Buffer {
  const request = make(Produce.request, {
    transactionalId: null,
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: batch.bytes }] }]
  })
  return Buffer.from(encodeRequestFrame(Produce, produceVersion, 0, clientId, request))
}

/** Where the error code of the one partition stands in an answer, counted from after the size. */
export function produceErrorAt (topic: string): number {
  return 4 + 4 + 2 + topic.length + 4 + 4
}

export interface FetchShape {
  readonly topic: string
  readonly partition: number
  readonly bytesMax: number
  readonly waitMsMax: number
}

export interface FetchFrame {
  readonly bytes: Buffer
  /** Where the offset stands in it. */
  readonly offsetAt: number
}

export function fetchFrame ({ topic, partition, bytesMax, waitMsMax }: FetchShape): FetchFrame {
  const request = make(Fetch.request, {
    maxWaitMs: waitMsMax,
    minBytes: 1,
    maxBytes: bytesMax,
    topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: bytesMax }] }]
  })
  const bytes = Buffer.from(encodeRequestFrame(Fetch, fetchVersion, 0, clientId, request))
  const marked = make(Fetch.request, {
    ...request,
    topics: [{ topic, partitions: [{ ...request.topics[0].partitions[0], fetchOffset: 0x01020304 }] }]
  })
  const other = encodeRequestFrame(Fetch, fetchVersion, 0, clientId, marked)
  const changed = bytes.findIndex((byte, at) => byte !== other[at])
  return { bytes, offsetAt: changed - 4 }
}

export function patchCorrelation (frame: Buffer, correlationId: number): void {
  frame.writeInt32BE(correlationId, correlationAt)
}

export function patchOffset ({ bytes, offsetAt }: FetchFrame, offset: number): void {
  const high = Math.floor(offset / 4294967296)
  bytes.writeInt32BE(high, offsetAt)
  bytes.writeUInt32BE(offset - high * 4294967296, offsetAt + 4)
}
