// Partitions that move between log directories: while they are written and read, over restarts, and with a
// power cut at every single step.
import { describe, expect, it } from 'vitest'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { type FileHandle, type OpenMode } from '../base/disk.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { errorCodes } from '../protocol/errors.ts'
import { eachBatch, readInt64 } from '../protocol/record-batch.ts'
import { type Border } from './border.ts'
import {
  append, batchOf, openRow, type Opened, type Place, placeFor, plainConfig, startLog
} from './log-client.testing.ts'
import { type Row } from './log-client.ts'

const config = { ...plainConfig, segmentBytes: 4000, fileDeleteDelayMs: 0 }

function turn (): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function whereIs (log: Border, future = false): string[] {
  return log.directories().filter(({ logs }) => logs.some(one => one.topic === 'orders' && one.future === future))
    .map(({ path }) => path)
}

async function arrived (log: Border, path: string): Promise<void> {
  while (whereIs(log).join() !== path || whereIs(log, true).length > 0) await turn()
}

/** Base offset and first bytes of the value of every batch. */
async function contents (log: Border, row: Row): Promise<string[]> {
  const found: string[] = []
  for (let offset = log.table.logStart(row); offset < log.table.end(row);) {
    const bytes = await log.readBytes(row, offset, 'end', 100_000)
    eachBatch(bytes, 0, bytes.length, (at) => {
      const base = readInt64(bytes, at)
      found.push(`${base} ${bytes.toString('latin1', at + 69, at + 74).replaceAll(/[^\w]/g, '')}`)
      offset = base + 1
    })
  }
  return found
}

function expected (count: number, from = 0): string[] {
  return Array.from({ length: count - from }, (_, index) => `${from + index} ${nameOf(from + index)}`)
}

function nameOf (index: number): string {
  return `r${String(index).padStart(4, '0')}`.slice(0, 5)
}

function batch (index: number): Buffer {
  return batchOf(nameOf(index), 1, 200)
}

for (const kind of ['inline', 'worker'] as const) {
  describe(`moving between directories, ${kind}`, () => {
    it('serves meanwhile, has every record in order afterwards, and is found there again', async () => {
      const place = placeFor(kind)
      const directories = [`${place.folder}/a`, `${place.folder}/b`]
      const start = () => startLog(place, { directories, workers: 2 })
      let { log } = await start()
      let row = await openRow(log, 0, config)
      let count = 0
      for (; count < 300; count++) expect((await append(log, row, batch(count))).errorCode).toBe(0)
      expect(whereIs(log)).toEqual([directories[0]])
      expect(await log.moveTo('orders', 0, row, directories[1])).toBe(0)
      while (whereIs(log)[0] === directories[0]) {
        const together = [batch(count), batch(count + 1), batch(count + 2)].map(one => append(log, row, one))
        for (const { errorCode, baseOffset } of await Promise.all(together)) {
          expect([errorCode, baseOffset]).toEqual([0, count++])
        }
        log.tick(Date.now())
      }
      for (let more = 0; more < 20; more++) expect((await append(log, row, batch(count++))).errorCode).toBe(0)
      await arrived(log, directories[1])
      expect(log.table.highWatermark(row)).toBe(count)
      log.dropTail(row)
      expect(await contents(log, row)).toEqual(expected(count))
      await log.close(true)
      const again = await start()
      log = again.log
      expect(again.found.map(({ directory }) => directory)).toEqual([directories[1]])
      row = await openRow(log, 0, config, 2)
      expect(await contents(log, row)).toEqual(expected(count))
      await log.close(true)
      place.drop()
    })
  })
}

