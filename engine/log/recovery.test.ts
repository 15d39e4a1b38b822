import { describe, expect, it } from 'vitest'
import { type Disk } from '../base/disk.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { offsetFile, suffix } from './names.ts'
import { encodeSnapshot } from './producer-snapshot.ts'
import { SegmentReader, segmentAt } from './reader.ts'
import { append, contents, newLog, now, open, type Opened, type Seen } from './testing/kit.ts'
import { type LogConfig } from './types.ts'

const folder = '/data/orders-0'
const config: Partial<LogConfig> = { segmentBytes: 400, indexIntervalBytes: 100 }

/** A log of three segments, in files. */
function filled (count = 13): Opened {
  const opened = newLog(config)
  for (let index = 0; index < count; index++) {
    append(opened.log, [`value ${index}`], { producerId: 7, producerEpoch: 0, baseSequence: index }, now + index)
  }
  return opened
}

function copy (from: Opened): MemoryDisk {
  const disk = new MemoryDisk(() => now)
  disk.makeDirectory(folder)
  for (const name of from.disk.list(folder)) disk.replaceFile(`${folder}/${name}`, from.disk.readFile(`${folder}/${name}`))
  return disk
}

function cut (disk: MemoryDisk, path: string, bytes: number, tail: Buffer = Buffer.alloc(0)): void {
  disk.replaceFile(path, Buffer.concat([disk.readFile(path).subarray(0, bytes), tail]))
}

describe('after a crash', () => {
  const before = filled()
  const all = contents(before.log)
  const active = before.log.active
  const whole = before.disk.readFile(active.path)
  const lastBatchAt = whole.length - whole.length / (13 - active.baseOffset)

  it('a tail cut at any byte goes, and nothing else', () => {
    for (let bytes = lastBatchAt; bytes < whole.length; bytes++) {
      const disk = copy(before)
      cut(disk, active.path, bytes)
      const { log } = open(disk, config)
      expect(contents(log), `cut at ${bytes}`).toEqual(all.slice(0, 12))
      expect(log.end).toBe(12)
      expect(append(log, ['again'], { producerId: 7, producerEpoch: 0, baseSequence: 12 })).toBe(12)
    }
  })

  it('garbage and zeros behind the last batch go', () => {
    const sizes = [1, 12, 61, 200, 70_000]
    for (const tail of sizes.flatMap(bytes => [Buffer.alloc(bytes), Buffer.alloc(bytes, 0xa5)])) {
      const disk = copy(before)
      cut(disk, active.path, whole.length, tail)
      const { log } = open(disk, config)
      expect(contents(log)).toEqual(all)
      expect(disk.readFile(active.path).length).toBe(whole.length)
    }
  })

  it('a flipped bit anywhere in a batch ends the log before it; later segments go', () => {
    const first = before.log.segments[0]
    const size = before.disk.readFile(first.path).length / 5
    for (let byte = size; byte < size * 2; byte++) {
      if (byte >= size + 12 && byte < size + 16) continue // the leader epoch is not covered by the checksum
      const disk = copy(before)
      const bytes = disk.readFile(first.path)
      bytes[byte] ^= 0x10
      disk.replaceFile(first.path, bytes)
      const { log } = open(disk, config)
      // Of the base offset some bits make a gap, which only the offsets before it would show.
      if (byte >= size + 8) expect(log.end, `byte ${byte}`).toBe(1)
      expect(contents(log)[0]).toEqual([0, 'value 0'])
      expect(disk.list(folder).filter(name => name.endsWith('.log')).length).toBe(log.segments.length)
    }
  })

  it('what was flushed is not read again', () => {
    const disk = copy(before)
    const first = before.log.segments[0].path
    const bytes = disk.readFile(first)
    bytes[100] ^= 1
    disk.replaceFile(first, bytes)
    expect(open(disk, config, { recoveryPoint: before.log.segments[1].baseOffset }).log.end).toBe(13)
  })

  it('indexes and producers are as they were', () => {
    const { log } = open(copy(before), config)
    expect(encodeSnapshot(log.producers.entries())).toEqual(encodeSnapshot(before.log.producers.entries()))
    for (const [at, segment] of log.segments.entries()) {
      expect(segment.meter.maxTimestampMs).toBe(before.log.segments[at].meter.maxTimestampMs)
      expect(segment.bytes).toBe(before.log.segments[at].bytes)
    }
    expect(log.active.offsetIndex.encode(0)).toEqual(active.offsetIndex.encode(0))
  })
})

