import { describe, expect, it } from 'vitest'
import { append, batch, contents, newLog, now, open, type Opened } from './testing/kit.ts'
import { type LogConfig } from './types.ts'

const hour = 3_600_000

/** Ten segments of one batch each, an hour apart, the newest now. */
function tenHours (config: Partial<LogConfig>): Opened {
  const opened = newLog({ segmentBytes: 100, retentionMs: -1, ...config })
  for (let age = 9; age >= 0; age--) append(opened.log, [`${age} hours old`], {}, now - age * hour)
  return opened
}

describe('retention', () => {
  it('deletes segments whose newest record is too old, and their files after a while', () => {
    const { log, disk, seen } = tenHours({ retentionMs: 4 * hour, fileDeleteDelayMs: 1000 })
    log.retain(now, log.end)
    expect([log.start, log.end]).toEqual([5, 10])
    expect(seen.removed).toEqual([0, 1, 2, 3, 4])
    const renamed = () => disk.list('/data/orders-0').filter(name => name.endsWith('.deleted')).length
    expect(renamed()).toBeGreaterThanOrEqual(15)
    log.tick(now + 999)
    expect(renamed()).toBeGreaterThanOrEqual(15)
    log.tick(now + 1000)
    expect(renamed()).toBe(0)
  })

  it('is not hurried by records from the future, and stops at the first segment that stays', () => {
    const { log } = newLog({ segmentBytes: 100, retentionMs: hour, timestampAfterMaxMs: -1 })
    append(log, ['old'], {}, now - 5 * hour)
    append(log, ['from the future'], {}, now + 100 * hour)
    append(log, ['old too'], {}, now - 5 * hour)
    log.retain(now, log.end)
    expect(contents(log).map(([, value]) => value)).toEqual(['from the future', 'old too'])
  })

  it('deletes the oldest segments above retention.bytes', () => {
    const { log } = tenHours({ retentionBytes: 250 })
    const each = log.bytes / 10
    log.retain(now, log.end)
    expect(log.bytes).toBeGreaterThanOrEqual(250)
    expect(log.bytes - each).toBeLessThan(250)
  })

  it('never goes above the high watermark', () => {
    const { log } = tenHours({ retentionMs: 0 })
    log.retain(now, 3)
    expect(log.start).toBe(3)
  })

  it('rolls when all is due, and keeps the end', () => {
    const { log, disk } = tenHours({ retentionMs: 0 })
    log.retain(now + 1, log.end)
    expect([log.start, log.end, log.bytes]).toEqual([10, 10, 0])
    expect(append(log, ['next'])).toBe(10)
    const again = open(disk, {}, { logStart: 10 }).log
    expect([again.start, again.end]).toEqual([10, 11])
  })

  it('deletes nothing of a compacted topic, but what lies below the log start', () => {
    const { log } = tenHours({ deletes: false, retentionMs: 0 })
    log.retain(now + 1, log.end)
    expect(log.start).toBe(0)
    log.advanceStart(4)
    log.retain(now + 1, log.end)
    expect([log.start, log.segments[0].baseOffset]).toEqual([4, 4])
  })
})

describe('after DeleteRecords', () => {
  it('goes what lies below the log start, and nothing that is only old or too much', () => {
    const { log } = tenHours({ retentionMs: hour, retentionBytes: 0 })
    log.advanceStart(4)
    log.retain(now + 1, log.end, true)
    expect([log.start, log.segments[0].baseOffset]).toEqual([4, 4])
  })
})

