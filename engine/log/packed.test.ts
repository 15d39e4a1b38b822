// What a topic's compression.type, its levels and its bound on unpacked bytes do to a batch on its way in.
import { describe, expect, it } from 'vitest'
import { codecIds } from '../protocol/compression/index.ts'
import { errorName } from '../protocol/errors.ts'
import { buildBatch, decodeRecords } from '../protocol/record.ts'
import { readBatchHeader, verifyCrc } from '../protocol/record-batch.ts'
import { newLog, now } from './testing/kit.ts'
import { type LogConfig } from './types.ts'

const words = 'the quick brown fox jumps over the lazy dog and runs '
const records = Array.from({ length: 200 }, (_, n) => ({
  key: Buffer.from(`k${n}`), value: Buffer.from(`${words.slice(n % 40)}${n * 7919}`), timestamp: now + n % 7
}))

function stored (codec: keyof typeof codecIds, config: Partial<LogConfig>): Buffer {
  const { log } = newLog({ timestampAfterMaxMs: -1, ...config })
  const options = { compression: codecIds[codec], producerId: 4, producerEpoch: 1, baseSequence: 9 }
  const answer = log.stageAsLeader(buildBatch(options, records), 'client', now)
  expect(errorName(answer.errorCode)).toBe('NONE')
  log.write(now)
  return log.parts.disk.readFile(log.active.path).subarray(0, log.active.bytes)
}

describe('compression.type', () => {
  const targets = { uncompressed: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
  for (const from of Object.keys(codecIds) as (keyof typeof codecIds)[]) {
    for (const [compressionType, codec] of Object.entries(targets)) {
      it(`stores ${from} as ${compressionType}, with all that was in it`, () => {
        const batch = stored(from, { compressionType })
        const header = readBatchHeader(batch, 0)
        const { producerId, producerEpoch, baseSequence } = header
        expect([header.codec, producerId, producerEpoch, baseSequence]).toEqual([codec, 4, 1, 9])
        expect(verifyCrc(batch, 0)).toBe(true)
        const left = decodeRecords(batch).map(({ key, value, timestamp }) => ({ key, value, timestamp }))
        expect(left).toEqual(records)
      })
    }
  }

  it.each(Object.keys(targets))('numbers records anew on their way to %s, with their batch\'s time', (compressionType) => {
    for (const logAppendTime of [false, true]) {
      const { log } = newLog({ timestampAfterMaxMs: -1, compressionType })
      const mixed = records.map((record, n) => ({ ...record, offsetDelta: (n + 7) % 200 }))
      const from = compressionType === 'snappy' ? codecIds.zstd : codecIds.snappy
      const options = { compression: from, logAppendTime, maxTimestamp: now + 9, lastOffsetDelta: 199 }
      const batch = buildBatch(options, mixed)
      expect(errorName(log.stageAsLeader(batch, 'client', now).errorCode)).toBe('NONE')
      log.write(now)
      const bytes = log.parts.disk.readFile(log.active.path).subarray(0, log.active.bytes)
      const left = decodeRecords(bytes).map(({ headers, ...record }) => record)
      const timeOf = (timestamp: number): number => logAppendTime ? now + 9 : timestamp
      const wanted = records.map((record, offset) => {
        return { ...record, offset, timestamp: timeOf(record.timestamp) }
      })
      expect(left).toEqual(wanted)
      expect(readBatchHeader(bytes, 0).maxTimestamp).toBe(now + (logAppendTime ? 9 : 6))
    }
  })

  it('compresses with the level of the topic', () => {
    const bytes = (gzip: number, zstd: number, compressionType: string): number =>
      stored('none', { compressionType, compressionLevels: { gzip, lz4: 9, zstd } }).length
    expect(bytes(9, 3, 'gzip')).toBeLessThan(bytes(1, 3, 'gzip'))
    expect(bytes(-1, 19, 'zstd')).toBeLessThan(bytes(-1, -100, 'zstd'))
  })

  it('refuses what unfolds to more than max.decompressed.message.bytes, with any target', () => {
    for (const compressionType of ['producer', 'lz4']) {
      const { log } = newLog({ decompressedBytesMax: 100_000, compressionType })
      const value = Buffer.alloc(1 << 20)
      const bomb = buildBatch({ compression: codecIds.zstd }, [{ value, timestamp: now }])
      expect(bomb.length).toBeLessThan(1000)
      expect(errorName(log.stageAsLeader(bomb, 'client', now).errorCode)).toBe('MESSAGE_TOO_LARGE')
    }
  })
})