/** Every offset and every time is found through whatever indexes there are. */
function expectFound (disk: Disk, { views }: Seen): void {
  const reader = new SegmentReader(disk)
  const all = [...views.values()].sort((a, b) => a.baseOffset - b.baseOffset)
  for (let offset = 0; offset < 13; offset++) {
    expect(reader.find(all[segmentAt(all, offset)], offset, 13)?.baseOffset).toBe(offset)
    expect(reader.offsetForTime(all, now + offset, 0, 13))
      .toMatchObject({ offset, timestampMs: now + offset })
  }
  for (const view of all) if (view.sealedBytes >= 0) expect(view.maxTimestampMs).toBeGreaterThanOrEqual(now)
  reader.close()
}

describe('indexes that are not to be trusted', () => {
  const before = filled()
  before.log.close(true)
  const damage: Record<string, (bytes: Buffer) => Buffer | null> = {
    missing: () => null,
    empty: () => Buffer.alloc(0),
    'cut in the middle of an entry': bytes => bytes.subarray(0, bytes.length - 3),
    'too long': bytes => Buffer.concat([bytes, Buffer.alloc(bytes.length, 0x7f)]),
    zeros: bytes => Buffer.alloc(bytes.length),
    garbage: bytes => Buffer.alloc(bytes.length, 0xa5),
    'not rising': bytes => Buffer.concat([bytes, bytes])
  }
  for (const [name, change] of Object.entries(damage)) {
    for (const ending of [suffix.offsetIndex, suffix.timeIndex]) {
      it.each([true, false])(`${ending} ${name}: made again (clean shutdown: %s)`, clean => {
        for (const { baseOffset } of before.log.segments) {
          const disk = copy(before)
          const path = offsetFile(folder, baseOffset, ending)
          const good = disk.readFile(path)
          const bad = change(good)
          if (bad === null) disk.unlink(path)
          else disk.replaceFile(path, bad)
          const { log, seen } = open(disk, config, { clean, recoveryPoint: clean ? 13 : 0 })
          expect(contents(log)).toEqual(contents(before.log))
          expectFound(disk, seen)
          log.close(true)
          // Some of them are right after a clean shutdown: they only make searches longer.
          if (!clean) expect(disk.readFile(path)).toEqual(good)
        }
      })
    }
  }

  it('an index without its segment goes', () => {
    const disk = copy(before)
    disk.replaceFile(offsetFile(folder, 999, suffix.offsetIndex), Buffer.alloc(8))
    open(disk, config, { clean: true })
    expect(disk.list(folder)).not.toContain('00000000000000000999.index')
  })
})

describe('leftovers', () => {
  it('of deletion and compaction are settled as Kafka settles them', () => {
    const before = filled()
    const disk = copy(before)
    const second = before.log.segments[1].baseOffset
    const bytes = disk.readFile(offsetFile(folder, second, suffix.log))
    disk.replaceFile(`${folder}/00000000000000000000.log.deleted`, Buffer.alloc(5))
    disk.replaceFile(`${folder}/${String(second).padStart(20, '0')}.log.swap`, bytes)
    disk.replaceFile(`${folder}/00000000000000000900.log.cleaned`, bytes)
    disk.replaceFile(`${folder}/00000000000000000950.log.swap`, bytes)
    const { log } = open(disk, config)
    expect(contents(log)).toEqual(contents(before.log))
    expect(disk.list(folder).filter(name => /deleted|swap|cleaned/.test(name))).toEqual([])
  })
})

describe('producer snapshots', () => {
  it.each([true, false])('missing, damaged or stray: the log knows (clean shutdown: %s)', clean => {
    const before = filled()
    before.log.close(true)
    const states = encodeSnapshot(before.log.producers.entries())
    for (const change of ['missing', 'damaged', 'stray']) {
      const disk = copy(before)
      for (const name of disk.list(folder).filter(name => name.endsWith('.snapshot'))) {
        if (change === 'missing') disk.unlink(`${folder}/${name}`)
        if (change === 'damaged') disk.replaceFile(`${folder}/${name}`, Buffer.alloc(56, 1))
      }
      if (change === 'stray') disk.replaceFile(offsetFile(folder, 77, suffix.snapshot), states)
      const { log } = open(disk, config, { clean, recoveryPoint: clean ? 13 : 0 })
      expect(encodeSnapshot(log.producers.entries())).toEqual(states)
      expect(disk.list(folder)).not.toContain('00000000000000000077.snapshot')
    }
  })
})