describe('a move', () => {
  const directories = ['/d/a', '/d/b', '/d/c']
  const place = (disk: FaultyDisk): Place => ({ kind: 'inline', disk, folder: '/d', drop () {} })

  interface Filled { disk: FaultyDisk, opened: Opened, log: Border, row: Row }

  async function filled (count: number): Promise<Filled> {
    const disk = new FaultyDisk()
    const opened = await startLog(place(disk), { directories })
    const row = await openRow(opened.log, 0, config)
    for (let index = 0; index < count; index++) await append(opened.log, row, batch(index))
    return { disk, opened, log: opened.log, row }
  }

  it('goes where it was last sent, also back', async () => {
    const { disk, log, row } = await filled(50)
    await log.moveTo('orders', 0, row, '/d/b')
    await log.moveTo('orders', 0, row, '/d/c')
    await arrived(log, '/d/c')
    await log.moveTo('orders', 0, row, '/d/b')
    await log.moveTo('orders', 0, row, '/d/c')
    await turn()
    expect(whereIs(log)).toEqual(['/d/c'])
    expect(await contents(log, row)).toEqual(expected(50))
    await log.close(true)
    expect(disk.list('/d/b').filter(name => name.startsWith('orders'))).toEqual([])
  })

  it('keeps the start that DeleteRecords set, within a batch and over kill -9', async () => {
    const { disk, log, row } = await filled(0)
    for (let index = 0; index < 30; index++) await append(log, row, batchOf('x', 10, 100))
    expect(await log.deleteRecords(row, 155)).toBe(155)
    await log.moveTo('orders', 0, row, '/d/b')
    await arrived(log, '/d/b')
    expect([log.table.logStart(row), log.table.end(row)]).toEqual([155, 300])
    expect(await log.deleteRecords(row, 177)).toBe(177)
    // Not closed: as if killed. The disk keeps what was written.
    const { log: next } = await startLog(place(disk), { directories })
    const reopened = await openRow(next, 0, config, 2)
    expect([next.table.logStart(reopened), next.table.end(reopened)]).toEqual([177, 300])
    await next.close(true)
    await log.close(false)
  })

  it('moves an empty log, and one of which all records are deleted', async () => {
    const { log, row } = await filled(0)
    await log.moveTo('orders', 0, row, '/d/b')
    await arrived(log, '/d/b')
    for (let index = 0; index < 20; index++) await append(log, row, batch(index))
    await log.deleteRecords(row, 20)
    await log.moveTo('orders', 0, row, '/d/c')
    await arrived(log, '/d/c')
    expect([log.table.logStart(row), log.table.end(row)]).toEqual([20, 20])
    expect((await append(log, row, batch(20))).baseOffset).toBe(20)
    expect(await contents(log, row)).toEqual(expected(21, 20))
    await log.close(true)
  })

  it('ends when its topic is deleted, and leaves nothing', async () => {
    const { disk, log, row } = await filled(50)
    await log.moveTo('orders', 0, row, '/d/b')
    await log.remove(row)
    await log.close(true)
    for (const path of directories) expect(disk.list(path).filter(name => name.includes('orders'))).toEqual([])
  })

  it('onto a full directory fails that directory; the partition stays where it was', async () => {
    const { disk, opened, log, row } = await filled(50)
    disk.failWith({ operation: 'write', code: 'ENOSPC', path: '/d/b/orders' })
    await log.moveTo('orders', 0, row, '/d/b')
    while (opened.failedDirectories.length === 0) await turn()
    expect(opened.failedDirectories).toEqual(['/d/b'])
    expect((await append(log, row, batch(50))).errorCode).toBe(0)
    expect(await contents(log, row)).toEqual(expected(51))
    // As Kafka: not while a directory is missing.
    expect(await log.moveTo('orders', 0, row, '/d/c')).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(await log.moveTo('orders', 0, row, '/d/b')).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(await log.moveTo('orders', 0, row, '/elsewhere')).toBe(errorCodes.LOG_DIR_NOT_FOUND)
    await log.close(true)
  })

  it('is slowed down as far as is set, shows its lag, and begins anew after a restart', async () => {
    const disk = new FaultyDisk()
    const slow = await startLog(place(disk), { directories, moveBytesPerSecond: () => 1 })
    const row = await openRow(slow.log, 0, config)
    for (let index = 0; index < 50; index++) await append(slow.log, row, batch(index))
    await slow.log.moveTo('orders', 0, row, '/d/b')
    const copy = () => slow.log.directories()[1].logs[0]
    while (!(copy()?.sizeBytes > 0)) await turn()
    for (let index = 50; index < 60; index++) await append(slow.log, row, batch(index))
    expect(copy()).toMatchObject({ topic: 'orders', partition: 0, offsetLag: 10, future: true })
    expect(whereIs(slow.log)).toEqual(['/d/a'])
    await slow.log.close(true)
    expect(disk.list('/d/b').filter(name => /^orders-0\..*-future$/.test(name)).length).toBe(1)
    const { log } = await startLog(place(disk), { directories })
    const again = await openRow(log, 0, config, 2)
    await arrived(log, '/d/b')
    expect(await contents(log, again)).toEqual(expected(60))
    await log.close(true)
  })

  it('of a partition that has no log yet makes it there', async () => {
    const { log } = await startLog(place(new FaultyDisk()), { directories })
    expect(await log.moveTo('orders', 0, -1, '/d/c')).toBe(0)
    await openRow(log, 0, config)
    expect(whereIs(log)).toEqual(['/d/c'])
    await log.close(true)
  })

  it('a partition in two directories is refused, not guessed', async () => {
    const { disk, log } = await filled(5)
    await log.close(true)
    disk.makeDirectory('/d/b/orders-0')
    await expect(startLog(place(disk), { directories })).rejects.toThrow(/two log directories.*\/d\/a\/orders-0.*\/d\/b\/orders-0/)
  })
})

