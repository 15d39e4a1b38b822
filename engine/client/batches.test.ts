// What producers and group members write, read back by the other side's code.
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { codecIds } from '../protocol/compression/index.ts'
import { readBatchHeader, verifyCrc } from '../protocol/record-batch.ts'
import { decodeRecords } from '../protocol/record.ts'
import { BatchBuilder } from './batch-builder.ts'
import { assignRanges, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './group-protocol.ts'
import { murmur2, partitionOfKey } from './partitioner.ts'
import { countPayload } from './payload.ts'
import { ProduceQueue } from './produce-queue.ts'

const nobody = { producerId: -1, producerEpoch: -1, baseSequence: -1 }

describe('a batch that is built record by record', () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })
  const header = fc.record({ key: fc.string(), value: bytes })
  const record = fc.record({
    timestamp: fc.integer({ min: 0, max: 2 ** 42 }),
    key: bytes,
    value: bytes,
    headers: fc.option(fc.array(header, { minLength: 1, maxLength: 3 }), { nil: null })
  })

  it.each(Object.entries(codecIds))('%s reads back as it was written', (_name, codec) => {
    fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), records => {
      const builder = new BatchBuilder(1 << 20)
      for (const { timestamp, key, value, headers } of records) {
        expect(builder.append(timestamp, key, value, headers)).toBe(true)
      }
      const owner = { producerId: 4711, producerEpoch: 2, baseSequence: 9 }
      const batch = Buffer.from(builder.finish(codec, owner))
      expect(verifyCrc(batch, 0)).toBe(true)
      expect(readBatchHeader(batch, 0)).toMatchObject({
        producerId: 4711, producerEpoch: 2, baseSequence: 9, recordCount: records.length, codec
      })
      const plain = (data: Uint8Array | null) => data === null ? null : Buffer.from(data).toString('hex')
      expect(decodeRecords(batch).map(({ timestamp, key, value, headers }) => ({
        timestamp,
        key: plain(key),
        value: plain(value),
        headers: headers.map(({ key, value }) => [key, plain(value)])
      }))).toEqual(records.map(({ timestamp, key, value, headers }) => ({
        timestamp,
        key: plain(key),
        value: plain(value),
        headers: (headers ?? []).map(({ key, value }) => [key, plain(value)])
      })))
      const total = { records: 0, bytes: 0 }
      countPayload(batch, 0, total)
      const sizes = records.map(({ key, value }) => (key?.length ?? 0) + (value?.length ?? 0))
      const payload = sizes.reduce((sum, size) => sum + size)
      expect(total).toEqual({ records: records.length, bytes: payload })
    }), { numRuns: codec === codecIds.none ? 100 : 20 })
  })

  it('is full at its size, but takes a first record of any size', () => {
    const builder = new BatchBuilder(1000)
    expect(builder.append(1, null, Buffer.alloc(5000), null)).toBe(true)
    expect(builder.append(1, null, Buffer.alloc(1), null)).toBe(false)
    const small = new BatchBuilder(1000)
    let records = 0
    while (small.append(1, null, Buffer.alloc(100), null)) records++
    expect(records).toBe(8)
    expect(small.finish(codecIds.none, nobody).length).toBeLessThanOrEqual(1000)
  })
})

describe('a queue of batches', () => {
  const append = (queue: ProduceQueue, value: string) =>
    queue.append(200, () => undefined, 0, 1, null, Buffer.from(value), null, null)

  function filled (): ProduceQueue {
    const queue = new ProduceQueue('t', 0)
    for (const value of ['a', 'b', 'c']) {
      append(queue, value)
      queue.close()
    }
    return queue
  }

  it('gives batches sequences as they leave', () => {
    const queue = filled()
    expect([1, 2, 3].map(() => queue.take(codecIds.none, 7, 0).baseSequence)).toEqual([0, 1, 2])
  })

  it('sends again what failed, in the old order, with the same bytes', () => {
    const queue = filled()
    const first = queue.take(codecIds.none, 7, 0)
    const second = queue.take(codecIds.none, 7, 0)
    const bytes = Buffer.from(second.bytes!)
    queue.again(second, 0) // answers may fail in any order
    queue.again(first, 0)
    expect([1, 2, 3].map(() => queue.take(codecIds.none, 7, 0).baseSequence)).toEqual([0, 1, 2])
    expect(second.bytes!.equals(bytes)).toBe(true)
  })

  it('begins at sequence 0 with a new producer id', () => {
    const queue = filled()
    queue.again(queue.take(codecIds.none, 7, 0), 0)
    queue.restartSequences()
    const again = queue.take(codecIds.none, 8, 0)
    expect(readBatchHeader(again.bytes!, 0)).toMatchObject({ producerId: 8, baseSequence: 0 })
  })
})

describe('keys', () => {
  it('go where Kafka\'s own producers send them', () => {
    // Seen: a Kafka producer with three partitions.
    const seen = [[4, 6, 7, 10], [0, 3, 5, 8], [1, 2, 9, 11]]
    seen.forEach((keys, partition) => {
      for (const key of keys) expect(partitionOfKey(Buffer.from(`key${key}`), 3)).toBe(partition)
    })
    expect(murmur2(Buffer.from('21'))).toBe(-973932308)
    expect(murmur2(Buffer.from('foobar'))).toBe(-790332482)
  })
})

describe('members of a group', () => {
  it('read each other', () => {
    expect(decodeSubscription(encodeSubscription(['a', 'b']))).toEqual(['a', 'b'])
    const partitions = [{ topic: 'a', partition: 1 }, { topic: 'b', partition: 0 }]
    expect(decodeAssignment(encodeAssignment(partitions))).toEqual(partitions)
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
  })

  it('share partitions as ranges, the first members one more', () => {
    const members = ['m2', 'm1', 'm3'].map(memberId => ({ memberId, topics: memberId === 'm3' ? ['b'] : ['a', 'b'] }))
    const assigned = assignRanges(members, topic => topic === 'a' ? 3 : 4)
    const shown = (memberId: string) => assigned.get(memberId)!.map(({ topic, partition }) => `${topic}${partition}`)
    expect(shown('m1')).toEqual(['a0', 'a1', 'b0', 'b1'])
    expect(shown('m2')).toEqual(['a2', 'b2'])
    expect(shown('m3')).toEqual(['b3'])
  })
})
