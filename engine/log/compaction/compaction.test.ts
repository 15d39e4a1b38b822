// What compaction keeps and what it lets go, as Kafka's cleaner does.
import { describe, expect, it } from 'vitest'
import { type MemoryDisk } from '../../base/disk-memory.ts'
import { buildBatch, type BatchOptions, type RecordInput } from '../../protocol/record.ts'
import { verifyCrc } from '../../protocol/record-batch.ts'
import { type Log } from '../partition-log.ts'
import { type SegmentView } from '../partition-log.types.ts'
import { segmentAt, SegmentReader } from '../reader.ts'
import { newLog, now, open, type Opened, type Seen } from '../testing/kit.ts'
import { type LogConfig } from '../types.ts'
import { cleanableRange } from './cleanable.ts'
import { batchesOf, compact, lines, recordsOfLog } from './compaction.testing.ts'

const day = 86_400_000
const compacted: Partial<LogConfig> = {
  compacts: true, deletes: false, segmentBytes: 300, minCleanableRatio: 0
}

type Pair = [key: string | null, value: string | null]

function input (pairs: readonly Pair[], timestamp = now): RecordInput[] {
  return pairs.map(([key, value]) => ({
    key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp
  }))
}

/** One batch, in a round of its own; as a coordinator's, so that everything is taken. */
function put (log: Log, pairs: readonly Pair[], options: BatchOptions = {}, timestamp = now): void {
  const answer = log.stageAsLeader(buildBatch(options, input(pairs, timestamp)), 'coordinator', timestamp)
  if (answer.errorCode !== 0) throw new Error(`refused with ${answer.errorCode}`)
  log.write(now)
}

function putEach (log: Log, ...pairs: Pair[]): void {
  for (const pair of pairs) put(log, [pair])
}

/** Everything before becomes cleanable. */
function roll (log: Log): void {
  log.roll(log.end, null, now)
  log.reset(log.start, log.end)
}

const marker = (type: number): RecordInput[] => {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  return [{ key, value: Buffer.alloc(6), timestamp: now }]
}

/** 0 aborts, 1 commits. */
function end (log: Log, producerId: number, type: 0 | 1, producerEpoch = 0): void {
  const options = { control: true, transactional: true, producerId, producerEpoch, baseSequence: -1 }
  const answer = log.stageAsLeader(buildBatch(options, marker(type)), 'coordinator', now)
  if (answer.errorCode !== 0) throw new Error(`the marker was refused with ${answer.errorCode}`)
  log.write(now)
}

const of = (producerId: number, baseSequence: number): BatchOptions =>
  ({ producerId, producerEpoch: 0, baseSequence, transactional: true })

function reopen (disk: Opened['disk'], clean: boolean, config: Partial<LogConfig> = compacted): Log {
  return open(disk, config, { clean }).log
}

