// Batches that are checked on a disk thread: what comes behind them on their partition keeps its order, and
// all others go on.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { codecIds } from '../protocol/compression/index.ts'
import { errorCodes } from '../protocol/errors.ts'
import { buildBatch, decodeRecords } from '../protocol/record.ts'
import { eachBatch } from '../protocol/record-batch.ts'
import { type AppendResult, type LogConfig } from '../log/types.ts'
import { type Border } from './border.ts'
import { type ReadResult } from './log-client.ts'
import { releasePieces } from './pieces.ts'
import {
  append, batchOf, client, openRow, type Opened, placeFor, type Place, plainConfig, startLog
} from './log-client.testing.ts'

type Codec = keyof typeof codecIds

/** Noise, so that it stays large. */
function packed (codec: Codec, bytes: number, seed = 1, records = 10): Buffer {
  const value = (n: number): Buffer => {
    const noise = Buffer.alloc(Math.ceil(bytes / records))
    for (let at = 0, state = seed * 7919 + n; at < noise.length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      noise[at] = state >>> 16
    }
    return noise
  }
  const all = Array.from({ length: records }, (_, n) => ({ value: value(n), timestamp: 1_700_000_000_000 }))
  return buildBatch({ compression: codecIds[codec] }, all)
}

async function contents (log: Border, row: number): Promise<Buffer[]> {
  const bytes = await log.readBytes(row, 0, 'end', 2 ** 26)
  const batches: Buffer[] = []
  eachBatch(bytes, 0, bytes.length, (at, length) => batches.push(bytes.subarray(at, at + length)))
  return batches
}

