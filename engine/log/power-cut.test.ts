// What a power cut may take of the files beside the records, and what a start makes of the rest. Each of
// these was once found by the storage fuzzer.
import { describe, expect, it } from 'vitest'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { checkpointDirectory, checkpointKey, openDirectory } from './log-directory.ts'
import { syncSegment } from './log-files.ts'
import { SegmentReader, segmentAt } from './reader.ts'
import { append, contents, fixedRandom, now, open, topicId } from './testing/kit.ts'
import { silentLogger } from '../base/logger.ts'

const config = { segmentBytes: 300, indexIntervalBytes: 100 }

function faulty (): FaultyDisk {
  const disk = new FaultyDisk()
  disk.makeDirectory('/data')
  disk.fsyncDirectory('/')
  return disk
}

const openData = (disk: FaultyDisk) =>
  openDirectory({ disk, path: '/data', nodeId: 1, clusterId: 'c', logger: silentLogger, random: fixedRandom })

describe('a power cut', () => {
  it('leaves a synced segment its newest time, its epochs and its producers', () => {
    const disk = faulty()
    const { log } = open(disk, config)
    log.becomeLeader(3)
    for (let index = 0; index < 9; index++) {
      append(log, [`value ${index}`], { producerId: 7, producerEpoch: 0, baseSequence: index }, now + index)
    }
    const [first, second] = log.segments
    syncSegment(disk, first.path, second.baseOffset)
    disk.crash()
    const again = open(disk, config, { recoveryPoint: second.baseOffset }).log
    expect(again.end).toBe(second.baseOffset)
    expect(again.segments[0].meter.maxTimestampMs).toBe(now + second.baseOffset - 1)
    expect(again.files.epochs.entries).toEqual([[3, 0]])
    expect(again.producers.get(7)?.lastSequence).toBe(second.baseOffset - 1)
  })

  it('that takes the end of a segment and not the next one leaves a gap, as with Kafka', () => {
    const disk = faulty()
    const { log } = open(disk, config)
    log.becomeLeader(0)
    for (let index = 0; index < 9; index++) append(log, [`value ${index}`])
    const [first, second] = log.segments
    const whole = disk.readFile(first.path)
    disk.kill()
    disk.replaceFile(first.path, whole.subarray(0, whole.length / second.baseOffset))
    const left = [0, ...Array.from({ length: 9 - second.baseOffset }, (_, n) => second.baseOffset + n)]
    for (const recoveryPoint of [0, -1]) {
      const again = open(disk, config, { recoveryPoint }).log
      expect(contents(again)).toEqual(left.map(offset => [offset, `value ${offset}`]))
      expect(again.end).toBe(9)
    }
    const { log: again, seen } = open(disk, config, { recoveryPoint: 0 })
    expect(append(again, ['next'])).toBe(9)
    const views = [...seen.views.values()].sort((a, b) => a.baseOffset - b.baseOffset)
    const reader = new SegmentReader(disk)
    for (let offset = 1; offset <= second.baseOffset; offset++) {
      const at = segmentAt(views, offset)
      const found = reader.find(views[at], offset, 10) ?? reader.find(views[at + 1], offset, 10)
      expect(found?.baseOffset, `read from ${offset}`).toBe(second.baseOffset)
    }
    reader.close()
  })

  it('in the middle of a cut leaves no records behind it', () => {
    for (let after = 0; after < 40; after++) {
      const disk = faulty()
      const { log } = open(disk, config)
      log.becomeLeader(0)
      for (let index = 0; index < 12; index++) append(log, [`value ${index}`])
      log.flush()
      const heal = (['fsync', 'rename', 'truncate', 'write'] as const)
        .map(operation => disk.failWith({ operation, code: 'EIO', after }))
      try {
        log.truncateTo(2)
      } catch {
        // Cut off in the middle.
      }
      heal.forEach(one => one())
      disk.kill()
      const again = open(disk, config, { recoveryPoint: 12 }).log
      const offsets = contents(again).map(([offset]) => offset)
      expect(offsets).toEqual(Array.from({ length: again.end }, (_, offset) => offset))
    }
  })

  it('after a cut leaves a segment that was flushed in background its newest time', () => {
    const oneSegment = { ...config, segmentBytes: 10_000 }
    for (let seed = 0; seed < 50; seed++) {
      const disk = faulty()
      const { log } = open(disk, oneSegment)
      log.becomeLeader(0)
      for (let index = 0; index < 6; index++) append(log, [`value ${index}`], {}, now - index)
      const flush = log.background.begin(log)!
      syncSegment(disk, flush.path, flush.end)
      log.background.done(log, flush.base)
      for (let index = 6; index < 12; index++) append(log, [`value ${index}`], {}, now - index)
      log.settleIndexes()
      log.truncateTo(8)
      const recoveryPoint = log.background.mark(log)
      expect(recoveryPoint).toBeGreaterThan(0)
      disk.crash(new SeededRandom(seed))
      const again = open(disk, oneSegment, { recoveryPoint }).log
      expect(again.segments[0].meter.maxTimestampMs, `seed ${seed}`).toBe(now)
    }
  })

  it('after a clean end leaves a sealed segment its newest time, though the log was cut back to its end', () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = faulty()
      const { log } = open(disk, config)
      log.becomeLeader(0)
      for (let index = 0; log.segments.length < 2; index++) {
        log.flush()
        append(log, [`value ${index}`], {}, now + index)
      }
      log.truncateTo(log.active.baseOffset)
      log.close(true)
      disk.crash(new SeededRandom(seed))
      const again = open(disk, config, { clean: true }).log
      expect(again.segments[0].meter.maxTimestampMs, `seed ${seed}`).toBe(now + log.end - 1)
    }
  })

  it('that takes a cut does not bring back what was written anew in a segment behind it', () => {
    const disk = faulty()
    const { log } = open(disk, config)
    log.becomeLeader(0)
    for (let index = 0; log.segments.length < 2; index++) append(log, [`value ${index}`])
    const [first, { baseOffset: second }] = log.segments
    const whole = disk.readFile(first.path)
    log.truncateTo(second - 2)
    log.roll(second - 2, null, now)
    log.reset(0, second - 2)
    for (const value of ['new', 'newer', 'newest']) append(log, [value])
    disk.kill()
    disk.replaceFile(first.path, whole)
    const again = open(disk, config, { recoveryPoint: 0 }).log
    expect(contents(again).slice(second - 3)).toEqual([
      [second - 3, `value ${second - 3}`], [second - 2, 'new'], [second - 1, 'newer'], [second, 'newest']
    ])
  })

  it('makes half an epoch file none: its last number would be too small', () => {
    const epochs = new LeaderEpochs()
    epochs.assign(0, 0)
    epochs.assign(1, 14)
    const whole = epochs.encode().toString()
    expect(LeaderEpochs.decode(whole)?.entries).toEqual([[0, 0], [1, 14]])
    for (let bytes = 0; bytes < whole.length; bytes++) {
      expect(LeaderEpochs.decode(whole.slice(0, bytes))).toBeNull()
    }
  })

  it('or a kill does not let checkpoints of a deleted log count for the next one of its name', () => {
    const disk = faulty()
    const { log } = open(disk, config)
    const key = checkpointKey({ topic: 'orders', topicId, partition: 0 })
    checkpointDirectory(disk, '/data', { recoveryPoints: new Map([[key, 900]]), logStarts: new Map([[key, 800]]) })
    log.close(false)
    disk.removeDirectory('/data/orders-0')
    expect(openData(disk).partitions).toEqual([])
    open(disk, config)
    expect(openData(disk).partitions).toMatchObject([{ recoveryPoint: 0, logStart: 0 }])
  })
})
