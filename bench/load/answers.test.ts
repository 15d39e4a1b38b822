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
import { Arrivals } from './arrivals.ts'
import { buildRecords, fetchFrame, fetchVersion, patchOffset, produceErrorAt, produceVersion } from './frames.ts'
import { Histogram } from './histogram.ts'

const topic = 'load'
const built = buildRecords({ batchBytes: 1000, recordBytes: 100, codec: 'none' })

type Part = { records: Buffer | null, errorCode?: number, highWatermark?: number }

function fetchAnswer (parts: readonly Part[], errorCode = 0): Buffer {
  const partitions = parts.map((part, index) =>
    ({ ...part, partitionIndex: index + 7, abortedTransactions: null }))
  const { pieces } = encodeResponseFrame(Fetch, fetchVersion, 1, make(Fetch.response, {
    errorCode, responses: parts.length === 0 ? [] : [{ topic, partitions }]
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
    const bytes = Buffer.concat([
      ...cut.map(records => fetchAnswer([{ records, highWatermark: 77 }])),
      fetchAnswer([{ records: nothing, errorCode: 1 }]),
      fetchAnswer([], 71),
      fetchAnswer([{ records: whole }, { records: null }, { records: whole }])
    ])
    const seen: Fetched[] = []
    const ends: [number, number][] = []
    const answers = new FetchAnswers(topic, {
      partition: fetched => seen.push({ ...fetched }),
      ended: errorCode => ends.push([seen.length, errorCode])
    })
    for (let at = 0; at < bytes.length; at += chunkBytes) answers.push(bytes.subarray(at, at + chunkBytes))
    const next = first + built.records
    const { records, bytes: { length } } = built
    const told = seen.map(fetched =>
      [fetched.partition, fetched.records, fetched.bytes, fetched.nextOffset, fetched.errorCode])
    const both = [2 * records, 2 * length, next + records, 0]
    const one = [records, length, next, 0]
    expect(told).toEqual([
      [7, ...both], [7, ...one], [7, ...one], [7, 0, 0, -1, 0], [7, 0, 0, -1, 1],
      [7, ...both], [8, 0, 0, -1, 0], [9, ...both]
    ])
    expect(ends).toEqual([[1, 0], [2, 0], [3, 0], [4, 0], [5, 0], [5, 71], [8, 0]])
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
  const frame = fetchFrame({ topic, partitions: [3, 4], bytesMax: 1000, waitMsMax: 5 })
  patchOffset(frame, 0, 5_000_000_000)
  patchOffset(frame, 1, 6_000_000_000)
  const reader = new Reader(frame.bytes, 4)
  reader.at = 4 + 2 + 2 + 4 + 2 + 'millrace-load'.length
  const [{ partitions }] = decodeRequest(Fetch, fetchVersion, reader).topics
  const offsets = partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset])
  expect(offsets).toEqual([[3, 5_000_000_000], [4, 6_000_000_000]])
})

it('records arrive by their place, requests of one partition in turn', () => {
  const times = new Histogram()
  const arrivals = new Arrivals(new Map([[0, 100], [1, 0]]), 5, times)
  arrivals.sent(0, 10)
  arrivals.sent(0, 20)
  arrivals.sent(1, 30)
  arrivals.arrived(0, 105, 18)
  expect([times.count, times.maxMs]).toEqual([1, 8])
  arrivals.arrived(0, 110, 22)
  arrivals.arrived(1, 5, 31)
  expect([times.count, times.maxMs, times.meanMs]).toEqual([3, 8, 11 / 3])
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
