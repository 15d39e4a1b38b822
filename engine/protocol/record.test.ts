// Batches built here, read here, and walked: whole, damaged in every byte, lying in every field.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecIds, type CodecId } from './compression/index.ts'
import {
  BatchHeader, batchAttributes, batchHeader, batchHeaderBytes, eachBatch, listFaults, readBatchHeader,
  RecordWalk, scan, scanBatch, setBaseOffset, setMaxTimestamp, setPartitionLeaderEpoch, updateCrc, verifyCrc,
  walkRecords, walkResults
} from './record-batch.ts'
import { walkEachRecord } from './record-walk.ts'
import { buildBatch, decodeRecords, recordBytes, type RecordInput, walkCompressed } from './record.ts'
import { readVarint, readVarlong, sizeOfVarint, varintBytes, varlongBytes, writeVarint } from './varint.ts'

const T0 = 1_700_000_000_000

const someBytes = fc.uint8Array({ maxLength: 300 })
const someRecord: fc.Arbitrary<RecordInput> = fc.record({
  key: fc.option(someBytes),
  value: fc.option(someBytes),
  timestamp: fc.integer({ min: -1, max: 2 ** 42 }),
  headers: fc.array(fc.record({ key: fc.string(), value: fc.option(someBytes) }), { maxLength: 4 })
})

function walk (batch: Buffer, rules: Partial<RecordWalk> = {}): RecordWalk {
  const found = Object.assign(new RecordWalk(), rules)
  const header = readBatchHeader(batch, 0)
  walkRecords(batch, batchHeaderBytes, header.bytes, header.recordCount, header.baseTimestamp, found)
  return found
}

function plain (bytes: Uint8Array | null | undefined): number[] | null {
  return bytes == null ? null : [...bytes]
}

describe('varints', () => {
  test('come back as they were written, from one byte to ten', () => {
    fc.assert(fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
      const buf = Buffer.alloc(12)
      const end = writeVarint(buf, 0, value)
      expect(end).toBe(sizeOfVarint(value))
      expect(varlongBytes(buf, 0)).toBe(end)
      expect(readVarlong(buf, 0)).toBe(value)
      if ((value | 0) === value) {
        expect(readVarint(buf, 0)).toBe(value)
        expect(varintBytes(buf, 0)).toBe(end)
      }
    }))
  })

  test('of the outermost 32-bit numbers take five bytes', () => {
    for (const value of [2 ** 31 - 1, -(2 ** 31)]) {
      const buf = Buffer.alloc(8)
      expect(writeVarint(buf, 0, value)).toBe(5)
      expect(readVarint(buf, 0)).toBe(value)
    }
  })

  test('that do not end lead beyond every buffer', () => {
    const endless = Buffer.alloc(20, 0xff)
    expect(varintBytes(endless, 0)).toBeGreaterThan(2 ** 29)
    expect(varlongBytes(endless, 0)).toBeGreaterThan(2 ** 29)
  })
})

