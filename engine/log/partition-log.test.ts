import { describe, expect, it } from 'vitest'
import { append, batch, contents, newLog, now, open } from './testing/kit.ts'

describe('a partition log', () => {
  it('numbers what it appends and finds it again after a clean close', () => {
    const { log, disk } = newLog()
    expect(append(log, ['a', 'b'])).toBe(0)
    expect(append(log, ['c'])).toBe(2)
    log.close(true)
    const again = open(disk, {}, { clean: true, recoveryPoint: 3 }).log
    expect([again.start, again.end]).toEqual([0, 3])
    expect(contents(again)).toEqual([[0, 'a'], [1, 'b'], [2, 'c']])
    expect(append(again, ['d'])).toBe(3)
  })

  it('finds everything after a kill', () => {
    const { log, disk } = newLog()
    for (let index = 0; index < 50; index++) append(log, [`value ${index}`])
    const again = open(disk).log
    expect(again.end).toBe(50)
    expect(contents(again)).toEqual(contents(log))
  })

  it('rolls by size and keeps offsets going', () => {
    const { log, disk, seen } = newLog({ segmentBytes: 300, indexIntervalBytes: 100 })
    for (let index = 0; index < 20; index++) append(log, [`value ${index}`])
    expect(log.segments.length).toBeGreaterThan(4)
    expect([...seen.views.keys()]).toEqual(log.segments.map(segment => segment.baseOffset))
    for (const clean of [true, false]) {
      if (clean) log.close(true)
      const config = { segmentBytes: 300, indexIntervalBytes: 100 }
      const again = open(disk, config, { clean, recoveryPoint: clean ? 20 : 0 }).log
      expect(again.end).toBe(20)
      expect(contents(again)).toEqual(contents(log))
    }
  })

  it('writes several staged batches at once, over a roll', () => {
    const { log } = newLog({ segmentBytes: 200 })
    for (let index = 0; index < 6; index++) {
      expect(log.stageAsLeader(batch([`value ${index}`]), 'client', now).baseOffset).toBe(index)
    }
    expect(log.end).toBe(0)
    const written = log.write(now)
    expect(written.map(one => [one.baseOffset, one.segmentBase, one.position]))
      .toEqual([[0, 0, 0], [1, 0, 75], [2, 2, 0], [3, 2, 75], [4, 4, 0], [5, 4, 75]])
    expect(log.end).toBe(6)
    expect(contents(log).map(([offset]) => offset)).toEqual([0, 1, 2, 3, 4, 5])
  })
})