describe('a clock that jumps', () => {
  const config = { segmentBytes: 100, retentionMs: hour, segmentMs: hour, flushMs: 1000 }

  it('back: nothing is deleted or rolled, records ahead of it are refused, flushing goes on', () => {
    const { log } = newLog(config)
    append(log, ['a'])
    const earlier = now - 10 * hour
    log.retain(earlier, log.end)
    log.tick(earlier)
    expect([log.start, log.segments.length, log.recoveryPoint]).toEqual([0, 1, 1])
    expect(log.stageAsLeader(batch(['b'], {}, now), 'client', earlier).errorCode).toBe(32)
    expect(log.stageAsLeader(batch(['b'], {}, earlier), 'client', earlier).errorCode).toBe(0)
    log.write(earlier)
    expect(contents(log).map(([, value]) => value)).toEqual(['a', 'b'])
  })

  it('forward: what is due goes once, and the newest record keeps its offset', () => {
    const { log } = newLog(config)
    append(log, ['a'])
    append(log, ['b'])
    const later = now + 1000 * hour
    log.retain(later, log.end)
    expect([log.start, log.end]).toEqual([2, 2])
    expect(log.stageAsLeader(batch(['c'], {}, later), 'client', later).baseOffset).toBe(2)
    log.write(later)
    // Set right again: the record is from the future now, and stays.
    log.retain(now, log.end)
    expect(contents(log)).toEqual([[2, 'c']])
  })
})

describe('rolling', () => {
  it('by age counts from the first batch, less the jitter', () => {
    const { log } = newLog({ segmentMs: 10 * hour, segmentJitterMs: 4 * hour })
    append(log, ['a'], {}, now - 20 * hour)
    append(log, ['b'], {}, now - 12 * hour)
    expect(log.segments.length).toBe(1)
    append(log, ['c'], {}, now - 11 * hour)
    expect(log.segments.map(segment => segment.baseOffset)).toEqual([0, 2])
  })

  it('when an index is full', () => {
    const { log } = newLog({ indexIntervalBytes: 0, segmentIndexBytes: 48 })
    for (let index = 0; index < 12; index++) append(log, ['x'], {}, now + index)
    expect(log.segments.map(segment => segment.baseOffset)).toEqual([0, 4, 8])
  })

  it('before a relative offset would not fit', () => {
    const { log } = newLog()
    log.truncateFullyAndStartAt(5)
    const far = 5 + 2147483647
    // A follower of a compacted log meets gaps.
    for (const baseOffset of [5, far, far + 1]) {
      expect(log.stageAsFollower(batch(['x'], { baseOffset }), now).errorCode).toBe(0)
    }
    log.write(now)
    expect(log.segments.map(segment => segment.baseOffset)).toEqual([5, far + 1])
    expect(log.end).toBe(far + 2)
  })

  it('preallocates and trims where the topic asks for it', () => {
    const config = { preallocate: true, segmentBytes: 1000 }
    const { log, disk } = newLog(config)
    append(log, ['a'])
    expect(disk.status(log.activePath)?.bytes).toBe(1000)
    const crashed = open(disk, config).log
    expect([crashed.end, crashed.bytes]).toEqual([1, log.bytes])
    crashed.close(true)
    expect(disk.status(crashed.activePath)?.bytes).toBe(log.bytes)
  })
})

describe('flushing', () => {
  it('happens by flush.messages, by flush.ms and when told', () => {
    const { log } = newLog({ flushMessages: 3 })
    append(log, ['a', 'b'])
    expect(log.recoveryPoint).toBe(0)
    append(log, ['c'])
    expect(log.recoveryPoint).toBe(3)
    const timed = newLog({ flushMs: 500 }).log
    append(timed, ['a'])
    timed.tick(now + 499)
    expect(timed.recoveryPoint).toBe(0)
    timed.tick(now + 500)
    expect(timed.recoveryPoint).toBe(1)
  })

  it('moves the durable end with group commit, and no further than sealed segments allow', () => {
    const { log } = newLog({ durability: 'group-commit', segmentBytes: 150 })
    append(log, ['a'])
    expect([log.end, log.durableEnd]).toEqual([1, 0])
    log.flushed(1)
    expect(log.durableEnd).toBe(1)
    const relaxed = newLog({ segmentBytes: 100 }).log
    append(relaxed, ['a'])
    append(relaxed, ['b'])
    relaxed.flushed(2)
    expect(relaxed.recoveryPoint).toBe(0)
    expect(relaxed.files.unflushed.map(one => one.baseOffset)).toEqual([0])
    relaxed.files.dropUnflushed(0)
    relaxed.flushed(2)
    expect(relaxed.recoveryPoint).toBe(2)
  })
})
