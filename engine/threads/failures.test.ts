import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { realClock } from '../base/clock-real.ts'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { errorCodes } from '../protocol/errors.ts'
import { buildBatch } from '../protocol/record.ts'
import { getBaseOffset, verifyCrc } from '../protocol/record-batch.ts'
import { type Border } from './border.ts'
import { cellBytes } from './cells.ts'
import {
  append, batchOf, bytesOf, client, openRow, type Opened, type Place, plainConfig, startLog
} from './log-client.testing.ts'
import { type ReadResult } from './log-client.ts'
import { releasePieces } from './pieces.ts'

describe('when a disk fails', () => {
  let disk: FaultyDisk
  let place: Place
  let opened: Opened
  let log: Border
  const directories = ['/a', '/b']

  beforeEach(async () => {
    disk = new FaultyDisk()
    place = { kind: 'inline', disk, folder: '/a', drop () {} }
    opened = await startLog(place, { directories })
    log = opened.log
  })

  afterEach(async () => {
    disk.heal()
    await log.close(false)
    expect(log.arena.heldCells).toBe(0)
  })

  it('its directory goes offline, told once; the other serves on', async () => {
    const rows = [await openRow(log, 0), await openRow(log, 1)]
    for (const row of rows) await append(log, row, batchOf('good'))
    disk.failWith({ operation: 'write', code: 'EIO', path: '/a/' })
    const both = (row: number) => [append(log, row, batchOf('x')), append(log, row, batchOf('y'))]
    const answers = await Promise.all(rows.flatMap(both))
    const bad = errorCodes.KAFKA_STORAGE_ERROR
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([bad, bad, 0, 0])
    expect(opened.failedDirectories).toEqual(['/a'])
    expect(opened.failures).toEqual([])
    expect((await append(log, rows[0], batchOf('z'))).errorCode).toBe(bad)
    expect((log.read(rows[0], 0, 'high-watermark', 100, true) as ReadResult).errorCode).toBe(bad)
    const other = { topic: 'other', topicId: '11111111-89ab-4def-8123-456789abcdef', partition: 0 }
    const next = await log.open(other, plainConfig)
    expect(next.errorCode).toBe(0)
    expect(disk.list('/b')).toContain('other-0')
    await log.close(true)
    expect(disk.status('/a/.kafka_cleanshutdown')).toBe(null)
    expect(disk.status('/b/.kafka_cleanshutdown')).not.toBe(null)
  })

  it('what an fsync lost is never acknowledged, and the fsync not tried again', async () => {
    const row = await openRow(log, 0, { ...plainConfig, durability: 'group-commit' })
    await append(log, row, batchOf('a', 2))
    while (log.table.highWatermark(row) < 2) await new Promise(resolve => setImmediate(resolve))
    disk.failWith({ operation: 'fsync', code: 'EIO', times: 1 })
    await append(log, row, batchOf('b', 2))
    while (opened.failedDirectories.length === 0) await new Promise(resolve => setImmediate(resolve))
    expect(log.table.highWatermark(row)).toBe(2)
    expect((await append(log, row, batchOf('c'))).errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(log.table.highWatermark(row)).toBe(2)
  })

  it('a read that the device refuses takes the directory offline too', async () => {
    const row = await openRow(log)
    await append(log, row, batchOf('a'))
    log.dropTail(row)
    disk.failWith({ operation: 'read', code: 'EIO' })
    const result = await log.read(row, 0, 'high-watermark', 100, true)
    expect(result.errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(opened.failedDirectories).toEqual(['/a'])
  })

  it('L19 too many open files are no fault of the disk: only who needs one is refused, and only now', async () => {
    const rows = [await openRow(log, 0), await openRow(log, 2)]
    disk.failWith({ operation: 'open', code: 'EMFILE', times: 1 })
    expect((await append(log, rows[0], batchOf('a'))).errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect((await append(log, rows[1], batchOf('b'))).errorCode).toBe(0)
    expect(opened.failedDirectories).toEqual([])
    expect(await append(log, rows[0], batchOf('c'))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect((await bytesOf(log.read(rows[0], 0, 'high-watermark', 1000, true))).toString()).toContain('c')
  })

  it.each(Array.from({ length: 10 }, (_, after) => after))(
    'L19 a log that cannot open file %i of its next segment goes on in it later', async (after) => {
      const producer = { producerId: 7, producerEpoch: 0 }
      const records = [{ key: null, value: Buffer.alloc(60_000, 'x'), timestamp: 1_700_000_000_000, headers: [] }]
      const batch = (baseSequence: number) => buildBatch({ ...producer, baseSequence }, records)
      const row = await openRow(log, 0, { ...plainConfig, segmentBytes: 100_000, durability: 'group-commit' })
      for (let n = 0; n < 2; n++) expect((await append(log, row, batch(n))).errorCode).toBe(0)
      const healed = disk.failWith({ operation: 'open', code: 'EMFILE', after, path: '/a/' })
      const refused: number[] = []
      for (let n = 2; n < 5; n++) {
        const { errorCode } = await append(log, row, batch(n))
        if (errorCode !== 0) refused.push(n)
        if (errorCode !== 0) break
      }
      healed()
      log.tick(realClock.nowMs())
      const next = refused[0] ?? 5
      for (let n = next; n < 8; n++) {
        expect(await append(log, row, batch(n))).toMatchObject({ errorCode: 0, baseOffset: n })
      }
      while (log.table.highWatermark(row) < 8) {
        log.tick(realClock.nowMs())
        await new Promise(resolve => setImmediate(resolve))
      }
      expect(opened.failedDirectories).toEqual([])
      expect(opened.failures).toEqual([])
    })

  it('a directory that cannot be opened is left out at start', async () => {
    await log.close(true)
    disk.failWith({ operation: 'make', code: 'EROFS', path: '/a' })
    opened = await startLog(place, { directories })
    log = opened.log
    expect(opened.failedDirectories).toEqual(['/a'])
    const row = await openRow(log)
    expect((await append(log, row, batchOf('b'))).errorCode).toBe(0)
  })
})

describe('a bit that turns in a file', () => {
  it('L5 is shown to readers as it is, and named where it must be looked into; others are not harmed', async () => {
    const disk = new FaultyDisk()
    const lines: [string | object, string | undefined][] = []
    const logger: Logger = { ...silentLogger, error: (fields, message) => lines.push([fields, message]) }
    const { log, failures, failedDirectories } = await startLog(
      { kind: 'inline', disk, folder: '/a', drop () {} }, { logger })
    const row = await openRow(log, 0, { ...plainConfig, segmentBytes: 1000 })
    const other = await openRow(log, 1)
    for (let n = 0; n < 9; n++) await append(log, row, batchOf(String(n), 2, 150, 1_700_000_000_000 + n))
    await append(log, other, batchOf('fine'))
    const path = '/a/orders-0/00000000000000000000.log'
    const file = disk.open(path, 'write')
    const bytes = disk.readFile(path)
    const position = bytes.length / 2
    bytes[position + 61] ^= 0x40 // the length of its first record
    disk.writev(file, [bytes], 0)
    disk.close(file)
    log.dropTail(row)

    const read = await bytesOf(log.read(row, 2, 'end', 2 ** 20, true))
    expect([getBaseOffset(read, 0), verifyCrc(read, 0)]).toEqual([2, false])
    await expect(log.offsetForTime(row, 1_700_000_000_001, 'end')).rejects.toMatchObject({
      errorCode: errorCodes.CORRUPT_MESSAGE
    })
    expect(lines).toEqual([[{ path, position }, 'a batch of the log is damaged']])
    expect(await log.offsetForTime(row, 1_700_000_000_005, 'end')).toMatchObject({ offset: 10 })
    expect((await append(log, row, batchOf('next'))).errorCode).toBe(0)
    expect((await bytesOf(log.read(other, 0, 'end', 2 ** 20, true))).length).toBe(batchOf('fine').length)
    expect([failures, failedDirectories]).toEqual([[], []])
    await log.close(true)
  })
})

describe('readers that do not read', () => {
  it('hold a quarter of the memory at most: more is answered from the files', async () => {
    const place: Place = { kind: 'inline', disk: new FaultyDisk(), folder: '/a', drop () {} }
    const { log } = await startLog(place)
    const row = await openRow(log)
    const batch = batchOf('b', 6, 10_000)
    const count = Math.floor(log.arena.budgetBytes / cellBytes) * 3
    for (let index = 0; index < count; index++) await append(log, row, batch)
    const answers: ReadResult[] = []
    for (let index = 0; index < count; index++) {
      answers.push(await log.read(row, index * 6, 'high-watermark', batch.length, true))
    }
    expect(answers.every(({ records }) => records.bytes === batch.length)).toBe(true)
    expect(log.arena.heldCells * cellBytes).toBeLessThanOrEqual(log.arena.budgetBytes * 3 / 4 + 2 * cellBytes)
    // Producers go on, and what was answered is still to be had.
    for (let index = 0; index < count; index++) expect((await append(log, row, batch)).errorCode).toBe(0)
    releasePieces(answers.slice(0, -10).flatMap(({ records }) => records.pieces))
    for (const answer of answers.slice(-10)) {
      expect((await bytesOf(answer)).subarray(61).equals(batch.subarray(61))).toBe(true)
    }
    await log.close(true)
    expect(log.arena.heldCells).toBe(0)
  })

  it('may have all memory for history: who reads is answered all the same', async () => {
    const place: Place = { kind: 'inline', disk: new FaultyDisk(), folder: '/a', drop () {} }
    const { log } = await startLog(place)
    const row = await openRow(log)
    const batch = batchOf('b', 6, 100_000)
    for (let index = 0; index < 40; index++) await append(log, row, batch)
    log.dropTail(row)
    const read = (index: number) => log.read(row, index * 6, 'high-watermark', 2 * batch.length, true)
    const unread: ReadResult[] = []
    for (let index = 0; log.arena.takeHistoryCell() >= 0; index++) unread.push(await read(index % 30))
    const held = log.arena.heldCells
    const bytes = await bytesOf(read(31))
    expect(bytes.length).toBe(2 * batch.length)
    expect(bytes.subarray(batch.length + 61).equals(batch.subarray(61))).toBe(true)
    expect(log.arena.heldCells).toBe(held)
    expect(log.arena.waiting).toBe(0)
    await log.close(false)
  })

  it('of a long answer from the tail keep a megabyte; the rest is a range of the file', async () => {
    const place: Place = { kind: 'inline', disk: new FaultyDisk(), folder: '/a', drop () {} }
    const { log } = await startLog(place)
    const row = await openRow(log)
    for (let index = 0; index < 100; index++) await append(log, row, batchOf(String(index), 3, 10_000))
    const tail = log.read(row, 3, 'high-watermark', 2_500_000, true) as ReadResult
    expect(tail.records.bytes).toBe(2_500_000)
    expect(tail.records.pieces.map(piece => (piece as { kind: string }).kind)).toContain('file')
    const fromTail = await bytesOf(tail)
    log.dropTail(row)
    const fromFile = await bytesOf(log.read(row, 3, 'high-watermark', 2_500_000, true))
    expect(fromFile.equals(fromTail)).toBe(true)
    await log.close(true)
  })
})

describe('a log that is closed', () => {
  it('gets its memory back from the reads that were on their way', async () => {
    const place: Place = { kind: 'inline', disk: new FaultyDisk(), folder: '/a', drop () {} }
    const { log } = await startLog(place)
    const row = await openRow(log)
    for (let index = 0; index < 50; index++) await append(log, row, batchOf('c', 6, 10_000))
    log.dropTail(row)
    const answer = await log.read(row, 0, 'high-watermark', 2 ** 21, true)
    const collecting = bytesOf(answer).catch(() => {})
    const asked = log.read(row, 6, 'high-watermark', 2 ** 21, true) as Promise<ReadResult>
    const dropped = asked.then(({ records }) => releasePieces(records.pieces), () => {})
    await Promise.all([log.close(true), collecting, dropped])
    expect(log.arena.heldCells).toBe(0)
  })
})

describe('a worker that does not answer', () => {
  it('is reported once after 5 s, and again when it falls silent again', async () => {
    const clock = new FakeClock()
    const lines: string[] = []
    const logger: Logger = { ...silentLogger, error: (_, message) => { lines.push(message ?? '') } }
    const place: Place = { kind: 'inline', disk: new FaultyDisk(), folder: '/a', drop () {} }
    const starting = startLog(place, { clock, logger })
    for (let turn = 0; turn < 50; turn++) {
      clock.runSoon()
      await Promise.resolve()
    }
    const { log } = await starting
    for (let round = 1; round <= 2; round++) {
      log.tick(clock.nowMs())
      clock.advance(4_999)
      log.tick(clock.nowMs())
      expect(lines.length).toBe(round - 1)
      clock.advance(1)
      for (let again = 0; again < 3; again++) log.tick(clock.nowMs())
      expect(lines).toEqual(new Array(round).fill('a log worker does not answer'))
      clock.runSoon()
      log.tick(clock.nowMs())
      clock.runSoon()
    }
    const closing = log.close(true)
    for (let turn = 0; turn < 20; turn++) {
      clock.runSoon()
      await Promise.resolve()
    }
    await closing
  })

  it('answers what it was asked before it went, and refuses appends to an ended log', async () => {
    const place: Place = { kind: 'inline', disk: new FaultyDisk(), folder: '/a', drop () {} }
    const { log, failures } = await startLog(place)
    const row = await openRow(log)
    await log.breakWorker(row).catch(() => {})
    expect(failures.length).toBe(1)
    const answer = await new Promise<number>((resolve) => {
      const waiter = { appended: (_: number, { errorCode }: { errorCode: number }) => resolve(errorCode) }
      expect(log.append(row, batchOf('x'), client, waiter, 0)).toBe(true)
    })
    expect(answer).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    await log.close(true)
  })
})