class PowerCut extends Error {}

/** The machine stops at the given one of its changes. */
class MortalDisk extends FaultyDisk {
  changesLeft = Infinity

  #live (): void {
    if (this.changesLeft-- <= 0) throw new PowerCut('the power is gone')
  }

  override open (path: string, mode: OpenMode): FileHandle {
    if (this.changesLeft <= 0) throw new PowerCut('the power is gone')
    return super.open(path, mode)
  }

  override writev (file: FileHandle, slices: readonly Uint8Array[], position: number): void {
    this.#live()
    super.writev(file, slices, position)
  }

  override rename (from: string, to: string): void {
    this.#live()
    super.rename(from, to)
  }

  override fsync (file: FileHandle): void {
    this.#live()
    super.fsync(file)
  }

  override fsyncDirectory (path: string): void {
    this.#live()
    super.fsyncDirectory(path)
  }

  override removeDirectory (path: string): void {
    this.#live()
    super.removeDirectory(path)
  }
}

describe('a power cut during a move', () => {
  const directories = ['/d/a', '/d/b']
  const durable = { ...config, durability: 'group-commit' } as const
  const records = 20

  /** How many changes the move makes when nothing happens; -1: it was cut. */
  async function moveWith (disk: MortalDisk, changes: number): Promise<number> {
    const opened = await startLog({ kind: 'inline', disk, folder: '/d', drop () {} }, { directories })
    const { log } = opened
    const row = await openRow(log, 0, durable)
    for (let index = 0; index < records; index++) await append(log, row, batch(index))
    while (log.table.highWatermark(row) < records) await turn()
    disk.changesLeft = changes
    await log.moveTo('orders', 0, row, '/d/b')
    for (let patience = 0; patience < 400 && disk.changesLeft > 0; patience++) await turn()
    const used = changes - disk.changesLeft
    const whole = disk.changesLeft > 0
    disk.changesLeft = whole ? Infinity : 0
    await log.close(false).catch(() => {})
    return whole ? used : -1
  }

  it('loses nothing at any of its steps', async () => {
    const whole = await moveWith(new MortalDisk(), 10_000)
    expect(whole).toBeGreaterThan(20)
    const ends = new Set<string>()
    for (let changes = 1; changes <= whole; changes++) {
      for (const seed of [0, changes, changes + 1000]) {
        const disk = new MortalDisk()
        await moveWith(disk, changes)
        disk.crash(seed === 0 ? null : new SeededRandom(seed))
        disk.changesLeft = Infinity
        const { log, found } = await startLog({ kind: 'inline', disk, folder: '/d', drop () {} }, { directories })
        expect(found.map(({ topic }) => topic), `cut at change ${changes}, seed ${seed}`).toEqual(['orders'])
        ends.add(found[0].directory)
        const row = await openRow(log, 0, durable, 2)
        expect(await contents(log, row), `cut at change ${changes}, seed ${seed}`).toEqual(expected(records))
        expect((await append(log, row, batch(records))).baseOffset).toBe(records)
        await log.close(true)
      }
    }
    expect([...ends].sort()).toEqual(directories)
  })
})