describe('a batch', () => {
  test('gives back its records, in every codec', () => {
    const codecs = Object.values(codecIds)
    fc.assert(fc.property(fc.array(someRecord, { minLength: 1, maxLength: 20 }), fc.constantFrom(...codecs),
      (records, compression: CodecId) => {
        const batch = buildBatch({ baseOffset: 1000, compression }, records)
        expect(verifyCrc(batch, 0)).toBe(true)
        const decoded = decodeRecords(batch)
        expect(decoded.length).toBe(records.length)
        decoded.forEach((record, index) => {
          expect(record.offset).toBe(1000 + index)
          expect(record.timestamp).toBe(records[index].timestamp)
          expect(plain(record.key)).toEqual(plain(records[index].key))
          expect(plain(record.value)).toEqual(plain(records[index].value))
          expect(record.headers.map((header) => [header.key, plain(header.value)]))
            .toEqual((records[index].headers ?? []).map((header) => [header.key, plain(header.value)]))
        })
      }))
  })

  test('carries every field of its header', () => {
    const batch = buildBatch({
      baseOffset: 2 ** 40 + 5,
      partitionLeaderEpoch: 7,
      logAppendTime: true,
      transactional: true,
      producerId: 2 ** 41 + 1,
      producerEpoch: 3,
      baseSequence: 2 ** 31 - 2,
      maxTimestamp: T0 + 9
    }, [T0, T0 - 50, T0 + 1].map((timestamp) => ({ value: Buffer.from('a'), timestamp })))
    const header = readBatchHeader(batch, 0)
    expect(header).toMatchObject({
      baseOffset: 2 ** 40 + 5,
      lastOffset: 2 ** 40 + 7,
      bytes: batch.length,
      partitionLeaderEpoch: 7,
      magic: 2,
      baseTimestamp: T0,
      maxTimestamp: T0 + 9,
      producerId: 2 ** 41 + 1,
      producerEpoch: 3,
      baseSequence: 2 ** 31 - 2,
      lastSequence: 0,
      recordCount: 3,
      logAppendTime: true,
      transactional: true,
      control: false,
      deleteHorizon: false,
      exact: true
    })
    expect(decodeRecords(batch).map((record) => record.timestamp)).toEqual([T0 + 9, T0 + 9, T0 + 9])
  })

  test('may be empty, as compaction leaves it', () => {
    const batch = buildBatch({ baseOffset: 10, lastOffsetDelta: 4, deleteHorizonMs: T0, control: true }, [])
    const header = readBatchHeader(batch, 0)
    expect(header).toMatchObject({ lastOffset: 14, recordCount: 0, deleteHorizon: true, control: true })
    expect(header.baseTimestamp).toBe(T0)
    expect(decodeRecords(batch)).toEqual([])
  })

  test('is moved to its offset without touching the checksum', () => {
    const batch = buildBatch({}, [{ value: Buffer.from('a'), timestamp: T0 }])
    setBaseOffset(batch, 0, 2 ** 45 + 3)
    setPartitionLeaderEpoch(batch, 0, 12)
    expect(verifyCrc(batch, 0)).toBe(true)
    expect(readBatchHeader(batch, 0)).toMatchObject({ baseOffset: 2 ** 45 + 3, partitionLeaderEpoch: 12 })
  })

  test('is stamped with the append time and loses the bits that mean nothing', () => {
    const batch = buildBatch({}, [{ value: Buffer.from('a'), timestamp: T0 }])
    batch[batchHeader.attributes + 1] |= 0x80
    updateCrc(batch, 0)
    setMaxTimestamp(batch, 0, T0 + 77, true)
    expect(verifyCrc(batch, 0)).toBe(true)
    const header = readBatchHeader(batch, 0)
    expect(header.attributes).toBe(batchAttributes.logAppendTime)
    expect(header.maxTimestamp).toBe(T0 + 77)
  })

  test('changed in any byte that the checksum covers is noticed', () => {
    const batch = buildBatch({ baseOffset: 1 }, [{ value: Buffer.from('hello'), timestamp: T0 }])
    for (let at = batchHeader.crc; at < batch.length; at++) {
      batch[at] ^= 0x10
      expect(verifyCrc(batch, 0)).toBe(false)
      batch[at] ^= 0x10
    }
    expect(verifyCrc(batch, 0)).toBe(true)
  })

  test('in shared memory is read like any other', () => {
    const batch = buildBatch({ baseOffset: 3 }, [{ value: Buffer.from('a'), timestamp: T0 }])
    const shared = Buffer.from(new SharedArrayBuffer(batch.length + 10))
    shared.set(batch, 10)
    expect(verifyCrc(shared, 10)).toBe(true)
    expect(decodeRecords(shared, 10)[0].value?.toString()).toBe('a')
  })

  test('whose numbers do not fit says so', () => {
    const batch = buildBatch({}, [{ value: null }])
    batch.writeUInt32BE(0x7fffffff, batchHeader.producerId)
    expect(readBatchHeader(batch, 0).exact).toBe(false)
  })

  test('counts the bytes of a record as it writes them', () => {
    fc.assert(fc.property(someRecord, (record) => {
      const bytes = recordBytes(record, record.timestamp ?? -1, 0)
      expect(buildBatch({}, [record]).length).toBe(batchHeaderBytes + bytes)
    }))
  })
})

