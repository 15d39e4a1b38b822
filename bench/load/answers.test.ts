// The load generator's parsers against answers that the protocol's own code wrote, in chunks of every size.
import { describe, expect, it } from 'vitest'
import { encodeResponseFrame } from '../../engine/protocol/frame.ts'
import { Fetch } from '../../engine/protocol/messages/01-fetch.ts'
import { Produce } from '../../engine/protocol/messages/00-produce.ts'
import { decodeRequest } from '../../engine/protocol/compile.ts'
import { setBaseOffset } from '../../engine/protocol/record-batch.ts'
import { make } from '../../engine/protocol/schema.ts'
import { Reader } from '../../engine/protocol/wire.ts'
import { type Fetched, FetchAnswers, SmallAnswers } from './answers.ts'
import { buildRecords, fetchFrame, fetchVersion, patchOffset, produceErrorAt, produceVersion } from './frames.ts'
import { Histogram } from './histogram.ts'

const topic = 'load'
const built = buildRecords({ batchBytes: 1000, recordBytes: 100, codec: 'none' })

function fetchAnswer (records: Buffer, errorCode = 0, highWatermark = 0): Buffer {
  const { pieces } = encodeResponseFrame(Fetch, fetchVersion, 1, make(Fetch.response, {
    responses: [{ topic, partitions: [{ errorCode, highWatermark, abortedTransactions: null, records }] }]
  }))
  return Buffer.concat(pieces as Buffer[])
}

function batchAt (offset: number): Buffer {
  const batch = Buffer.from(built.bytes)
  setBaseOffset(batch, 0, offset)
  return batch
}

describe('answers', () => {
  it.each([1, 2, 3, 7, 60, 61, 62, 500, 100_000])('to fetches, %s bytes at a time', chunkBytes => {
    const first = 3_000_000_000_000
    const whole = Buffer.concat([batchAt(first), batchAt(first + built.records)])
    const nothing = Buffer.alloc(0)
    const cut = [
      whole, whole.subarray(0, whole.length - 1), whole.subarray(0, built.bytes.length + 30), nothing
    ]
    const bytes = Buffer.concat([...cut.map(records => fetchAnswer(records, 0, 77)), fetchAnswer(nothing, 1)])
    const seen: Fetched[] = []
    const answers = new FetchAnswers(topic, fetched => seen.push({ ...fetched }))
    for (let at = 0; at < bytes.length; at += chunkBytes) answers.push(bytes.subarray(at, at + chunkBytes))
    const next = first + built.records
    const { records, bytes: { length } } = built
    const told = seen.map(fetched =>
      [fetched.records, fetched.bytes, fetched.nextOffset, fetched.errorCode])
    expect(told).toEqual([
      [2 * records, 2 * length, next + records, 0], [records, length, next, 0], [records, length, next, 0],
      [0, 0, -1, 0], [0, 0, -1, 1]
    ])
    expect(seen[0].highWatermark).toBe(77)
  })

  it.each([1, 5, 100_000])('to produces, %s bytes at a time', chunkBytes => {
    const bytes = Buffer.concat([0, 7, 0].flatMap(errorCode => {
      const responses = [{ name: topic, partitionResponses: [{ errorCode }] }]
      const answer = make(Produce.response, { responses })
      return encodeResponseFrame(Produce, produceVersion, 1, answer).pieces as Buffer[]
    }))
    const seen: number[] = []
    const errorAt = produceErrorAt(topic)
    const answers = new SmallAnswers((buffer, at) => seen.push(buffer.readInt16BE(at + errorAt)))
    for (let at = 0; at < bytes.length; at += chunkBytes) answers.push(bytes.subarray(at, at + chunkBytes))
    expect(seen).toEqual([0, 7, 0])
  })
})

it('a fetch is patched where its offset stands', () => {
  const frame = fetchFrame({ topic, partition: 3, bytesMax: 1000, waitMsMax: 5 })
  patchOffset(frame, 5_000_000_000)
  const reader = new Reader(frame.bytes, 4)
  reader.at = 4 + 2 + 2 + 4 + 2 + 'millrace-load'.length
  const [{ partitions: [{ partition, fetchOffset }] }] = decodeRequest(Fetch, fetchVersion, reader).topics
  expect([partition, fetchOffset]).toEqual([3, 5_000_000_000])
})

it('the histogram is right within its resolution', () => {
  const histogram = new Histogram()
  for (let ms = 1; ms <= 1000; ms++) histogram.record(ms)
  for (const quantile of [0.5, 0.99, 0.999]) {
    expect(histogram.quantileMs(quantile) / (1000 * quantile)).toBeGreaterThan(0.999)
    expect(histogram.quantileMs(quantile) / (1000 * quantile)).toBeLessThan(1.017)
  }
  expect(histogram.quantileMs(1)).toBe(1000)
})
