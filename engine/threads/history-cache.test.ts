import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { type Disk, type FileHandle } from '../base/disk.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Border } from './border.ts'
import { cellBytes } from './cells.ts'
import { wholeBatches } from './disk-jobs.ts'
import { append, batchOf, bytesOf, openRow, type Opened, plainConfig, startLog } from './log-client.testing.ts'
import { type ReadResult, type Row } from './log-client.ts'
import { type FilePiece, releasePieces } from './pieces.ts'

/** Tells how much is read in pieces larger than a scan's window. */
class CountingDisk extends MemoryDisk {
  bytesRead = 0
  reads = 0
  /** The most in one turn of the loop, and so in one job. */
  readsAtOnce = 0
  #readsNow = 0

  override read (file: FileHandle, target: Uint8Array, position: number): number {
    const bytes = super.read(file, target, position)
    if (target.length > 8192) {
      this.reads++
      if (this.#readsNow++ === 0) setImmediate(() => { this.#readsNow = 0 })
      this.readsAtOnce = Math.max(this.readsAtOnce, this.#readsNow)
      this.bytesRead += bytes
    }
    return bytes
  }
}

const records = 5
const batchBytes = batchOf('x', records, 20_000).length
const answerBytes = 10 * batchBytes + 17

async function fill (log: Border, row: Row, batches: number, text = ''): Promise<void> {
  for (let index = 0; index < batches; index++) await append(log, row, batchOf(text + index, records, 20_000))
  log.dropTail(row)
}

/** What a consumer gets who reads from one offset to the next, answer by answer. */
async function * consume (
  log: Border, row: Row, offset: number, maxBytes = answerBytes
): AsyncGenerator<Buffer> {
  for (;;) {
    const bytes = await bytesOf(log.read(row, offset, 'high-watermark', maxBytes, true))
    const whole = bytes.subarray(0, wholeBatches(bytes))
    if (whole.length === 0) return
    offset += whole.length / batchBytes * records
    yield whole
  }
}

async function consumeAll (log: Border, row: Row, offset = 0, maxBytes = answerBytes): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of consume(log, row, offset, maxBytes)) parts.push(part)
  return Buffer.concat(parts)
}

/** Besides the tail. */
function leftIn ({ arena }: Border): number[] {
  return [arena.heldCells, arena.usedBytes - arena.tailBytes, arena.waiting]
}

const soon = () => new Promise(resolve => setImmediate(resolve))

