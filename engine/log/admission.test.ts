import { describe, expect, it } from 'vitest'
import { errorName } from '../protocol/errors.ts'
import {
  buildBatch, type BatchOptions, decodeRecords, type RecordInput, wrapBatch
} from '../protocol/record.ts'
import {
  batchHeader, readBatchHeader, updateCrc, verifyCrc, writeInt16, writeInt32, writeInt64
} from '../protocol/record-batch.ts'
import { contents, newLog, now } from './testing/kit.ts'
import { type LogConfig } from './types.ts'

interface Outcome { error: string, base: number, start: number, message: boolean, records: number[] }

/** What one append as a client's answers. */
function outcome (
  bytes: Buffer, config: Partial<LogConfig> = {}, kind: 'client' | 'coordinator' = 'client'
): Outcome {
  const { log } = newLog(config)
  const answer = log.stageAsLeader(bytes, kind, now)
  const { errorCode, baseOffset, logStartOffset, errorMessage, recordErrors } = answer
  return {
    error: errorName(errorCode),
    base: baseOffset,
    start: logStartOffset,
    message: errorMessage !== null,
    records: recordErrors.map(({ batchIndex }) => batchIndex)
  }
}

const plain: RecordInput[] = ['a', 'b', 'c'].map(value => ({ value: Buffer.from(value), timestamp: now }))

function changed (change: (bytes: Buffer) => void, options: BatchOptions = {}): Buffer {
  const bytes = buildBatch(options, plain)
  change(bytes)
  updateCrc(bytes, 0)
  return bytes
}

const early = { base: -1, start: -1, message: false, records: [] }
const late = { base: -1, start: 0, message: false, records: [] }

