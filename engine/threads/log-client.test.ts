import { existsSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorCodes } from '../protocol/errors.ts'
import { getBaseOffset, getPartitionLeaderEpoch } from '../protocol/record-batch.ts'
import { type Border } from './border.ts'
import {
  append, batchOf, bytesOf, client, openRow, type Opened, placeFor, type Place, plainConfig, startLog, topicId
} from './log-client.testing.ts'
import { type ReadResult } from './log-client.ts'
import { releasePieces } from './pieces.ts'
import { cellBytes } from './cells.ts'

describe.each(['inline', 'worker'] as const)('the log client, %s', (kind) => {
  let place: Place
  let opened: Opened
  let log: Border

  const start = async (options = {}): Promise<void> => {
    opened = await startLog(place, options)
    log = opened.log
  }

  const restart = async (clean: boolean, options = {}): Promise<void> => {
    await log.close(clean)
    await start(options)
  }

  beforeEach(async () => {
    place = placeFor(kind)
    await start()
  })

  afterEach(async () => {
    await log.close(false)
    expect(log.arena.heldCells).toBe(0)
    place.drop()
  })

  it('appends, numbers the records and moves the high watermark before it answers', async () => {
    const row = await openRow(log)
    const first = await append(log, row, batchOf('a', 3))
    const expected = { errorCode: 0, baseOffset: 0, lastOffset: 2, logStartOffset: 0, duplicate: false }
    expect(first).toMatchObject(expected)
    const seen = await new Promise<unknown[]>((resolve) => {
      const appended = (): void => {
        resolve([log.table.highWatermark(row), log.read(row, 3, 'high-watermark', 1000, true)])
      }
      log.append(row, batchOf('b', 2), client, { appended }, 0)
    })
    expect(seen[0]).toBe(5)
    expect(seen[1]).not.toBeInstanceOf(Promise)
    expect((await bytesOf(seen[1] as ReadResult)).length).toBe(batchOf('b', 2).length)
    expect([log.table.end(row), log.table.lastStable(row), log.size(row) > 0]).toEqual([5, 5, true])
    expect(opened.advanced).toContain(row)
  })

  it('takes answers that are there when it is polled, before anybody wakes it', async () => {
    const row = await openRow(log)
    const answered: number[] = []
    for (const token of [0, 1]) {
      log.append(row, batchOf('a', 3), client, { appended: (token, { errorCode }) => answered.push(token, errorCode) }, token)
    }
    // Nothing wakes this thread while it polls; the inline log answers by itself.
    if (kind === 'inline') await new Promise(resolve => setImmediate(resolve))
    const untilMs = performance.now() + 10_000
    while (answered.length < 4 && performance.now() < untilMs) log.poll()
    expect(answered).toEqual([0, 0, 1, 0])
  })

  it('answers reads of the tail at once, from the arena, byte for byte what the file holds', async () => {
    const row = await openRow(log)
    for (let index = 0; index < 20; index++) await append(log, row, batchOf(String(index), 5, 1000))
    const offsets = [0, 3, 50, 99]
    const reads = offsets.map(offset => log.read(row, offset, 'high-watermark', 2 ** 20, true))
    expect(reads.some(read => read instanceof Promise)).toBe(false)
    const fromTail = await Promise.all(reads.map(bytesOf))
    log.dropTail(row)
    for (const [index, offset] of offsets.entries()) {
      const history = log.read(row, offset, 'high-watermark', 2 ** 20, true)
      expect(history).toBeInstanceOf(Promise)
      const fromFile = await bytesOf(history)
      expect(fromFile.equals(fromTail[index])).toBe(true)
      expect(getBaseOffset(fromFile, 0)).toBe(offset - offset % 5)
      expect(getPartitionLeaderEpoch(fromFile, 0)).toBe(1)
    }
  })

  it('keeps to limits of offset and size, and says what lies outside', async () => {
    const row = await openRow(log)
    for (let index = 0; index < 4; index++) await append(log, row, batchOf('v', 2, 10))
    const size = batchOf('v', 2, 10).length
    for (const forget of [false, true]) {
      if (forget) log.dropTail(row)
      const read = async (offset: number, maxBytes: number, one: boolean): Promise<number[]> => {
        const result = await log.read(row, offset, 'high-watermark', maxBytes, one)
        releasePieces(result.records.pieces)
        return [result.errorCode, result.records.bytes]
      }
      expect(await read(2, 2 * size, false)).toEqual([0, 2 * size])
      expect(await read(2, 2 * size + 1, false)).toEqual([0, 2 * size + 1])
      expect(await read(2, 1, true)).toEqual([0, size])
      expect(await read(2, 1, false)).toEqual([0, 0])
      expect(await read(8, 1000, true)).toEqual([0, 0])
      expect(await read(9, 1000, true)).toEqual([errorCodes.OFFSET_OUT_OF_RANGE, 0])
      expect(await read(-1, 1000, true)).toEqual([errorCodes.OFFSET_OUT_OF_RANGE, 0])
    }
  })

  it('leaves the rest of a long history answer in the file until it is asked for', async () => {
    const row = await openRow(log)
    const batches = Array.from({ length: 9 }, (_, index) => batchOf(String(index), 10, 10_000))
    for (const batch of batches) await append(log, row, batch)
    log.dropTail(row)
    const result = await log.read(row, 0, 'high-watermark', 2 ** 20, true)
    const total = batches.reduce((sum, batch) => sum + batch.length, 0)
    expect(result.records.bytes).toBe(total)
    expect(result.records.pieces.length).toBe(2)
    expect(log.arena.heldCells).toBeLessThan(3)
    const bytes = await bytesOf(result)
    let at = 0
    for (const batch of batches) {
      expect(bytes.subarray(at + 16, at + batch.length).equals(batch.subarray(16))).toBe(true)
      at += batch.length
    }
  })

  it('returns one batch that is larger than a cell and than asked for', async () => {
    const row = await openRow(log)
    const batch = batchOf('large', 40, 20_000)
    await append(log, row, batch)
    log.dropTail(row)
    expect((await bytesOf(log.read(row, 7, 'high-watermark', 100, true))).length).toBe(batch.length)
    expect((await log.readBytes(row, 7, 'high-watermark', 100)).length).toBe(batch.length)
  })

  it('gives the tail back when memory is wanted, and reads from the file what is gone', async () => {
    const row = await openRow(log)
    const batch = batchOf('t', 6, 10_000)
    const count = Math.ceil(3 * log.arena.budgetBytes / batch.length)
    for (let index = 0; index < count; index++) await append(log, row, batch)
    expect(log.arena.usedBytes).toBeLessThanOrEqual(log.arena.budgetBytes)
    const newest = log.read(row, 6 * (count - 1), 'high-watermark', 1, true) as ReadResult
    releasePieces(newest.records.pieces)
    const old = log.read(row, 0, 'high-watermark', 1, true)
    expect(old).toBeInstanceOf(Promise)
    expect((await bytesOf(old)).length).toBe(batch.length)
  })

  it('says when a ring is full and calls back when it has room; every append is answered once', async () => {
    const row = await openRow(log)
    const batch = batchOf('r', 1, 1)
    const total = 12_000
    const answers: number[] = []
    let refusals = 0
    await new Promise<void>((resolve) => {
      const waiter = {
        appended (token: number): void {
          answers.push(token)
          if (answers.length === total) resolve()
        }
      }
      let sent = 0
      const send = (): void => {
        while (sent < total) {
          if (!log.append(row, batch, client, waiter, sent)) {
            refusals++
            log.whenRoom(row, send)
            return
          }
          sent++
        }
      }
      send()
    })
    expect(refusals).toBeGreaterThan(0)
    expect(answers).toEqual(Array.from({ length: total }, (_, index) => index))
    expect(log.table.end(row)).toBe(total)
  })

  it('copies what does not lie in the arena, also when it is large', async () => {
    const row = await openRow(log)
    const batch = batchOf('own', 10, 50_000)
    const result = await new Promise<number>((resolve) => {
      const waiter = { appended: (_: number, { errorCode }: { errorCode: number }) => resolve(errorCode) }
      log.append(row, batch, { kind: 'coordinator', leaderEpoch: -1 }, waiter, 0)
    })
    expect(result).toBe(0)
    expect((await log.readBytes(row, 0, 'end', 2 ** 20)).subarray(16).equals(batch.subarray(16))).toBe(true)
  })

  it('refuses damaged records with texts, and goes on', async () => {
    const row = await openRow(log)
    const damaged = batchOf('a', 3)
    damaged[damaged.length - 1] ^= 1
    const unordered = batchOf('b', 3)
    expect((await append(log, row, damaged)).errorCode).toBe(errorCodes.CORRUPT_MESSAGE)
    unordered.writeInt32BE(7, 57)
    expect((await append(log, row, unordered)).errorCode).not.toBe(0)
    expect(await append(log, row, batchOf('c', 1))).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  it('fences leader epochs and appends to logs it does not lead', async () => {
    const row = await openRow(log, 0, plainConfig, 5)
    const at = (leaderEpoch: number) => append(log, row, batchOf('e'), { kind: 'client', leaderEpoch })
    expect((await at(4)).errorCode).toBe(errorCodes.FENCED_LEADER_EPOCH)
    expect((await at(6)).errorCode).toBe(errorCodes.UNKNOWN_LEADER_EPOCH)
    expect((await at(5)).errorCode).toBe(0)
    await log.becomeFollower(row, 6)
    expect((await at(-1)).errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
    await log.becomeLeader(row, 7)
    expect((await at(7)).baseOffset).toBe(1)
    expect(await log.endOffsetForEpoch(row, 5)).toEqual({ leaderEpoch: 5, endOffset: 1 })
    expect([await log.epochAt(row, 0), await log.epochAt(row, 1)]).toEqual([5, 7])
    await expect(log.becomeLeader(row, 3)).rejects.toThrow('leader epoch')
  })

  it('finds offsets by time', async () => {
    const row = await openRow(log)
    for (let ms = 1_000_000; ms < 1_000_100; ms += 10) await append(log, row, batchOf('t', 2, 10, ms))
    const found = await log.offsetForTime(row, 1_000_045, 'high-watermark')
    expect(found).toMatchObject({ offset: 10, timestampMs: 1_000_050 })
    expect(await log.offsetForTime(row, 2_000_000, 'high-watermark')).toMatchObject({ offset: -1 })
    expect(await log.offsetOfMaxTimestamp(row)).toMatchObject({ offset: 18, timestampMs: 1_000_090 })
  })

  it('follows a leader: offsets and epochs as they come', async () => {
    const row = await openRow(log)
    await log.becomeFollower(row, 9)
    const batch = batchOf('f', 4)
    batch.writeBigInt64BE(100n, 0)
    batch.writeInt32BE(9, 12)
    const result = await new Promise<number>((resolve) => {
      log.appendAsFollower(row, batch, { appended: (_, { errorCode }) => resolve(errorCode) }, 0)
    })
    expect(result).toBe(0)
    expect([log.table.end(row), log.table.highWatermark(row)]).toEqual([104, 0])
    expect(getBaseOffset(await log.readBytes(row, 100, 'end', 1000), 0)).toBe(100)
    expect((await log.readBytes(row, 0, 'high-watermark', 1000)).length).toBe(0)
  })

  it('cuts a log: readers and the high watermark follow', async () => {
    const row = await openRow(log)
    for (let index = 0; index < 5; index++) await append(log, row, batchOf(String(index), 2))
    await log.truncateTo(row, 6)
    expect([log.table.end(row), log.table.highWatermark(row)]).toEqual([6, 6])
    expect(await append(log, row, batchOf('new', 2))).toMatchObject({ baseOffset: 6 })
    const bytes = await bytesOf(log.read(row, 6, 'high-watermark', 1000, true))
    expect(bytes.subarray(61).equals(batchOf('new', 2).subarray(61))).toBe(true)
  })

  it('does not serve from the tail what was cut off, also where the log goes on behind a gap', async () => {
    const row = await openRow(log)
    for (let index = 0; index < 5; index++) await append(log, row, batchOf(String(index), 2))
    await log.becomeFollower(row, 2)
    await log.truncateTo(row, 6)
    const batch = batchOf('later', 2)
    batch.writeBigInt64BE(10n, 0)
    await new Promise<void>((resolve) => {
      log.appendAsFollower(row, batch, { appended: () => resolve() }, 0)
    })
    expect(getBaseOffset(await bytesOf(log.read(row, 6, 'end', 1000, true)), 0)).toBe(10)
  })

  it('finds its logs again, whether closed cleanly or not', async () => {
    let total = 0
    for (const clean of [true, false, true]) {
      const row = await openRow(log, 0, plainConfig, total + 1)
      const before = log.table.end(row)
      expect(before).toBe(total)
      for (let index = 0; index < 10; index++) await append(log, row, batchOf('again', 3))
      total += 30
      await openRow(log, 7, plainConfig, total + 1)
      await restart(clean)
      const names = opened.found.map(({ topic, partition }) => `${topic}-${partition}`)
      expect(names.sort()).toEqual(['orders-0', 'orders-7'])
      expect(opened.found[0].topicId).toBe(topicId)
    }
    const row = await openRow(log, 0, plainConfig, 1000)
    expect([log.table.end(row), log.table.highWatermark(row)]).toEqual([30 * 3, 30 * 3])
    const bytes = await log.readBytes(row, 0, 'high-watermark', 2 ** 20)
    expect(bytes.length).toBe(30 * batchOf('again', 3).length)
  })

  it('removes logs, hands their rows out again, and deletes the files when readers are done', async () => {
    const row = await openRow(log)
    await append(log, row, batchOf('gone'))
    await log.remove(row)
    const names = place.disk.list(place.folder)
    expect(names.filter(name => name.endsWith('-delete')).length).toBe(1)
    const next = await openRow(log)
    expect([next, log.table.end(next), log.table.highWatermark(next)]).toEqual([row, 0, 0])
    expect((await append(log, next, batchOf('new'))).baseOffset).toBe(0)
    await restart(true)
    expect(place.disk.list(place.folder).filter(name => name.endsWith('-delete'))).toEqual([])
    await log.discard(opened.found[0])
    expect(place.disk.list(place.folder).filter(name => name.endsWith('-stray')).length).toBe(1)
  })

  it('refuses a log that belongs to another topic of that name', async () => {
    await append(log, await openRow(log), batchOf('mine'))
    await restart(true)
    const other = { topic: 'orders', topicId: 'ffffffff-89ab-4def-8123-456789abcdef', partition: 0 }
    const refused = { row: -1, errorCode: errorCodes.INCONSISTENT_TOPIC_ID }
    expect(await log.open(other, plainConfig)).toEqual(refused)
    expect((await log.open({ ...other, topicId }, plainConfig)).errorCode).toBe(0)
  })

  it('with group commit, acknowledges by the high watermark only what the device has', async () => {
    const row = await openRow(log, 0, { ...plainConfig, durability: 'group-commit' })
    let seenAtAnswer = -1
    const batch = batchOf('durable', 2)
    await new Promise<void>((resolve) => {
      log.append(row, batch, client, {
        appended () {
          seenAtAnswer = log.table.highWatermark(row)
          resolve()
        }
      }, 0)
    })
    expect([seenAtAnswer, log.table.end(row)]).toEqual([0, 2])
    while (log.table.highWatermark(row) < 2) await new Promise(resolve => setImmediate(resolve))
    // For the checkpoint: where the segment begins, as long as its indexes are not on the device too.
    expect(log.table.recoveryPoint(row)).toBe(0)
    for (let index = 0; index < 50; index++) await append(log, row, batch)
    while (log.table.highWatermark(row) < 102) await new Promise(resolve => setImmediate(resolve))
  })

  it('applies retention at a tick, tells of it, and checkpoints', async () => {
    const config = { ...plainConfig, segmentBytes: 2000, retentionBytes: 5000, fileDeleteDelayMs: 0 }
    const row = await openRow(log, 0, config)
    for (let index = 0; index < 20; index++) await append(log, row, batchOf('r', 5))
    opened.advanced.length = 0
    log.tick(Date.now() + 3_600_000)
    while (log.table.logStart(row) === 0) await new Promise(resolve => setImmediate(resolve))
    while (!opened.advanced.includes(row)) await new Promise(resolve => setImmediate(resolve))
    const result = log.read(row, 0, 'high-watermark', 100, true) as ReadResult
    const logStartOffset = log.table.logStart(row)
    expect(result).toMatchObject({ errorCode: errorCodes.OFFSET_OUT_OF_RANGE, logStartOffset })
    const path = `${place.folder}/replication-offset-checkpoint`
    while (place.disk.status(path) === null) await new Promise(resolve => setImmediate(resolve))
    expect(place.disk.readFile(path).toString()).toBe('0\n1\norders 0 100\n')
    const left = await log.read(row, log.table.logStart(row), 'high-watermark', cellBytes, true)
    expect(left.errorCode).toBe(0)
    expect((await bytesOf(left)).length).toBeGreaterThan(0)
  })

  it('tells where the log starts before files lose their names', async () => {
    if (kind === 'worker') return
    const row = await openRow(log, 0, { ...plainConfig, segmentBytes: 200, retentionBytes: 0 })
    for (let index = 0; index < 8; index++) await append(log, row, batchOf('one', 1))
    const { disk } = place
    const { rename } = disk
    const starts: number[] = []
    disk.rename = (from, to) => {
      if (from.endsWith('.log')) starts.push(log.table.logStart(row) - Number(basename(from, '.log')))
      rename.call(disk, from, to)
    }
    log.tick(Date.now() + 3_600_000)
    while (starts.length < 8) await new Promise(resolve => setImmediate(resolve))
    expect(starts).toEqual([8, 7, 6, 5, 4, 3, 2, 1])
  })

  it('takes many segments out some at a time, and their files go too', async () => {
    const config = { ...plainConfig, segmentBytes: 200, retentionBytes: 0, fileDeleteDelayMs: 0 }
    const row = await openRow(log, 0, config)
    for (let index = 0; index < 80; index++) await append(log, row, batchOf('one', 1))
    const later = Date.now() + 3_600_000
    const starts = new Set<number>()
    while (log.table.logStart(row) < 80) {
      log.tick(later)
      await new Promise(resolve => setImmediate(resolve))
      starts.add(log.table.logStart(row))
    }
    expect([...starts].filter(start => start > 0)).toEqual([8, 17, 27, 38, 50, 63, 77, 80])
    const names = (): string[] => place.disk.list(`${place.folder}/orders-0`)
    log.tick(later)
    while (names().some(name => name.endsWith('.deleted'))) await new Promise(resolve => setImmediate(resolve))
    expect(names().filter(name => name.endsWith('.log'))).toEqual(['00000000000000000080.log'])
  })

  it('goes on with a deletion of records that is too much for one tick', async () => {
    const row = await openRow(log, 0, { ...plainConfig, segmentBytes: 200, fileDeleteDelayMs: 0 })
    for (let index = 0; index < 80; index++) await append(log, row, batchOf('one', 1))
    expect(await log.deleteRecords(row, 75)).toBe(75)
    const left = (): number =>
      place.disk.list(`${place.folder}/orders-0`).filter(name => name.endsWith('.log')).length
    expect(left()).toBe(80 - 8)
    while (left() > 5) {
      log.tick(Date.now())
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(log.table.logStart(row)).toBe(75)
  })

  it('deletes records below an offset, and leaves what retention would take to retention', async () => {
    const row = await openRow(log, 0, { ...plainConfig, retentionMs: 1000, segmentBytes: 1000 })
    for (let index = 0; index < 10; index++) await append(log, row, batchOf('old', 1, 900))
    expect(await log.deleteRecords(row, 5)).toBe(5)
    expect([log.table.logStart(row), log.table.end(row)]).toEqual([5, 10])
  })

  it('spreads partitions over directories and workers, and finds them with other numbers', async () => {
    const directories = [`${place.folder}/a`, `${place.folder}/b`]
    await restart(true, { directories, workers: 4 })
    for (let partition = 0; partition < 6; partition++) {
      const row = await openRow(log, partition)
      for (let index = 0; index <= partition; index++) await append(log, row, batchOf('p'))
    }
    for (const directory of directories) {
      expect(place.disk.list(directory).filter(name => name.startsWith('orders-')).length).toBe(3)
    }
    await restart(true, { directories, workers: 2 })
    expect(opened.found.length).toBe(6)
    for (let partition = 0; partition < 6; partition++) {
      expect(log.table.end(await openRow(log, partition, plainConfig, 2))).toBe(partition + 1)
    }
  })

  it('fails what is in work when its worker ends, tells once, and leaves no clean mark', async () => {
    const row = await openRow(log)
    await append(log, row, batchOf('before'))
    const errors: number[] = []
    const batch = batchOf('during')
    const waiter = {
      appended (_: number, { errorCode }: { errorCode: number }): void { errors.push(errorCode) }
    }
    for (let index = 0; index < 100; index++) log.append(row, batch, client, waiter, index)
    const broken = log.breakWorker(row)
    for (let index = 0; index < 100; index++) log.append(row, batch, client, waiter, index)
    await expect(broken).rejects.toThrow('told to break')
    expect(errors.length).toBe(200)
    expect(errors.slice(0, 100)).toEqual(new Array(100).fill(0))
    expect(errors.slice(100)).toEqual(new Array(100).fill(errorCodes.UNKNOWN_SERVER_ERROR))
    expect(opened.failures.map(({ message }) => message)).toEqual(['the worker was told to break'])
    await expect(log.truncateTo(row, 0)).rejects.toThrow()
    await log.close(true)
    expect(place.disk.status(`${place.folder}/.kafka_cleanshutdown`)).toBe(null)
    await start()
    expect(log.table.end(await openRow(log, 0, plainConfig, 2))).toBe(101)
  })
})

describe('worker threads', () => {
  it('run from the sources too; one that ends from outside is noticed, and its folder is whole', async () => {
    const place = placeFor('worker')
    const { log, failures } = await startLog(place, {}, true)
    const row = await openRow(log)
    const lost = new Promise<number>((resolve) => {
      const waiter = {
        appended (_: number, { errorCode }: { errorCode: number }): void {
          if (errorCode !== 0) resolve(errorCode)
        }
      }
      const batch = batchOf('x')
      const more = (): void => {
        while (failures.length === 0 && log.append(row, batch, client, waiter, 0));
        if (failures.length === 0) log.whenRoom(row, more)
      }
      more()
    })
    await log.killWorker()
    expect(await lost).toBe(errorCodes.UNKNOWN_SERVER_ERROR)
    expect(failures.length).toBe(1)
    await log.close(true)
    expect(existsSync(`${place.folder}/.kafka_cleanshutdown`)).toBe(false)
    expect(readdirSync(place.folder)).toContain('orders-0')
    place.drop()
  })
})
