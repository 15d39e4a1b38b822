import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random-seeded.ts'
import { committedIn } from '../log/testing/transactions.ts'
import { type LogConfig } from '../log/types.ts'
import { buildEndMarker } from '../protocol/end-marker.ts'
import { buildBatch } from '../protocol/record.ts'
import { type Border } from './border.ts'
import { wholeBatches } from './disk-jobs.ts'
import { append, batchOf, bytesOf, openRow, placeFor, type Place, plainConfig, startLog } from './log-client.testing.ts'
import { type AppendOrigin, type Row } from './log-client.ts'

const coordinator: AppendOrigin = { kind: 'coordinator', leaderEpoch: -1 }
const timestamp = 1_700_000_000_000

function write (log: Border, row: Row, producerId: number, value: string) {
  const options = { transactional: true, producerId, producerEpoch: 0, baseSequence: 0 }
  return append(log, row, buildBatch(options, [{ value: Buffer.from(value), timestamp }]), coordinator)
}

function end (log: Border, row: Row, producerId: number, commit: boolean, coordinatorEpoch = 0) {
  const marker = { producerId, producerEpoch: 0, commit, coordinatorEpoch, timestamp }
  return append(log, row, buildEndMarker(marker), coordinator)
}

/** All that a consumer of committed records sees, with answers of at most `maxBytes`. */
async function committed (log: Border, row: Row, from = 0, maxBytes = 2 ** 20): Promise<string[]> {
  const seen: string[] = []
  for (let offset = from; ;) {
    const result = await log.read(row, offset, 'last-stable', maxBytes, true)
    expect(result.errorCode).toBe(0)
    const bytes = await bytesOf(result)
    const { values, next } = committedIn(bytes.subarray(0, wholeBatches(bytes)), offset, result.aborted)
    if (next === offset) return seen
    seen.push(...values)
    offset = next
  }
}