describe('readers of history', () => {
  let disk: CountingDisk
  let opened: Opened
  let log: Border
  let row: Row

  const start = async (memoryBytes: number, on: Disk = disk) => {
    opened = await startLog({ kind: 'inline', disk: on, folder: '/logs', drop () {} }, { memoryBytes })
    log = opened.log
    row = await openRow(log)
  }

  beforeEach(async () => {
    disk = new CountingDisk()
    await start(2 ** 25)
  })

  afterEach(async () => {
    await log.close(true)
    expect(leftIn(log)).toEqual([0, 0, 0])
  })

  it('of the same range share what one read brought, wherever they began', async () => {
    await fill(log, row, 60)
    const whole = await consumeAll(log, row)
    expect(whole.length).toBe(60 * batchBytes)
    expect(disk.bytesRead).toBeLessThan(whole.length + cellBytes)
    const before = disk.bytesRead
    const readers = [0, 0, 5, 35, 50].map(offset => consume(log, row, offset))
    const seen = readers.map(() => 0)
    for (let reading = true; reading;) {
      reading = false
      await Promise.all(readers.map(async (reader, index) => {
        const { value, done } = await reader.next()
        if (done === true) return
        reading = true
        seen[index] += value.length
      }))
    }
    expect(seen).toEqual([60, 60, 59, 53, 50].map(batches => batches * batchBytes))
    expect(disk.bytesRead - before).toBeLessThan(whole.length + 2 * readers.length * cellBytes)
  })

  it('that wait for the same bytes wait for one read', async () => {
    await fill(log, row, 20)
    const answers = await Promise.all(Array.from({ length: 10 }, () =>
      log.read(row, 0, 'high-watermark', 2 ** 20, true)))
    const before = disk.reads
    const ranges = answers.map(({ records }) => records.pieces.at(-1) as FilePiece)
    const parts = await Promise.all(ranges.map(range =>
      new Promise<Uint8Array>((resolve, reject) => {
        range.read(0, 1000, (piece) => {
          resolve(Buffer.from(piece.bytes))
          if (piece.kind === 'arena') piece.release()
        }, reject)
      })))
    // And one for what follows.
    expect(disk.reads - before).toBeLessThanOrEqual(4)
    expect(new Set(parts.map(part => Buffer.from(part).toString('hex'))).size).toBe(1)
    for (const { records } of answers) releasePieces(records.pieces)
  })

  it('who go on where somebody has been are answered at once', async () => {
    await fill(log, row, 60)
    const first = log.read(row, 0, 'high-watermark', answerBytes, true)
    expect(first).toBeInstanceOf(Promise)
    await bytesOf(first)
    for (let offset = 50; offset < 250; offset += 50) {
      const next = log.read(row, offset, 'high-watermark', answerBytes, true)
      expect(next).not.toBeInstanceOf(Promise)
      expect((await bytesOf(next)).length).toBe(answerBytes)
    }
  })

  it('know where they go on before they have what was asked for', async () => {
    await fill(log, row, 80)
    await bytesOf(log.read(row, 0, 'high-watermark', answerBytes, true))
    await soon()
    for (let offset = 50; offset < 300; offset += 50) {
      const answer = log.read(row, offset, 'high-watermark', answerBytes, true)
      expect(answer).not.toBeInstanceOf(Promise)
      const next = log.read(row, offset + 50, 'high-watermark', answerBytes, true)
      expect(next).not.toBeInstanceOf(Promise)
      releasePieces((next as ReadResult).records.pieces)
      await bytesOf(answer)
      await soon()
    }
  })

  it('are read ahead of in small pieces while somebody appends', async () => {
    await fill(log, row, 60)
    const consumed = async (): Promise<number> => {
      disk.readsAtOnce = 0
      await consumeAll(log, row)
      return disk.readsAtOnce
    }
    log.tick(1)
    await append(log, row, batchOf('y', records, 20_000))
    log.dropTail(row)
    expect(await consumed()).toBeLessThanOrEqual(2)
    log.tick(2)
    expect(await consumed()).toBeLessThanOrEqual(2)
    log.tick(3)
    expect(await consumed()).toBeGreaterThanOrEqual(4)
  })

  it('are read ahead of in small pieces while others are little behind, until those have come along', async () => {
    await fill(log, row, 60)
    for (let tick = 1; tick <= 2; tick++) log.tick(tick)
    const [first, second] = [consume(log, row, 0), consume(log, row, 0)]
    const readOf = async (reader: typeof first, answers: number): Promise<number> => {
      disk.readsAtOnce = 0
      while (answers-- > 0) {
        await reader.next()
        await soon()
      }
      return disk.readsAtOnce
    }
    expect(await readOf(first, 2)).toBeGreaterThanOrEqual(4)
    expect(await readOf(second, 1)).toBe(0)
    await readOf(first, 1)
    expect(await readOf(first, 1)).toBeLessThanOrEqual(3)
    expect(await readOf(second, 3)).toBe(0)
    expect(await readOf(first, 1)).toBeGreaterThanOrEqual(4)
  })

  it('read every byte once where the tail of others fills the memory', async () => {
    const other = await openRow(log, 1)
    await fill(log, row, 60)
    const frames = Math.ceil(log.arena.budgetBytes / batchBytes)
    for (let n = 0; n < frames; n++) await append(log, other, batchOf(String(n), records, 20_000))
    expect(log.arena.budgetBytes - log.arena.usedBytes).toBeLessThan(cellBytes)
    const before = disk.bytesRead
    const whole = await consumeAll(log, row)
    expect(whole.length).toBe(60 * batchBytes)
    expect(disk.bytesRead - before).toBeLessThan(whole.length + 2 * cellBytes)
    expect(log.arena.tailBytes).toBeGreaterThan(log.arena.budgetBytes / 2)
  })

  it('get what a log holds now, not what was cut off', async () => {
    await fill(log, row, 30, 'old')
    const kept = (await consumeAll(log, row)).subarray(0, 20 * batchBytes)
    const onTheWay = bytesOf(log.read(row, 0, 'high-watermark', 2 ** 22, true))
    const cut = log.truncateTo(row, 100)
    await Promise.allSettled([onTheWay, cut])
    expect((await consumeAll(log, row)).equals(kept)).toBe(true)
    await fill(log, row, 10, 'new')
    const now = await consumeAll(log, row)
    expect(now.length).toBe(30 * batchBytes)
    expect(now.subarray(0, 20 * batchBytes).equals(kept)).toBe(true)
    for (let batch = 0; batch < 10; batch++) {
      expect(now.subarray((20 + batch) * batchBytes).includes(`new${batch}new${batch}`)).toBe(true)
    }
    expect(now.includes('old20old')).toBe(false)
  })

  it('get what a log holds now, not what one before it held under its name', async () => {
    await fill(log, row, 20, 'old')
    await consumeAll(log, row)
    await log.remove(row)
    row = await openRow(log)
    await fill(log, row, 20, 'new')
    const now = await consumeAll(log, row)
    expect([now.length, now.includes('old')]).toEqual([20 * batchBytes, false])
  })

  it('see a log grow behind what they have', async () => {
    await fill(log, row, 3, 'a')
    const reader = async () => (await consumeAll(log, row)).length / batchBytes
    for (let batches = 3; batches < 40; batches++) {
      expect(await reader()).toBe(batches)
      await fill(log, row, 1, 'b')
    }
  })

  it('of a partition each are read ahead of by several cells, and push nothing out', async () => {
    const rows = [row]
    while (rows.length < 6) rows.push(await openRow(log, rows.length))
    for (const one of rows) await fill(log, one, 60)
    for (let tick = 1; tick <= 2; tick++) log.tick(tick)
    const most: number[] = []
    const readers = rows.map(one => consume(log, one, 0))
    disk.bytesRead = 0
    for (let answer = 0; answer < 6; answer++) {
      disk.readsAtOnce = 0
      for (const reader of readers) {
        await reader.next()
        await soon()
      }
      most.push(disk.readsAtOnce)
    }
    expect(Math.max(...most)).toBeGreaterThanOrEqual(4)
    // The first bytes of each come with the search for them, and once more with their cell.
    expect(disk.bytesRead).toBeLessThan(rows.length * (60 * batchBytes + cellBytes))
  })

  it('leave memory to producers that want it, and to other readers', async () => {
    await fill(log, row, 80)
    await consumeAll(log, row)
    const { arena } = log
    expect(arena.heldCells).toBe(0)
    const frame = Buffer.alloc(65_536)
    const held: number[] = []
    for (;;) {
      const address = arena.place(frame, 0, frame.length)
      if (address < 0) break
      held.push(address)
    }
    expect(held.length * frame.length).toBe(arena.budgetBytes)
    for (const address of held) arena.release(address, frame.length)
    await consumeAll(log, row)
    const cells: number[] = []
    for (let address; (address = arena.takeHistoryCell()) >= 0;) cells.push(address)
    expect(cells.length * cellBytes).toBe(arena.budgetBytes / 2)
    for (const address of cells) arena.release(address, 1)
  })

  it('whose disk fails learn it with the next request, and so does the directory', async () => {
    await log.close(true)
    const failing = new FaultyDisk()
    await start(2 ** 25, failing)
    await fill(log, row, 60)
    await bytesOf(log.read(row, 0, 'high-watermark', answerBytes, true))
    const next = log.read(row, 50, 'high-watermark', 2 ** 22, true)
    expect(next).not.toBeInstanceOf(Promise)
    const healed = failing.failWith({ operation: 'read', code: 'EIO', path: '.log' })
    await expect(bytesOf(next)).rejects.toThrow('EIO')
    const { errorCode } = await log.read(row, 50, 'high-watermark', 2 ** 22, true)
    expect(errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(opened.failedDirectories).toEqual(['/logs'])
    healed()
  })

  it('leave nothing behind in a log that is closed under them', async () => {
    await fill(log, row, 60)
    const answers = await Promise.all([0, 50, 100].map(offset =>
      log.read(row, offset, 'high-watermark', 2 ** 20, true)))
    const collecting = answers.map(answer => bytesOf(answer).catch(() => {}))
    await Promise.all([log.close(true), ...collecting])
  })
})

describe('any readers of any log', () => {
  it.each([1, 2, 3, 4, 5, 6])('see every byte in its order, seed %i', async (seed) => {
    const random = new SeededRandom(seed)
    const upTo = (limit: number) => Math.floor(random.float() * limit)
    const memoryBytes = [2 ** 20, 2 ** 21, 2 ** 24][seed % 3]
    const place = { kind: 'inline', disk: new MemoryDisk(), folder: '/logs', drop () {} } as const
    const { log } = await startLog(place, { memoryBytes })
    const row = await openRow(log, 0, { ...plainConfig, segmentBytes: 700_000 })
    const written: Buffer[] = []
    const write = async () => {
      const batch = batchOf(String(random.float()), 1, 1 + upTo(upTo(10) === 0 ? 400_000 : 30_000))
      await append(log, row, batch)
      written.push(batch)
      if (upTo(3) === 0) log.dropTail(row)
    }
    for (let n = 0; n < 150; n++) await write()
    const read = async () => {
      let offset = upTo(written.length)
      const maxBytes = 1 + upTo(1_500_000)
      for (let answers = 0; answers < 6; answers++) {
        const bytes = await bytesOf(log.read(row, offset, 'high-watermark', maxBytes, true))
        let at = 0
        for (let whole = wholeBatches(bytes); at < whole; at += written[offset++].length) {
          const batch = bytes.subarray(at + 61, at + written[offset].length)
          if (!batch.equals(written[offset].subarray(61))) throw new Error(`other bytes at offset ${offset}`)
        }
      }
    }
    const abandon = async () => {
      const { records } = await log.read(row, upTo(written.length), 'high-watermark', 2 ** 20, true) as ReadResult
      const range = records.pieces.find(piece => (piece as FilePiece).kind === 'file') as FilePiece | undefined
      range?.read(0, cellBytes, piece => piece.kind === 'arena' && piece.release(), () => {})
      releasePieces(records.pieces)
    }
    for (let round = 0; round < 15; round++) {
      const works = Array.from({ length: 6 }, () => [read, read, write, abandon][upTo(4)]())
      await Promise.all(works)
    }
    await soon()
    await log.close(true)
    expect(leftIn(log)).toEqual([0, 0, 0])
  })
})