describe('compaction', () => {
  it('keeps the newest value of every key, at its offset', () => {
    const { log } = newLog(compacted)
    putEach(log, ['a', '1'], ['b', '1'], ['a', '2'], ['c', '1'], ['b', '2'], ['a', '3'])
    roll(log)
    expect(compact(log)).toBe('done')
    expect(lines(log)).toEqual(['3:c=1', '4:b=2', '5:a=3'])
    expect([log.start, log.end]).toEqual([0, 6])
    putEach(log, ['c', '2'])
    roll(log)
    expect(compact(log)).toBe('done')
    expect(lines(log)).toEqual(['4:b=2', '5:a=3', '6:c=2'])
  })

  it('leaves the active segment alone, and has nothing to do without new records', () => {
    const { log } = newLog({ ...compacted, segmentBytes: 1 << 20 })
    putEach(log, ['a', '1'], ['a', '2'])
    expect(compact(log)).toBe('nothing')
    roll(log)
    putEach(log, ['a', '3'])
    expect(compact(log)).toBe('done')
    expect(lines(log)).toEqual(['1:a=2', '2:a=3'])
    expect(compact(log)).toBe('nothing')
  })

  it('keeps what is above the high watermark or undecided', () => {
    const { log } = newLog(compacted)
    for (let round = 0; round < 30; round++) put(log, [['a', `${round}`]])
    roll(log)
    expect(compact(log, { highWatermark: 0 })).toBe('nothing')
    const third = log.segments[2].baseOffset
    expect(cleanableRange(log, third + 1, now)?.firstUncleanable).toBe(third)
    expect(compact(log, { highWatermark: third + 1 })).toBe('done')
    expect(recordsOfLog(log).map(record => record.offset)).toEqual([third - 1, ...range(third, 30)])
    put(log, [['t', '1']], of(7, 0))
    const open = log.firstUnstable
    for (let round = 30; round < 60; round++) put(log, [['a', `${round}`]])
    roll(log)
    compact(log)
    expect(recordsOfLog(log).filter(record => record.offset >= open)).toHaveLength(31)
  })

  it('keeps a tombstone for delete.retention.ms from the run that first met it', () => {
    const { log } = newLog({ ...compacted, deleteRetentionMs: day })
    putEach(log, ['a', '1'], ['b', '1'], ['a', null])
    roll(log)
    compact(log)
    expect(lines(log)).toEqual(['1:b=1', '2:a='])
    const batch = batchesOf(log)[1]
    expect(batch.header.deleteHorizon).toBe(true)
    expect(batch.header.baseTimestamp).toBe(now + day)
    expect(batch.records[0].timestamp).toBe(now)
    putEach(log, ['c', '1'])
    roll(log)
    compact(log, { nowMs: now + day - 1 })
    expect(lines(log)).toEqual(['1:b=1', '2:a=', '3:c=1'])
    expect(batchesOf(log)[1].header.baseTimestamp).toBe(now + day)
    putEach(log, ['d', '1'])
    roll(log)
    compact(log, { nowMs: now + day })
    expect(lines(log)).toEqual(['1:b=1', '3:c=1', '4:d=1'])
  })

  it('never lets go of tombstones whose retention has no end', () => {
    const { log } = newLog({ ...compacted, deleteRetentionMs: Number.MAX_SAFE_INTEGER })
    putEach(log, ['a', '1'], ['a', null])
    roll(log)
    compact(log)
    putEach(log, ['b', '1'])
    roll(log)
    compact(log, { nowMs: now + 10_000 * day })
    expect(lines(log)).toEqual(['1:a=', '2:b=1'])
  })

  for (const compression of [0, 1, 2, 3, 4] as const) {
    it(`writes a batch of codec ${compression} anew: its numbers, times and headers stay`, () => {
      const { log } = newLog(compacted)
      const headers = [{ key: 'h', value: Buffer.from('x') }, { key: 'n', value: null }]
      const records = input([['a', '1'], ['b', 'b'.repeat(50)], ['a', '2'], ['c', '1']])
        .map((record, index) => ({ ...record, headers, timestamp: now - 1000 * index }))
      const options = { compression, producerId: 5, producerEpoch: 3, baseSequence: 10 }
      log.stageAsLeader(buildBatch(options, records), 'client', now)
      log.write(now)
      roll(log)
      compact(log)
      const [{ header, records: left }] = batchesOf(log)
      expect(left.map(({ offset, key, timestamp }) => [offset, key, timestamp]))
        .toEqual([[1, 'b', now - 1000], [2, 'a', now - 2000], [3, 'c', now - 3000]])
      expect([header.codec, header.recordCount, header.lastOffsetDelta]).toEqual([compression, 3, 3])
      expect([header.producerId, header.producerEpoch, header.baseSequence]).toEqual([5, 3, 10])
      expect([header.maxTimestamp, header.partitionLeaderEpoch]).toEqual([now - 1000, 0])
      expect(verifyCrc(log.parts.disk.readFile(log.segments[0].path), 0)).toBe(true)
    })
  }

  it('lets go of records without a key', () => {
    const { log } = newLog({ ...compacted, compacts: false })
    putEach(log, [null, 'x'], ['a', '1'], [null, 'y'])
    roll(log)
    log.configure({ ...log.config, compacts: true })
    compact(log)
    expect(lines(log)).toEqual(['1:a=1'])
  })

  it('keeps the header of each producer\'s last batch, and of the last batch of the run', () => {
    const { log } = newLog(compacted)
    put(log, [['a', '1']], { producerId: 1, producerEpoch: 0, baseSequence: 0 })
    put(log, [['a', '2']], { producerId: 1, producerEpoch: 0, baseSequence: 1 })
    put(log, [['a', '3']])
    put(log, [['a', null]], {}, now)
    roll(log)
    compact(log)
    putEach(log, ['b', '1'])
    roll(log)
    compact(log, { nowMs: now + 2 * day })
    const seen = batchesOf(log)
      .map(({ header, records }) => [header.baseOffset, header.baseSequence, records.length])
    expect(seen).toEqual([[1, 1, 0], [4, -1, 1]])
    const again = reopen(log.parts.disk, false)
    again.becomeLeader(1)
    const retry = buildBatch({ producerId: 1, producerEpoch: 0, baseSequence: 1 }, input([['a', '2']]))
    expect(again.stageAsLeader(retry, 'client', now)).toMatchObject({ errorCode: 0, duplicate: true, baseOffset: 1 })
  })

  it('ends where it ended when everything has gone', () => {
    const { log } = newLog({ ...compacted, deleteRetentionMs: 0 })
    putEach(log, ['a', '1'], ['a', null])
    roll(log)
    compact(log)
    putEach(log, ['b', '1'], ['b', null])
    roll(log)
    compact(log, { nowMs: now + 1 })
    const last = batchesOf(log).at(-1)!
    expect([last.header.lastOffset, last.header.recordCount]).toEqual([3, 1])
    put(log, [['c', '1']])
    roll(log)
    compact(log, { nowMs: now + 2 })
    expect(lines(log)).toEqual(['4:c=1'])
    log.close(true)
    expect(reopen(log.parts.disk, true).end).toBe(5)
    expect(reopen(log.parts.disk, false).end).toBe(5)
  })

  it('merges small segments up to segment.bytes, and the reader finds its way over the gaps', () => {
    const { log, seen } = newLog({ ...compacted, segmentBytes: 400, indexIntervalBytes: 100 })
    for (let n = 0; n < 100; n++) put(log, [[`k${n % 40}`, `v${n}`]])
    roll(log)
    const before = log.segments.length
    compact(log)
    putEach(log, ['k99', 'v100'])
    roll(log)
    compact(log)
    expect(log.segments.length).toBeLessThan(before)
    expect(log.segments.every(segment => segment.bytes <= 400)).toBe(true)
    expect(lines(log)).toEqual([...range(60, 100).map(n => `${n}:k${n % 40}=v${n}`), '100:k99=v100'])
    const views = viewsOf(seen)
    expect(views.map(view => view.baseOffset)).toEqual(log.segments.map(segment => segment.baseOffset))
    const reader = new SegmentReader(log.parts.disk)
    for (let offset = 0; offset < 100; offset++) {
      expect(find(reader, views, offset)).toBe(Math.max(offset, 60))
    }
    expect(reader.offsetOfMaxTimestamp(views, 0, log.end).offset).toBe(60)
    reader.close()
    expect(log.bytes).toBe(log.segments.reduce((sum, segment) => sum + segment.bytes, 0))
  })

  it('goes on where the map of keys was full', () => {
    const { log } = newLog(compacted)
    for (let n = 0; n < 200; n++) put(log, [[`k${n % 50}`, `v${n}`], [`l${n % 50}`, `v${n}`]])
    roll(log)
    let runs = 0
    while (compact(log, { bounds: { mapBytes: 24 * 20 } }) === 'done') runs++
    expect(runs).toBeGreaterThan(3)
    const newest = new Map(recordsOfLog(log).map(({ key, value }) => [key, value]))
    expect(newest.size).toBe(100)
    for (const [key, value] of newest) expect(value).toBe(`v${150 + Number(key!.slice(1))}`)
    expect(recordsOfLog(log).length).toBeLessThan(400)
  })

  it('gets on when one batch has more keys than the map has room for', () => {
    const { log } = newLog({ ...compacted, segmentBytes: 1 << 20 })
    put(log, range(0, 50).map(n => [`k${n}`, 'old']))
    put(log, range(0, 50).map(n => [`k${n}`, 'new']))
    roll(log)
    let runs = 0
    while (runs < 30 && compact(log, { bounds: { mapBytes: 24 * 10 } }) === 'done') runs++
    expect(runs).toBeLessThan(30)
    expect(log.compaction.cleanedTo).toBe(100)
    expect(recordsOfLog(log).every(({ value }) => value === 'new')).toBe(true)
  })

  it('leaves the header of the last batch of a run whose records have all gone', () => {
    const { log } = newLog(compacted)
    put(log, [['a', '1']])
    log.configure({ ...log.config, compacts: false })
    put(log, [[null, 'x'], [null, 'y']])
    log.configure({ ...log.config, compacts: true })
    roll(log)
    compact(log)
    expect(batchesOf(log).map(({ header }) => [header.baseOffset, header.lastOffset, header.recordCount]))
      .toEqual([[0, 0, 1], [1, 2, 0]])
  })

  it('takes a batch larger than its buffers', () => {
    const { log } = newLog({ ...compacted, segmentBytes: 1 << 20 })
    put(log, [['a', 'x'.repeat(200_000)], ['b', 'y'.repeat(100_000)]])
    putEach(log, ['a', '2'])
    roll(log)
    compact(log, { bounds: { bufferBytes: 1000 } })
    expect(recordsOfLog(log).map(({ key, value }) => [key, value?.length])).toEqual([['b', 100_000], ['a', 1]])
  })

  describe('when it is due', () => {
    it('waits for min.cleanable.dirty.ratio, unless max.compaction.lag.ms has passed', () => {
      const { log } = newLog({ ...compacted, minCleanableRatio: 0.5 })
      for (let n = 0; n < 40; n++) put(log, [[`k${n}`, 'v']])
      roll(log)
      expect(compact(log)).toBe('done')
      for (let n = 0; n < 10; n++) put(log, [[`k${n}`, 'w']])
      roll(log)
      expect(compact(log)).toBe('nothing')
      log.configure({ ...log.config, maxCompactionLagMs: 1000 })
      expect(compact(log, { nowMs: now + 1000 })).toBe('nothing')
      expect(compact(log, { nowMs: now + 1001 })).toBe('done')
      expect(recordsOfLog(log)).toHaveLength(40)
    })

    it('spares records younger than min.compaction.lag.ms', () => {
      const { log } = newLog({ ...compacted, segmentBytes: 1 << 20, minCompactionLagMs: day })
      put(log, [['a', '1']], {}, now - 2 * day)
      put(log, [['a', '2']], {}, now - 2 * day)
      roll(log)
      put(log, [['a', '3']], {}, now - day / 2)
      put(log, [['a', '4']], {}, now - day / 2)
      roll(log)
      compact(log)
      expect(lines(log)).toEqual(['1:a=2', '2:a=3', '3:a=4'])
    })

    it('starts over when the checkpoint cannot be right', () => {
      const { log } = newLog(compacted)
      putEach(log, ['a', '1'], ['a', '2'], ['a', '3'], ['a', '4'])
      roll(log)
      log.compaction.cleanedTo = 99
      compact(log)
      expect(lines(log)).toEqual(['3:a=4'])
      expect(log.compaction.cleanedTo).toBe(4)
    })
  })

  describe('transactions', () => {
    it('lets go of aborted records, and of the marker when its time is over', () => {
      const { log } = newLog({ ...compacted, deleteRetentionMs: day })
      put(log, [['a', '1']])
      put(log, [['a', 'aborted']], of(1, 0))
      end(log, 1, 0)
      put(log, [['b', '1']], of(2, 0))
      end(log, 2, 1)
      put(log, [['c', '1']])
      roll(log)
      compact(log)
      expect(recordsOfLog(log).filter(({ key }) => key === 'a' || key === 'b' || key === 'c').map(r => r.offset))
        .toEqual([0, 3, 5])
      const kinds = (): string[] => batchesOf(log).map(({ header, records }) =>
        `${header.baseOffset}${header.control ? 'm' : ''}${records.length === 0 ? '-' : ''}`)
      // The aborted batch is the last one of its producer: its header stays, and so does the marker.
      expect(kinds()).toEqual(['0', '1-', '2m', '3', '4m', '5'])
      log.producers.clear()
      for (const nowMs of [now, now + 1, now + day + 2]) {
        putEach(log, ['d', `${nowMs}`])
        roll(log)
        compact(log, { nowMs })
      }
      expect(kinds().filter(kind => kind.includes('m'))).toEqual(['4m'])
      expect(kinds().slice(0, 3)).toEqual(['0', '3', '4m'])
    })

    it('knows what was aborted by a marker that lies in a later segment', () => {
      const { log } = newLog(compacted)
      put(log, [['a', '1']])
      put(log, [['a', 'aborted']], of(1, 0))
      put(log, [['b', 'committed']], of(2, 0))
      for (let n = 0; n < 20; n++) put(log, [['z', `${n}`]])
      roll(log)
      end(log, 2, 1)
      end(log, 1, 0)
      expect(compact(log)).toBe('done')
      expect(recordsOfLog(log).filter(({ key }) => key === 'a' || key === 'b').map(({ value }) => value))
        .toEqual(['1', 'committed'])
    })

    it('does not take a producer\'s later commit for its earlier abort', () => {
      const { log } = newLog(compacted)
      put(log, [['a', 'aborted']], of(1, 0))
      end(log, 1, 0)
      roll(log)
      compact(log)
      put(log, [['a', 'old']])
      put(log, [['a', 'committed']], of(1, 1))
      end(log, 1, 1)
      roll(log)
      compact(log)
      expect(recordsOfLog(log).filter(({ key }) => key === 'a').map(({ value }) => value)).toEqual(['committed'])
    })
  })

  describe('what goes wrong', () => {
    it('is left alone once damage is found, and says where', () => {
      const { log } = newLog(compacted)
      putEach(log, ['a', '1'], ['a', '2'], ['a', '3'])
      roll(log)
      const { path } = log.segments[0]
      const disk = log.parts.disk
      const file = disk.open(path, 'write')
      disk.writev(file, [Buffer.from([255])], 65)
      disk.close(file)
      let reason = ''
      const seen = compact(log, {
        between: progress => { if (progress.kind === 'corrupt') reason = progress.reason }
      })
      expect(seen).toBe('corrupt')
      expect(reason).toBe(`${path} at 0: a checksum that does not fit its batch`)
      expect(compact(log)).toBe('nothing')
      expect(log.end).toBe(3)
      expect(leftovers(disk as MemoryDisk)).toEqual([])
    })

    it('gives up when the log is cut, deleted from or closed meanwhile', () => {
      for (const change of [
        (log: Log) => log.truncateTo(2),
        // Sealed again by the time of the swap, in the same segment, with other records.
        (log: Log) => {
          log.truncateTo(1)
          put(log, [['b', '1']])
          roll(log)
        },
        (log: Log) => log.truncateFullyAndStartAt(50),
        (log: Log) => {
          log.configure({ ...log.config, deletes: true, retentionBytes: 0 })
          log.retain(now, log.end)
        }
      ]) {
        const { log } = newLog(compacted)
        for (let n = 0; n < 20; n++) put(log, [['a', `${n}`]])
        roll(log)
        let changed = false
        let left: string[] = []
        const between = (): void => {
          if (changed) return
          change(log)
          changed = true
          left = lines(log)
        }
        expect(compact(log, { between })).toBe('changed')
        expect(lines(log)).toEqual(left)
        expect(leftovers(log.parts.disk as MemoryDisk)).toEqual([])
        put(log, [['b', '1']])
      }
    })
  })

  it('lets readers of the replaced segments finish, also when they must open the file again', () => {
    const { log, seen } = newLog({ ...compacted, fileDeleteDelayMs: 1000 })
    for (let n = 0; n < 20; n++) put(log, [['a', `value ${n}`]])
    roll(log)
    const disk = log.parts.disk
    const reader = new SegmentReader(disk)
    const late = new SegmentReader(disk)
    const view = seen.views.get(0)!
    const other = seen.views.get(log.segments[1].baseOffset)!
    const bytes = disk.readFile(view.path)
    const kept = Buffer.alloc(bytes.length)
    reader.read(view, 0, Buffer.alloc(1))
    compact(log, {
      between: () => {
        const { running } = log.compaction
        for (const one of [reader, late]) one.watch(running!.sources, running!.retired)
      }
    })
    for (const one of [reader, late]) {
      expect(one.read(view, 0, kept)).toBe(bytes.length)
      expect(kept.equals(bytes)).toBe(true)
      expect(one.find(other, other.baseOffset, log.end)?.baseOffset).toBe(other.baseOffset)
      expect(find(one, viewsOf(seen), 0)).toBe(19)
    }
    late.close()
    log.tick(now + 1000)
    expect(() => late.read(view, 0, kept)).toThrow('ENOENT')
    expect(find(late, viewsOf(seen), 0)).toBe(19)
  })
})

function viewsOf (seen: Seen): SegmentView[] {
  return [...seen.views.values()].sort((a, b) => a.baseOffset - b.baseOffset)
}

/** Where a reader who asks for `offset` begins. */
function find (reader: SegmentReader, views: readonly SegmentView[], offset: number): number | undefined {
  for (const view of views.slice(Math.max(0, segmentAt(views, offset)))) {
    const found = reader.find(view, offset, Infinity)
    if (found !== null) return found.baseOffset
  }
  return undefined
}

function leftovers (disk: MemoryDisk): string[] {
  return disk.list('/data/orders-0').filter(name => /\.(cleaned|swap)$/.test(name))
}

function range (from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