describe.each(['inline', 'worker'] as const)('reads of committed records, %s', (kind) => {
  let place: Place
  let log: Border

  beforeEach(async () => {
    place = placeFor(kind)
    log = (await startLog(place)).log
  })

  afterEach(async () => {
    await log.close(false)
    expect(log.arena.heldCells).toBe(0)
    place.drop()
  })

  it('end at the last stable offset, and name what was aborted in their range', async () => {
    const row = await openRow(log)
    await append(log, row, batchOf('plain', 1, 5)) // 0
    await write(log, row, 1, 'a') // 1
    await write(log, row, 2, 'b') // 2
    expect([log.table.lastStable(row), log.table.highWatermark(row)]).toEqual([1, 3])
    expect(await committed(log, row)).toEqual(['plain'])
    await end(log, row, 2, true) // 3
    expect([log.table.lastStable(row), log.table.lastAborted(row)]).toEqual([1, -1])
    await end(log, row, 1, false) // 4
    expect([log.table.lastStable(row), log.table.lastAborted(row)]).toEqual([5, 4])
    const result = await log.read(row, 0, 'last-stable', 2 ** 20, true)
    expect([result.lastStableOffset, result.aborted]).toEqual([5, [{ producerId: 1, firstOffset: 1 }]])
    await bytesOf(result)
    expect(await committed(log, row)).toEqual(['plain', 'b'])
    // Above the newest aborted transaction the tail serves committed readers too.
    await append(log, row, batchOf('after', 1, 5))
    const above = log.read(row, 5, 'last-stable', 2 ** 20, true)
    expect(above).not.toBeInstanceOf(Promise)
    expect((await above).aborted).toEqual([])
    await bytesOf(above)
    // Others are told nothing of it.
    const plain = await log.read(row, 0, 'high-watermark', 2 ** 20, true)
    expect(plain.aborted).toEqual([])
    await bytesOf(plain)
  })

  it('are the same after a restart, clean or not', async () => {
    const config = { ...plainConfig, segmentBytes: 400 }
    let row = await openRow(log, 0, config)
    for (let round = 0; round < 12; round++) {
      await write(log, row, 1, `aborted ${round}`)
      await write(log, row, 2, `committed ${round}`)
      await end(log, row, 1, false)
      await end(log, row, 2, true)
    }
    await write(log, row, 3, 'open')
    const expected = Array.from({ length: 12 }, (_, round) => `committed ${round}`)
    for (const clean of [true, false]) {
      expect(await committed(log, row)).toEqual(expected)
      expect(await committed(log, row, 0, 150)).toEqual(expected)
      await log.close(clean)
      log = (await startLog(place)).log
      row = await openRow(log, 0, config, 2)
      expect([log.table.lastStable(row), log.table.end(row)]).toEqual([48, 49])
    }
    expect((await end(log, row, 3, false)).errorCode).toBe(0)
    expect(await committed(log, row)).toEqual(expected)
  })

  it('never show an aborted record, nor a hole, while transactions end beside them', async () => {
    const random = new SeededRandom(5)
    for (const [partition, durability] of (['page-cache', 'group-commit'] as const).entries()) {
      const row = await openRow(log, partition, { ...plainConfig, segmentBytes: 3000, durability })
      const fates: string[] = []
      const done = { writing: false }
      const seen: string[] = []
      const reading = (async () => {
        let offset = 0
        while (!done.writing || offset < log.table.end(row)) {
          const result = await log.read(row, offset, 'last-stable', 500 + random.below(1000), true)
          const bytes = await bytesOf(result)
          const { values, next } = committedIn(bytes.subarray(0, wholeBatches(bytes)), offset, result.aborted)
          seen.push(...values)
          offset = next
          if (bytes.length === 0) await new Promise(resolve => setImmediate(resolve))
        }
      })()
      await Promise.all([1, 2, 3].map(async (producer) => {
        for (let round = 0; round < 60; round++) {
          const commit = random.below(2) === 0
          const values = Array.from({ length: 1 + random.below(3) }, (_, index) => `${producer}/${round}/${index}`)
          await Promise.all(values.map(value => write(log, row, producer, value)))
          expect((await end(log, row, producer, commit)).errorCode).toBe(0)
          if (commit) fates.push(...values)
        }
      }))
      done.writing = true
      await reading
      expect(seen.toSorted()).toEqual(fates.toSorted())
      expect(new Set(seen).size).toBe(seen.length)
    }
  })
})

describe('recovery', () => {
  it('goes by the topic\'s own settings: a compacted log may end with an empty segment behind a gap', async () => {
    const ends: number[] = []
    const compacts: LogConfig = { ...plainConfig, compacts: true }
    for (const settingsAtStart of [() => () => compacts, () => () => plainConfig]) {
      const place = placeFor('inline')
      const { log } = await startLog(place)
      const row = await openRow(log)
      await append(log, row, batchOf('kept', 2))
      await log.close(false)
      // Compaction took what was below 10; the segment behind it was just begun.
      place.disk.close(place.disk.open(`${place.folder}/orders-0/00000000000000000010.log`, 'new'))
      const again = await startLog(place, { settingsAtStart })
      ends.push(again.log.table.end(await openRow(again.log)))
      await again.log.close(false)
    }
    expect(ends).toEqual([10, 2])
  })

  it('checks a folder that was put into a directory while it was closed', async () => {
    const place = placeFor('inline')
    const other = placeFor('inline')
    const { log: source } = await startLog(other)
    const from = await openRow(source)
    await write(source, from, 1, 'aborted')
    await end(source, from, 1, false)
    await source.close(true)
    await (await startLog(place)).log.close(true)
    place.disk.makeDirectory('/logs/orders-0')
    for (const name of other.disk.list('/logs/orders-0').filter(name => !name.endsWith('.txnindex'))) {
      place.disk.replaceFile(`/logs/orders-0/${name}`, other.disk.readFile(`/logs/orders-0/${name}`))
    }
    const { log } = await startLog(place)
    expect(await committed(log, await openRow(log))).toEqual([])
    await log.close(true)
  })
})
