// Power cuts: what was flushed is there, what was not may be, nothing else is. And disks that refuse.
import { describe, expect, it } from 'vitest'
import { DiskError } from '../base/disk.ts'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { errorCodes } from '../protocol/errors.ts'
import { encodeSnapshot } from './producer-snapshot.ts'
import { append, batch, contents, now, open } from './testing/kit.ts'
import { type LogConfig } from './types.ts'

const small: Partial<LogConfig> = { segmentBytes: 300, indexIntervalBytes: 100 }

describe('power cuts', () => {
  it.each(['page-cache', 'group-commit'] as const)('keep what was flushed, in order (%s)', durability => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new SeededRandom(seed)
      const disk = new FaultyDisk()
      disk.makeDirectory('/data')
      disk.fsyncDirectory('/')
      const config = { ...small, durability }
      let { log } = open(disk, config)
      let all: [number, string][] = []
      for (let life = 0; life < 4; life++) {
        log.becomeLeader(life)
        for (let index = random.below(12); index > 0; index--) {
          const value = `${seed} ${life} ${index}`
          all.push([append(log, [value]), value])
          if (random.below(4) === 0) log.flush()
        }
        const { recoveryPoint } = log
        disk.crash(random)
        log = open(disk, config, { recoveryPoint }).log
        const found = contents(log)
        const offsets = new Set(found.map(([offset]) => offset))
        expect(found, `seed ${seed}`).toEqual(all.filter(([offset]) => offsets.has(offset)))
        const flushed = all.filter(([offset]) => offset < recoveryPoint)
        expect(found.slice(0, flushed.length), `seed ${seed}`).toEqual(flushed)
        expect(log.end, `seed ${seed}`).toBe((found.at(-1)?.[0] ?? -1) + 1)
        all = found
      }
    }
  })

  it('never remember a producer batch that is gone', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new SeededRandom(seed)
      const disk = new FaultyDisk()
      disk.makeDirectory('/data')
      const { log } = open(disk, small)
      log.becomeLeader(0)
      const count = 2 + random.below(12)
      for (let sequence = 0; sequence < count; sequence++) {
        append(log, [`value ${sequence}`], { producerId: 7, producerEpoch: 0, baseSequence: sequence })
        if (random.below(6) === 0) log.flush()
      }
      const { recoveryPoint } = log
      disk.crash(random)
      const again = open(disk, small, { recoveryPoint }).log
      expect(again.producers.get(7)?.lastSequence ?? -1, `seed ${seed}`).toBe(again.end - 1)
      for (let sequence = again.end; sequence < count; sequence++) {
        expect(append(again, [`value ${sequence}`], { producerId: 7, producerEpoch: 0, baseSequence: sequence })).toBe(sequence)
      }
    }
  })
})

describe('disks that refuse', () => {
  it.each(['write', 'open', 'fsync'] as const)('take back what was staged when %s fails, and answer nothing more', operation => {
    const disk = new FaultyDisk()
    disk.makeDirectory('/data')
    const { log } = open(disk, { ...small, flushMessages: operation === 'fsync' ? 3 : -1 })
    log.becomeLeader(0)
    append(log, ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
    const before = encodeSnapshot(log.producers.entries())
    for (const [producerId, producerEpoch, baseSequence] of [[7, 0, 1], [7, 0, 2], [8, 2, 0], [7, 1, 0]]) {
      const options = { producerId, producerEpoch, baseSequence }
      expect(log.stageAsLeader(batch(['b'], options), 'client', now).errorCode).toBe(0)
    }
    disk.failWith({ operation, code: 'EIO' })
    expect(() => log.write(now)).toThrow(DiskError)
    expect(log.stageAsLeader(batch(['c']), 'client', now).errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    if (operation !== 'fsync') expect(encodeSnapshot(log.producers.entries())).toEqual(before)
    log.close(true)
  })

  it('keep all that was acknowledged when the disk is full', () => {
    const disk = new FaultyDisk()
    disk.makeDirectory('/data')
    const { log } = open(disk, small)
    log.becomeLeader(0)
    let acknowledged = 0
    disk.capacityBytes = 2000
    expect(() => { for (;;) acknowledged = append(log, ['value']) + 1 }).toThrow(DiskError)
    disk.capacityBytes = Infinity
    const again = open(disk, small).log
    expect(again.end).toBe(acknowledged)
    expect(append(again, ['more'])).toBe(acknowledged)
  })
})
