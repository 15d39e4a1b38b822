import { describe, expect, it } from 'vitest'
import { DiskError } from '../base/disk.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { silentLogger } from '../base/logger.ts'
import { errorName } from '../protocol/errors.ts'
import { type Log } from './partition-log.ts'
import { batch, newLog, now, open } from './testing/kit.ts'
import { abort, abortedFrom, commit, stageEnd, stageIn, writeIn } from './testing/transactions.ts'
import { decodeTransactionIndex } from './transaction-index.ts'

const a = { producerId: 1 }
const b = { producerId: 2 }
const c = { producerId: 3 }

/** Where readers of committed records stop, the high watermark being there. */
function stableAt (log: Log, highWatermark: number): number {
  const first = highWatermark > log.lastMarker ? log.firstUndecided : log.firstUnstable
  return Math.min(highWatermark, first)
}

function indexOf (log: Log, segment = log.active) {
  const path = segment.path.replace('.log', '.txnindex')
  return decodeTransactionIndex(log.parts.disk.readFile(path), segment.baseOffset)
}

describe('the last stable offset', () => {
  it('stops at the oldest open transaction, and follows as they end', () => {
    const { log } = newLog()
    writeIn(log, ['a1'], a) // 0
    writeIn(log, ['b1'], b) // 1
    writeIn(log, ['a2'], a) // 2
    expect(stableAt(log, log.end)).toBe(0)
    commit(log, a) // 3
    expect(stableAt(log, log.end)).toBe(1)
    abort(log, b) // 4
    expect(stableAt(log, log.end)).toBe(5)
  })

  it('does not pass a transaction whose marker is not below the high watermark', () => {
    const { log } = newLog()
    writeIn(log, ['a1'], a) // 0
    writeIn(log, ['b1'], b) // 1
    commit(log, a) // 2
    abort(log, b) // 3
    expect(stableAt(log, 2)).toBe(0)
    expect(stableAt(log, 3)).toBe(0) // until the log is told
    log.replicated(3)
    expect(stableAt(log, 3)).toBe(1)
    expect(stableAt(log, 4)).toBe(4)
    log.replicated(4)
    expect([log.firstUnstable, log.lastMarker]).toEqual([4, -1])
  })

  it('is not held back by what is gone from the start of the log', () => {
    const { log } = newLog()
    writeIn(log, ['a1', 'a2'], a)
    log.advanceStart(2)
    expect(log.firstUnstable).toBe(2)
  })

  it('knows an empty transaction for none', () => {
    const { log } = newLog()
    abort(log, a)
    expect([log.firstUnstable, log.lastAborted, log.active.aborted]).toEqual([1, -1, null])
  })
})