describe.each(['inline', 'worker'] as const)('a batch that takes long to check, %s', (kind) => {
  let place: Place
  let opened: Opened
  let log: Border

  beforeEach(async () => {
    place = placeFor(kind)
    opened = await startLog(place, { memoryBytes: 2 ** 26 })
    log = opened.log
  })

  afterEach(async () => {
    await log.close(opened.failures.length === 0)
    expect(log.arena.heldCells).toBe(0)
    place.drop()
  })

  /** Appends without waiting; notes who was answered, in order. */
  function sender () {
    const answered: string[] = []
    const send = async (row: number, batch: Buffer, name: string): Promise<AppendResult> => {
      const result = await append(log, row, batch)
      answered.push(name)
      return result
    }
    return { send, answered }
  }

  it('keeps what comes behind it waiting, in order, and nobody else', async () => {
    const [slow, other] = [await openRow(log, 0), await openRow(log, 1)]
    const { send, answered } = sender()
    const sent = [
      send(slow, batchOf('0'), 'before'),
      send(slow, packed('gzip', 2_000_000), 'gzip'),
      send(slow, batchOf('1'), 'behind'),
      send(slow, packed('lz4', 300_000), 'lz4'),
      send(slow, packed('zstd', 3_000), 'small'),
      send(other, batchOf('2'), 'other')
    ]
    const results = await Promise.all(sent)
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0, 0, 0, 0])
    expect(results.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 11, 12, 22, 0])
    expect(answered).toEqual(['before', 'other', 'gzip', 'behind', 'lz4', 'small'])
    const counts = (await contents(log, slow)).map(batch => decodeRecords(batch).length)
    expect(counts).toEqual([1, 10, 1, 10, 10])
  })

  it('is served from the tail as it was written', async () => {
    const row = await openRow(log)
    await append(log, row, packed('gzip', 200_000))
    const read = log.read(row, 0, 'end', 2 ** 20, true)
    expect(read).not.toBeInstanceOf(Promise)
    const [batch] = await contents(log, row)
    log.dropTail(row)
    expect((await contents(log, row))[0].equals(batch)).toBe(true)
    releasePieces((read as ReadResult).records.pieces)
  })

  it('lets calls see the log as all before them left it', async () => {
    const row = await openRow(log)
    const first = append(log, row, packed('gzip', 500_000))
    const seen = log.endOffsetForEpoch(row, 1)
    const second = append(log, row, batchOf('x', 3))
    const follows = log.becomeFollower(row, 2)
    const third = append(log, row, batchOf('y'))
    expect((await seen).endOffset).toBe(10)
    expect([(await first).baseOffset, (await second).baseOffset]).toEqual([0, 10])
    await follows
    expect((await third).errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
  })

  it('is there before it is cut or removed', async () => {
    const row = await openRow(log)
    const first = append(log, row, packed('gzip', 500_000))
    await log.truncateTo(row, 0)
    expect([(await first).baseOffset, log.table.end(row)]).toEqual([0, 0])
    const second = append(log, row, packed('gzip', 500_000))
    await log.remove(row)
    expect((await second).baseOffset).toBe(0)
    expect(log.table.end(await openRow(log))).toBe(0)
  })

  it('is checked by the settings of its time', async () => {
    const row = await openRow(log)
    const before = append(log, row, packed('gzip', 100_000))
    log.configure(row, { ...plainConfig, maxMessageBytes: 10_000 })
    const after = append(log, row, packed('gzip', 100_000))
    const small = append(log, row, batchOf('s'))
    expect((await before).errorCode).toBe(errorCodes.NONE)
    expect((await after).errorCode).toBe(errorCodes.MESSAGE_TOO_LARGE)
    expect((await small).baseOffset).toBe(10)
  })

  it('is written when the log is closed behind it', async () => {
    const row = await openRow(log)
    const results = [append(log, row, packed('gzip', 500_000)), append(log, row, batchOf('1'))]
    await log.close(true)
    expect((await Promise.all(results)).map(({ baseOffset }) => baseOffset)).toEqual([0, 10])
    opened = await startLog(place)
    log = opened.log
    expect(log.table.end(await openRow(log))).toBe(11)
  })

  it('is packed anew there, as large as a message may be and no larger', async () => {
    const config: LogConfig = { ...plainConfig, compressionType: 'uncompressed', maxMessageBytes: 300_000 }
    const row = await openRow(log, 0, config)
    expect(await append(log, row, packed('gzip', 200_000))).toMatchObject({ errorCode: 0, lastOffset: 9 })
    const zeros = buildBatch({ compression: codecIds.gzip }, [{ value: Buffer.alloc(400_000), timestamp: 1 }])
    expect((await append(log, row, zeros)).errorCode).toBe(errorCodes.MESSAGE_TOO_LARGE)
    const [batch] = await contents(log, row)
    expect(batch.length).toBeGreaterThan(200_000)
    expect(decodeRecords(batch)[9].value).toEqual(decodeRecords(packed('gzip', 200_000))[9].value)
  })

  it('is refused with the records to blame, as if it were small', async () => {
    const row = await openRow(log, 0, { ...plainConfig, compacts: true })
    const refused = await append(log, row, packed('gzip', 1000, 1, 3))
    expect(refused.errorCode).toBe(errorCodes.INVALID_RECORD)
    expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1, 2])
    expect(refused.errorMessage).toContain('3 records')
    const damaged = packed('gzip', 100_000)
    damaged[500] ^= 1
    expect((await append(log, row, damaged)).errorCode).toBe(errorCodes.CORRUPT_MESSAGE)
  })

  it('is known again when it is sent again', async () => {
    const row = await openRow(log)
    const options = { compression: codecIds.gzip, producerId: 9, producerEpoch: 0 }
    const batches = [0, 1, 2].map((baseSequence) => {
      const value = Buffer.alloc(100_000, baseSequence)
      return buildBatch({ ...options, baseSequence }, [{ value, timestamp: 1 }])
    })
    const results = await Promise.all([...batches, ...batches].map(batch => append(log, row, batch)))
    expect(results.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2, 0, 1, 2])
    expect(results.map(({ duplicate }) => duplicate)).toEqual([false, false, false, true, true, true])
  })

  it('fails with its worker, and with what waits behind it', async () => {
    const [row, other] = [await openRow(log), await openRow(log, 1)]
    const errors: number[] = []
    const waiter = { appended: (_: number, { errorCode }: AppendResult) => { errors.push(errorCode) } }
    log.append(row, packed('gzip', 500_000), client, waiter, 0)
    log.append(row, batchOf('behind'), client, waiter, 1)
    await expect(log.breakWorker(other)).rejects.toThrow('told to break')
    expect(errors).toEqual([errorCodes.UNKNOWN_SERVER_ERROR, errorCodes.UNKNOWN_SERVER_ERROR])
    expect(opened.failures.length).toBe(1)
    // A thread may still write to it.
    if (kind === 'inline') expect(log.arena.heldCells).toBeGreaterThan(0)
  })
})

describe('a batch that is being checked when its directory fails', () => {
  it('is refused as what waits behind it, and its memory comes back', async () => {
    const disk = new FaultyDisk()
    const { log, failedDirectories } = await startLog({ kind: 'inline', disk, folder: '/logs', drop () {} })
    const [row, other] = [await openRow(log), await openRow(log, 1)]
    disk.failWith({ operation: 'write', code: 'EIO' })
    const sent = [
      append(log, row, packed('gzip', 500_000)),
      append(log, row, batchOf('behind')),
      append(log, other, batchOf('x'))
    ]
    const results = await Promise.all(sent)
    const failed = errorCodes.KAFKA_STORAGE_ERROR
    expect(results.map(({ errorCode }) => errorCode)).toEqual([failed, failed, failed])
    expect(failedDirectories).toEqual(['/logs'])
    await log.close(false)
    expect(log.arena.heldCells).toBe(0)
  })
})