describe('admission as Kafka', () => {
  const cases: [string, Buffer, object][] = [
    ['nothing', Buffer.alloc(0), { error: 'INVALID_RECORD', ...early }],
    ['five bytes', buildBatch({}, plain).subarray(0, 5), { error: 'INVALID_RECORD', ...early }],
    ['sixteen bytes', buildBatch({}, plain).subarray(0, 16), { error: 'INVALID_RECORD', ...early }],
    ['a byte less', buildBatch({}, plain).subarray(0, -1), { error: 'INVALID_RECORD', ...early }],
    ['zeros', Buffer.alloc(80), { error: 'CORRUPT_MESSAGE', ...early, message: true }],
    ['magic 1', changed(bytes => { bytes[16] = 1 }), { error: 'INVALID_RECORD', ...early }],
    ['magic 3', changed(bytes => { bytes[16] = 3 }), { error: 'CORRUPT_MESSAGE', ...early, message: true }],
    ['two batches', Buffer.concat([buildBatch({}, plain), buildBatch({}, plain)]), { error: 'INVALID_RECORD', ...early }],
    ['a wrong checksum', wrongCrc(), { error: 'CORRUPT_MESSAGE', ...early }],
    ['too short for its header', tooShort(), { error: 'CORRUPT_MESSAGE', ...early }],
    ['a base offset', changed(bytes => { writeInt64(bytes, 0, 7) }), { error: 'INVALID_RECORD', ...late }],
    ['a small last delta', changed(bytes => { writeInt32(bytes, batchHeader.lastOffsetDelta, 1) }), { error: 'INVALID_RECORD', ...late }],
    ['a large last delta', changed(bytes => { writeInt32(bytes, batchHeader.lastOffsetDelta, 5) }), { error: 'INVALID_RECORD', ...late }],
    ['a small count', count(2, 1), { error: 'INVALID_RECORD', ...late }],
    ['a large count', count(4, 3), { error: 'INVALID_RECORD', ...late }],
    ['no records', wrapBatch(Buffer.alloc(0), 0, 0, now, now, {}), { error: 'INVALID_RECORD', ...late }],
    ['a control batch', buildBatch({ control: true }, plain), { error: 'INVALID_RECORD', ...late }],
    ['a transactional batch', buildBatch({ transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }, plain),
      { error: 'INVALID_RECORD', ...late }],
    ['a producer without sequence', buildBatch({ producerId: 1, producerEpoch: 0 }, plain), { error: 'INVALID_RECORD', ...late }],
    ['an unknown codec', changed(bytes => { writeInt16(bytes, batchHeader.attributes, 5) }),
      { error: 'UNKNOWN_SERVER_ERROR', ...late }],
    ['damaged compression', changed(bytes => { writeInt16(bytes, batchHeader.attributes, 1) }),
      { error: 'UNKNOWN_SERVER_ERROR', ...late }],
    ['unknown attributes', changed(bytes => { writeInt16(bytes, batchHeader.attributes, 0x80) }),
      { error: 'NONE', base: 0, start: 0, message: false, records: [] }],
    ['half a batch behind', Buffer.concat([buildBatch({}, plain), buildBatch({}, plain).subarray(0, 30)]),
      { error: 'NONE', base: 0, start: 0, message: false, records: [] }]
  ]
  it.each(cases)('%s', (_, bytes, expected) => {
    expect(outcome(Buffer.from(bytes))).toEqual(expected)
  })

  it('refuses what is larger than the topic or a segment takes', () => {
    expect(outcome(buildBatch({}, plain), { maxMessageBytes: 80 }))
      .toEqual({ error: 'MESSAGE_TOO_LARGE', ...early })
    expect(outcome(buildBatch({}, plain), { segmentBytes: 80 }))
      .toEqual({ error: 'RECORD_LIST_TOO_LARGE', ...early })
  })

  it('names the records without a key on a compacted topic', () => {
    const records = [{ key: Buffer.from('k'), value: null }, { value: null }, { value: null }]
    for (const compression of [0, 1, 3] as const) {
      expect(outcome(buildBatch({ compression }, records), { compacts: true }))
        .toEqual({ error: 'INVALID_RECORD', base: -1, start: 0, message: true, records: [1, 2] })
    }
  })

  it('names the records whose time is too far away', () => {
    const records = [now, now + 4_000_000, now - 4_000_000].map(timestamp => ({ value: null, timestamp }))
    const refused = { error: 'INVALID_TIMESTAMP', base: -1, start: 0, message: true }
    expect(outcome(buildBatch({}, records))).toEqual({ ...refused, records: [1] })
    const narrow = { timestampBeforeMaxMs: 60_000 }
    expect(outcome(buildBatch({}, records), narrow)).toEqual({ ...refused, records: [1, 2] })
    expect(outcome(buildBatch({}, records), { logAppendTime: true }).error).toBe('NONE')
    const claimed = buildBatch({ logAppendTime: true }, plain)
    expect(outcome(claimed, { logAppendTime: true })).toEqual({ ...refused, records: [0, 1, 2] })
  })

  it('answers every codec in kind and finds the records again', () => {
    for (const compression of [0, 1, 2, 3, 4] as const) {
      const { log } = newLog()
      expect(log.stageAsLeader(buildBatch({ compression }, plain), 'client', now).errorCode).toBe(0)
      log.write(now)
      expect(contents(log)).toEqual([[0, 'a'], [1, 'b'], [2, 'c']])
    }
  })

  it('packs anew where the topic wants another codec', () => {
    for (const [index, compressionType] of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].entries()) {
      const { log } = newLog({ compressionType })
      const result = log.stageAsLeader(buildBatch({ compression: index === 1 ? 0 : 1 }, plain), 'client', now)
      expect(result.errorCode).toBe(0)
      const stored = log.write(now)[0].bytes
      expect(readBatchHeader(stored, 0).codec).toBe(index)
      expect(verifyCrc(stored, 0)).toBe(true)
      expect(decodeRecords(stored).map(record => [record.value?.toString(), record.timestamp]))
        .toEqual([['a', now], ['b', now], ['c', now]])
    }
  })

  it('corrects a wrong newest time, and sets its own where the topic says so', () => {
    const { log } = newLog()
    log.stageAsLeader(buildBatch({ maxTimestamp: now + 5000 }, plain), 'client', now)
    const corrected = log.write(now)[0].bytes
    expect(readBatchHeader(corrected, 0).maxTimestamp).toBe(now)
    expect(verifyCrc(corrected, 0)).toBe(true)
    const own = newLog({ logAppendTime: true }).log
    expect(own.stageAsLeader(buildBatch({}, plain), 'client', now + 77).logAppendTimeMs).toBe(now + 77)
    const stored = own.write(now)[0].bytes
    expect(readBatchHeader(stored, 0)).toMatchObject({ maxTimestamp: now + 77, logAppendTime: true })
    expect(verifyCrc(stored, 0)).toBe(true)
  })

  it('stops a bomb', () => {
    const bomb = buildBatch({ compression: 4 }, [{ value: Buffer.alloc(140 << 20) }])
    expect(bomb.length).toBeLessThan(100_000)
    expect(outcome(bomb).error).toBe('MESSAGE_TOO_LARGE')
  })

  it('lets a coordinator write control and transactional batches', () => {
    const options = { control: true, transactional: true, producerId: 5, producerEpoch: 0 }
    expect(outcome(buildBatch(options, plain), {}, 'coordinator').error).toBe('NONE')
  })

  it('takes offset deltas as they come, but not in a compressed batch', () => {
    const records = plain.map((record, index) => ({ ...record, offsetDelta: index === 1 ? 7 : index }))
    expect(outcome(buildBatch({}, records)).error).toBe('NONE')
    expect(outcome(buildBatch({ compression: 1 }, records)).error).toBe('UNKNOWN_SERVER_ERROR')
  })
})

function wrongCrc (): Buffer {
  const bytes = buildBatch({}, plain)
  writeInt32(bytes, batchHeader.crc, 12345)
  return bytes
}

/** A whole batch by its length, smaller than a header. */
function tooShort (): Buffer {
  const bytes = buildBatch({}, plain).subarray(0, 40)
  writeInt32(bytes, batchHeader.length, 28)
  return bytes
}

function count (records: number, delta: number): Buffer {
  return changed(bytes => {
    writeInt32(bytes, batchHeader.recordCount, records)
    writeInt32(bytes, batchHeader.lastOffsetDelta, delta)
  })
}