describe('markers', () => {
  it('of a coordinator that was replaced are refused', () => {
    const { log } = newLog()
    writeIn(log, ['a1'], a)
    expect(stageEnd(log, true, a, 5)).toBe('NONE')
    log.write(now)
    writeIn(log, ['a2'], a)
    expect(stageEnd(log, true, a, 4)).toBe('TRANSACTION_COORDINATOR_FENCED')
    expect(stageEnd(log, true, a, 5)).toBe('NONE')
    log.write(now)
    expect(log.producers.get(1)?.coordinatorEpoch).toBe(5)
  })

  it('of an old producer epoch are refused, as are its records', () => {
    const { log } = newLog()
    writeIn(log, ['a1'], { producerId: 1, producerEpoch: 3 })
    expect(stageEnd(log, false, { producerId: 1, producerEpoch: 2 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(stageIn(log, ['old'], { producerId: 1, producerEpoch: 2 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(stageEnd(log, false, { producerId: 1, producerEpoch: 4 })).toBe('NONE')
    expect(stageIn(log, ['old'], { producerId: 1, producerEpoch: 3 })).toBe('INVALID_PRODUCER_EPOCH')
  })

  it('keep out records of no transaction while the producer has one open', () => {
    const { log } = newLog()
    writeIn(log, ['a1'], a)
    const plain = batch(['x'], { producerId: 1, producerEpoch: 0, baseSequence: 1 })
    expect(errorName(log.stageAsLeader(plain, 'client', now).errorCode)).toBe('INVALID_TXN_STATE')
    commit(log, a)
    expect(errorName(log.stageAsLeader(plain, 'client', now).errorCode)).toBe('NONE')
  })

  it('are refused from clients, and so are transactional batches', () => {
    const { log } = newLog()
    const bytes = batch(['x'], { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })
    expect(errorName(log.stageAsLeader(bytes, 'client', now).errorCode)).toBe('INVALID_RECORD')
  })
})

describe('a write that fails', () => {
  it('leaves transactions, coordinator epochs and the index as they were', () => {
    const { log, disk } = newLog()
    writeIn(log, ['a1'], a)
    writeIn(log, ['b1'], b)
    stageEnd(log, false, a, 9)
    stageIn(log, ['a2'], a)
    stageIn(log, ['c1'], c)
    stageEnd(log, true, b, 9)
    disk.writev = () => { throw new DiskError('EIO', 'write', 'x') }
    expect(() => log.write(now)).toThrow(DiskError)
    expect([log.firstUnstable, log.firstUndecided, log.lastMarker, log.lastAborted]).toEqual([0, 0, -1, -1])
    expect(log.producers.get(1)).toMatchObject({ transactionStart: 0, coordinatorEpoch: -1, count: 1 })
    expect(log.producers.get(2)).toMatchObject({ transactionStart: 1, coordinatorEpoch: -1 })
    expect(log.producers.get(3)).toBeUndefined()
    expect(log.producers.transactions.openCount).toBe(2)
  })
})

describe('the transaction index', () => {
  it('lists aborted transactions with what was stable behind their markers, in Kafka\'s format', () => {
    const { log, disk, seen } = newLog()
    writeIn(log, ['a1'], a) // 0
    writeIn(log, ['b1'], b) // 1
    writeIn(log, ['c1'], c) // 2
    abort(log, b) // 3
    commit(log, c) // 4
    abort(log, a) // 5
    expect(indexOf(log)).toEqual([
      { producerId: 2, firstOffset: 1, lastOffset: 3, lastStableOffset: 0 },
      { producerId: 1, firstOffset: 0, lastOffset: 5, lastStableOffset: 6 }
    ])
    const bytes = disk.readFile(log.active.path.replace('.log', '.txnindex'))
    expect(bytes.toString('hex')).toBe(
      '0000' + '0000000000000002' + '0000000000000001' + '0000000000000003' + '0000000000000000' +
      '0000' + '0000000000000001' + '0000000000000000' + '0000000000000005' + '0000000000000006')
    expect(log.lastAborted).toBe(5)
    expect(seen.views.get(0)?.abortedCount).toBe(2)
  })

  it('of a log without aborts has no file', () => {
    const { log, disk } = newLog()
    writeIn(log, ['a1'], a)
    commit(log, a)
    log.close(true)
    expect(disk.list('/data/orders-0').filter(name => name.endsWith('.txnindex'))).toEqual([])
  })

  it('lies in the segment of the marker, and is searched over segments', () => {
    const { log, seen } = newLog({ segmentBytes: 200 })
    for (let round = 0; round < 5; round++) {
      writeIn(log, [`a${round}`, 'x'.repeat(50)], a)
      writeIn(log, [`b${round}`], b)
      abort(log, a)
      commit(log, b)
    }
    expect(log.segments.length).toBeGreaterThan(5)
    const all = log.segments.flatMap(segment => segment.aborted?.entries() ?? [])
    expect(all.map(entry => entry.firstOffset)).toEqual([0, 5, 10, 15, 20])
    for (const segment of log.segments) {
      for (const { lastOffset } of segment.aborted?.entries() ?? []) {
        expect(lastOffset).toBeGreaterThanOrEqual(segment.baseOffset)
      }
    }
    // The records lie in one segment, the marker in a later one.
    expect(abortedFrom(log, seen.views, 0)).toEqual([{ producerId: 1, firstOffset: 0 }])
    expect(abortedFrom(log, seen.views, 5)[0]).toEqual({ producerId: 1, firstOffset: 5 })
    expect(abortedFrom(log, seen.views, 20)).toEqual([{ producerId: 1, firstOffset: 20 }])
    expect(abortedFrom(log, seen.views, log.end - 1)).toEqual([])
  })
})

describe('after a restart', () => {
  for (const clean of [true, false]) {
    it(`open transactions, fenced coordinators and the index are there (${clean ? 'clean' : 'killed'})`, () => {
      const { log, disk } = newLog({ segmentBytes: 250 })
      fill(log)
      if (clean) log.close(true)
      const again = open(disk, { segmentBytes: 250 }, { clean, recoveryPoint: clean ? log.end : 0 })
      sameTransactions(again.log, log)
      expect(stageEnd(again.log, true, c, 1)).toBe('TRANSACTION_COORDINATOR_FENCED')
    })
  }

  it('a damaged index is made again, wherever it lies and whatever is wrong with it', () => {
    const damages: ((bytes: Buffer) => Buffer)[] = [
      bytes => bytes.subarray(0, bytes.length - 1),
      bytes => Buffer.concat([bytes, Buffer.alloc(3)]),
      (bytes) => { bytes[1] = 7; return bytes },
      (bytes) => { bytes[19] = 0x7f; return bytes },
      (bytes) => { bytes[18] = 0xff; return bytes },
      () => Buffer.alloc(340)
    ]
    for (const damage of damages) {
      for (const clean of [true, false]) {
        const { log, disk } = newLog({ segmentBytes: 250 })
        fill(log)
        log.close(true)
        const held = log.segments.filter(segment => segment.aborted !== null)
        expect(held.length).toBeGreaterThan(1)
        for (const { path } of held) {
          const index = path.replace('.log', '.txnindex')
          disk.replaceFile(index, damage(Buffer.from(disk.readFile(index))))
        }
        const again = open(disk, { segmentBytes: 250 }, { clean, recoveryPoint: log.end })
        sameTransactions(again.log, log)
      }
    }
  })

  it('the index does not speak of a marker that a crash took', () => {
    const { log, disk } = newLog()
    writeIn(log, ['a1'], a)
    const { bytes } = log.active
    abort(log, a)
    const file = disk.open(log.active.path, 'write')
    disk.truncate(file, bytes + 30)
    const again = open(disk).log
    expect([again.end, again.firstUndecided, again.lastAborted]).toEqual([1, 0, -1])
    expect(disk.list('/data/orders-0').filter(name => name.endsWith('.txnindex'))).toEqual([])
  })

  it('an index beside no segment goes', () => {
    const { log, disk } = newLog()
    fill(log)
    log.close(true)
    disk.replaceFile('/data/orders-0/00000000000000000777.txnindex', Buffer.alloc(34))
    open(disk, {}, { clean: true })
    expect(disk.list('/data/orders-0')).not.toContain('00000000000000000777.txnindex')
  })
})

/** Ends with producer 1 and 3 in open transactions, 2 done. */
function fill (log: Log): void {
  for (let round = 0; round < 6; round++) {
    writeIn(log, [`a${round}`, 'x'.repeat(40)], a)
    writeIn(log, [`b${round}`], b)
    abort(log, a)
    commit(log, b)
  }
  writeIn(log, ['c'], c)
  expect(stageEnd(log, false, c, 2)).toBe('NONE')
  log.write(now)
  writeIn(log, ['open'], a)
  writeIn(log, ['open'], c)
}

function sameTransactions (found: Log, expected: Log): void {
  expect([found.end, found.firstUndecided]).toEqual([expected.end, expected.firstUndecided])
  expect(found.lastAborted).toBe(expected.lastAborted)
  const indexes = (log: Log) => log.segments.map(segment => segment.aborted?.entries() ?? [])
  expect(indexes(found)).toEqual(indexes(expected))
  const states = (log: Log) => [...log.producers.entries()]
    .map(one => [one.id, one.epoch, one.coordinatorEpoch, one.transactionStart, one.lastSequence])
    .sort((x, y) => x[0] - y[0])
  expect(states(found)).toEqual(states(expected))
}

describe('a damaged marker', () => {
  it('decides nothing, and is named: the log opens whichever of its bits is turned', () => {
    const before = newLog()
    writeIn(before.log, ['a1'], a)
    const position = before.log.active.bytes
    commit(before.log, a)
    const { path } = before.log.active
    before.log.close(true)
    const whole = before.disk.readFile(path)
    for (let bit = (position + 61) * 8; bit < whole.length * 8; bit++) {
      const { disk } = before
      for (const name of disk.list('/data/orders-0')) if (name.endsWith('.snapshot')) disk.unlink(`/data/orders-0/${name}`)
      const bytes = Buffer.from(whole)
      bytes[bit >> 3] ^= 1 << (bit & 7)
      disk.replaceFile(path, bytes)
      const lines: object[] = []
      const logger = { ...silentLogger, warn (fields: object | string) { lines.push(Object(fields)) } }
      const { log } = open(disk, {}, { clean: true, recoveryPoint: 2, logger })
      expect([log.end, log.firstUnstable], `bit ${bit}`).toEqual([2, 0])
      expect(lines).toContainEqual({ path, position })
    }
  })
})

describe('a cut', () => {
  it('below the first unstable offset takes transactions, the index and the last stable offset back', () => {
    const { log } = newLog()
    writeIn(log, ['a1'], a) // 0
    abort(log, a) // 1
    writeIn(log, ['b1'], b) // 2
    writeIn(log, ['a2'], a) // 3
    abort(log, b) // 4
    commit(log, a) // 5
    expect(log.firstUndecided).toBe(6)
    log.truncateTo(5)
    expect([log.end, log.firstUndecided, log.lastAborted]).toEqual([5, 3, 4])
    log.truncateTo(4)
    expect([log.end, log.firstUndecided, log.lastAborted]).toEqual([4, 2, 1])
    expect(indexOf(log)).toEqual([{ producerId: 1, firstOffset: 0, lastOffset: 1, lastStableOffset: 2 }])
    log.truncateTo(2)
    expect([log.end, log.firstUndecided, log.lastAborted]).toEqual([2, 2, 1])
    log.truncateTo(1)
    expect([log.end, log.firstUndecided, log.lastAborted]).toEqual([1, 0, -1])
    expect(indexOf(log)).toEqual([])
    // Another leader may decide otherwise.
    commit(log, a)
    expect([log.firstUndecided, log.lastAborted]).toEqual([2, -1])
  })

  it('over segments removes their indexes', () => {
    const { log, disk } = newLog({ segmentBytes: 200 })
    fill(log)
    const held = log.segments.filter(segment => (segment.aborted?.count ?? 0) > 0)
    const at = held[2].baseOffset
    log.truncateTo(at)
    const kept = disk.list('/data/orders-0').filter((name) => {
      return name.endsWith('.txnindex') && disk.readFile(`/data/orders-0/${name}`).length > 0
    })
    expect(kept).toEqual(held.slice(0, 2).map(({ path }) => path.replace('.log', '.txnindex').slice(-29)))
    expect(log.lastAborted).toBe(held[1].aborted?.lastOffset)
    log.truncateFullyAndStartAt(100)
    expect([log.firstUnstable, log.lastAborted, log.lastMarker]).toEqual([100, -1, -1])
    expect(disk.list('/data/orders-0').filter(name => name.endsWith('.txnindex'))).toEqual([])
  })
})

describe('retention', () => {
  it('deletes a segment\'s transaction index with it', () => {
    const disk = new MemoryDisk(() => now)
    disk.makeDirectory('/data')
    const { log } = open(disk, { segmentBytes: 200, retentionBytes: 1, fileDeleteDelayMs: 0 })
    log.becomeLeader(0)
    fill(log)
    log.retain(now, log.end)
    log.tick(now + 1)
    expect(disk.list('/data/orders-0').filter(name => name.includes('.txnindex'))).toEqual([])
    expect(log.lastAborted).toBe(-1)
  })
})
