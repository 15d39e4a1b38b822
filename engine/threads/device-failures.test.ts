// Devices that fail under real worker and disk threads: told by the file system, not by a fake.
import { mkdirSync, mkdtempSync, existsSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../base/disk-real.ts'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Border } from './border.ts'
import {
  append, batchOf, openRow, type Opened, type Place, plainConfig, startLog
} from './log-client.testing.ts'
import { type ReadResult } from './log-client.ts'

const soon = () => new Promise(resolve => setImmediate(resolve))
const bad = errorCodes.KAFKA_STORAGE_ERROR
const groupCommit = { ...plainConfig, durability: 'group-commit' } as const
const firstFile = '00000000000000000000.log'

describe.skipIf(!existsSync('/dev/full'))('a device that fails under worker threads', () => {
  let root: string
  let directories: string[]
  let opened: Opened
  let log: Border

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'failing-'))
    directories = [join(root, 'a'), join(root, 'b')]
    const place: Place = { kind: 'worker', disk: realDisk, folder: root, drop () {} }
    opened = await startLog(place, { directories, workers: 2 })
    log = opened.log
  })

  afterEach(async () => {
    await log.close(true)
    expect(log.arena.heldCells).toBe(0)
    expect(opened.failures).toEqual([])
    rmSync(root, { recursive: true, force: true })
  })

  const until = async (holds: () => boolean) => { while (!holds()) await soon() }

  it('by an fsync: nothing more is acknowledged there, nothing tried again; the other directory serves', async () => {
    const rows = [await openRow(log, 0, groupCommit), await openRow(log, 1, groupCommit)]
    for (const row of rows) await append(log, row, batchOf('a', 2))
    await until(() => rows.every(row => log.table.highWatermark(row) === 2))
    // The disk thread opens the file anew: what it finds there now is a device that cannot sync.
    const file = join(directories[0], 'orders-0', firstFile)
    renameSync(file, `${file}.good`)
    symlinkSync('/dev/full', file)
    const written = await append(log, rows[0], batchOf('b', 2))
    expect(written.errorCode).toBe(0)
    await until(() => opened.failedDirectories.length > 0)
    rmSync(file)
    renameSync(`${file}.good`, file)
    expect(opened.failedDirectories).toEqual([directories[0]])
    for (let n = 0; n < 3; n++) {
      expect((await append(log, rows[0], batchOf('c'))).errorCode).toBe(bad)
      log.tick(Date.now())
      await append(log, rows[1], batchOf('d'))
    }
    await until(() => log.table.highWatermark(rows[1]) === 5)
    expect(log.table.highWatermark(rows[0])).toBe(2)
    expect((log.read(rows[0], 0, 'high-watermark', 100, true) as ReadResult).errorCode).toBe(bad)
    expect(opened.failedDirectories).toEqual([directories[0]])
    await log.close(true)
    expect(directories.map(path => existsSync(join(path, '.kafka_cleanshutdown')))).toEqual([false, true])
  })

  it.each(['page-cache', 'always'] as const)('by a file that cannot be made, with %s', async (durability) => {
    const config = { ...plainConfig, durability, segmentBytes: 1000 }
    const rows = [await openRow(log, 0, config), await openRow(log, 1, config)]
    for (const row of rows) await append(log, row, batchOf('a', 1, 600))
    const next = join(directories[0], 'orders-0', '00000000000000000001.log')
    mkdirSync(next)
    const answers = await Promise.all(rows.map(row => append(log, row, batchOf('b', 1, 600))))
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([bad, 0])
    expect(opened.failedDirectories).toEqual([directories[0]])
    rmSync(next, { recursive: true })
    expect((await append(log, rows[0], batchOf('c', 1, 600))).errorCode).toBe(bad)
    expect((await append(log, rows[1], batchOf('c', 1, 600))).errorCode).toBe(0)
  })
})

describe('a disk that cannot sync', () => {
  it.each([
    ['millrace.durability=always', { durability: 'always' }],
    ['flush.messages=1', { flushMessages: 1 }],
    ['flush.ms=0', { flushMs: 0 }]
  ] as const)('takes its directory offline, and is not asked twice, with %s', async (_, settings) => {
    const disk = new FaultyDisk()
    const { log, failedDirectories } = await startLog(
      { kind: 'inline', disk, folder: '/a', drop () {} }, { directories: ['/a', '/b'] })
    const config = { ...plainConfig, ...settings }
    const rows = [await openRow(log, 0, config), await openRow(log, 1, config)]
    for (const row of rows) expect((await append(log, row, batchOf('a'))).errorCode).toBe(0)
    log.tick(Date.now())
    await soon()
    disk.failWith({ operation: 'fsync', code: 'EIO', path: `/a/orders-0/${firstFile}`, times: 1 })
    const answer = await append(log, rows[0], batchOf('b'))
    // With a flush from time to time the record was answered before, as with Kafka.
    if (!('flushMs' in settings)) expect(answer.errorCode).toBe(bad)
    log.tick(Date.now())
    while (failedDirectories.length === 0) await soon()
    log.tick(Date.now())
    expect((await append(log, rows[0], batchOf('c'))).errorCode).toBe(bad)
    expect((await append(log, rows[1], batchOf('c'))).errorCode).toBe(0)
    expect(failedDirectories).toEqual(['/a'])
    await log.close(true)
    expect(disk.status('/a/.kafka_cleanshutdown')).toBe(null)
    expect(disk.status('/b/.kafka_cleanshutdown')).not.toBe(null)
  })
})