describe('batches in a buffer', () => {
  const one = buildBatch({}, [{ value: Buffer.from('one'), timestamp: T0 }])
  const two = buildBatch({}, [{ value: Buffer.from('two is longer'), timestamp: T0 }])

  test('are found one after the other, up to the torn one', () => {
    const whole = Buffer.concat([one, two, one])
    for (let cut = 0; cut <= whole.length; cut++) {
      const seen: number[] = []
      const end = eachBatch(whole, 0, cut, (at) => seen.push(at))
      const ends = [one.length, one.length + two.length, whole.length].filter((bytes) => bytes <= cut)
      expect(seen).toEqual([0, ...ends].slice(0, ends.length))
      expect(end).toBe(ends.at(-1) ?? 0)
    }
  })

  test('are told from zeros and from formats that nobody knows', () => {
    expect(scanBatch(Buffer.alloc(100), 0, 100)).toBe(scan.badLength)
    const magic3 = Buffer.from(one)
    magic3[batchHeader.magic] = 3
    expect(scanBatch(magic3, 0, magic3.length)).toBe(scan.badMagic)
    expect(scanBatch(one, 0, one.length - 1)).toBe(scan.partial)
  })
})

describe('a walk over records', () => {
  const records: RecordInput[] = [
    { value: Buffer.from('a'), key: Buffer.from('k'), timestamp: T0 },
    { value: null, timestamp: T0 + 5000, headers: [{ key: 'h', value: null }, { key: '', value: Buffer.alloc(200) }] },
    { value: Buffer.alloc(20_000), key: Buffer.from('k'), timestamp: -1 }
  ]

  test('finds the newest time, its place, and order', () => {
    const found = walk(buildBatch({}, records))
    expect(found).toMatchObject({ result: walkResults.ok, count: 3, offsetsInOrder: true })
    expect(found).toMatchObject({ maxTimestamp: T0 + 5000, maxTimestampIndex: 1 })
    expect(walk(buildBatch({}, [records[0], { ...records[1], offsetDelta: 7 }])).offsetsInOrder).toBe(false)
  })

  test('names the records without a key and those out of time, one fault each', () => {
    const batch = buildBatch({}, records)
    const found = walk(batch, { keysNeeded: true, timestampMax: T0 + 1000, timestampMin: T0 + 1 })
    expect(found).toMatchObject({ result: walkResults.ok, keysMissing: 1, timestampsOutside: 1 })
    expect(listFaults(batch, batchHeaderBytes, T0, found).map(({ index, kind }) => [index, kind]))
      .toEqual([[0, 'timestamp'], [1, 'key']])
  })

  test('cut at any byte has no whole last record', () => {
    const batch = buildBatch({}, records)
    const found = new RecordWalk()
    for (let end = batchHeaderBytes; end < batch.length; end++) {
      const result = walkRecords(batch, batchHeaderBytes, end, 3, T0, found)
      if (result !== walkResults.truncated) expect.fail(`cut at ${end}: ${result}`)
    }
  })

  test('sees the end too early and too late', () => {
    const batch = buildBatch({}, records)
    batch.writeInt32BE(2, batchHeader.recordCount)
    expect(walk(batch).result).toBe(walkResults.remaining)
    batch.writeInt32BE(4, batchHeader.recordCount)
    expect(walk(batch).result).toBe(walkResults.truncated)
  })

  // The bytes are of the second of two records.
  test('refuses a record that lies about itself', () => {
    const body = (...bytes: number[]): Buffer => Buffer.from([bytes.length * 2, ...bytes])
    const cases: [Buffer, number][] = [
      [body(0, 0, 2, 1, 2, 0x62, 0), walkResults.ok],
      [body(9, 0, 14, 1, 2, 0x62, 0), walkResults.ok],
      [Buffer.from([6, 0, 0, 2, 1, 2, 0x62, 0]), walkResults.size],
      [Buffer.from([40, 0, 0, 2, 1, 2, 0x62, 0]), walkResults.truncated],
      [Buffer.from([1, 0, 0, 2, 1, 2, 0x62, 0]), walkResults.size],
      [body(0, 0, 2, 1, 2, 0x62, 8), walkResults.headerCount],
      [body(0, 0, 2, 1, 2, 0x62, 1), walkResults.headerCount],
      [body(0, 0, 2, 1, 2, 0x62, 2, 1, 2, 0x31), walkResults.headerKey],
      [body(0, 0, 2, 1, 2, 0x62, 2, 2, 0x61, 60), walkResults.size],
      [body(0, 0, 2, 1, 2, 0x62, 0, 0), walkResults.size],
      [body(0, 0, 2, 1, 60, 0x62, 0), walkResults.size],
      [body(0, 0, 2, 60, 2, 0x62, 0), walkResults.size],
      [body(0, 0, 0x82, 0x80, 0x80, 0x80, 0x80, 0, 1, 2, 0x62, 0), walkResults.size],
      [body(0, 0x82, 0x80, 0x80, 0x80, 0x80, 0, 2, 1, 2, 0x62, 0), walkResults.ok],
      [Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), walkResults.truncated]
    ]
    for (const [bytes, expected] of cases) {
      const first = body(0, 0, 0, 1, 2, 0x61, 0)
      const all = Buffer.concat([first, bytes, Buffer.alloc(3)])
      const found = new RecordWalk()
      const result = walkRecords(all, 0, first.length + bytes.length, 2, T0, found)
      expect(result, bytes.toString('hex')).toBe(expected)
      expect(found.count).toBe(expected === walkResults.ok ? 2 : 1)
    }
  })

  test('of random bytes ends, and reads nothing as whole that decoding would not take', () => {
    const batch = buildBatch({}, records.slice(0, 2))
    fc.assert(fc.property(fc.nat(batch.length - batchHeaderBytes - 1), fc.nat(255), (at, byte) => {
      const hurt = Buffer.from(batch)
      hurt[batchHeaderBytes + at] = byte
      if (walk(hurt).result === walkResults.ok) expect(decodeRecords(hurt).length).toBe(2)
      else expect(() => decodeRecords(hurt)).toThrow('record')
    }), { numRuns: 2000 })
  })

  test('finds the same whether or not the usual records are walked on their own', () => {
    const usual = fc.record({
      key: fc.option(fc.uint8Array({ maxLength: 100 })),
      value: fc.option(fc.uint8Array({ maxLength: 300 }), { freq: 20 }),
      timestamp: fc.integer({ min: T0, max: T0 + 9000 })
    })
    const rules = fc.record({
      keysNeeded: fc.boolean(),
      timestampMin: fc.constantFrom(-Infinity, T0, T0 + 4000),
      timestampMax: fc.constantFrom(Infinity, T0 + 9000, T0 + 4000)
    })
    const change = fc.option(fc.tuple(fc.nat(), fc.nat(255)))
    const some = fc.array(usual, { minLength: 1, maxLength: 12 })
    fc.assert(fc.property(some, rules, change, (input, given, changed) => {
      const batch = buildBatch({}, input)
      const bytes = batch.subarray(batchHeaderBytes)
      if (changed !== null) bytes[changed[0] % bytes.length] = changed[1]
      const { baseTimestamp } = readBatchHeader(batch, 0)
      const both = Object.assign(new RecordWalk(), given)
      walkRecords(bytes, 0, bytes.length, input.length, baseTimestamp, both)
      const alone = Object.assign(new RecordWalk(), given)
      walkEachRecord(bytes, 0, bytes.length, 0, input.length, baseTimestamp, alone)
      if (alone.result === walkResults.ok) expect(both).toEqual(alone)
      else expect([both.result, both.count]).toEqual([alone.result, alone.count])
    }), { numRuns: 5000 })
  })

  test('of many usual records counts on with three-byte offsets', () => {
    const found = walk(buildBatch({}, Array.from({ length: 20_000 }, (_, index) =>
      ({ value: Buffer.from('v'), timestamp: T0 + index % 100 }))))
    expect(found).toMatchObject({ result: walkResults.ok, count: 20_000, offsetsInOrder: true })
    expect(found).toMatchObject({ maxTimestamp: T0 + 99, maxTimestampIndex: 99 })
  })

  test('goes over compressed records too', () => {
    const batch = buildBatch({ compression: codecIds.lz4 }, records)
    const found = new RecordWalk()
    const header = readBatchHeader(batch, 0, new BatchHeader())
    expect(walkCompressed(batch, 0, header, found)).toBe(walkResults.ok)
    expect(found).toMatchObject({ count: 3, maxTimestamp: T0 + 5000, maxTimestampIndex: 1 })
    expect(() => walkCompressed(batch, 0, header, found, 1000)).toThrow('more than 1000 bytes')
  })
})
