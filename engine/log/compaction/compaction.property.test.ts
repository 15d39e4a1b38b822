// Random lives of a compacted log against a model: appends in every codec, tombstones, runs that are cut off
// by power cuts and errors at any change of the disk, restarts. A failing seed prints itself.
import { describe, expect, it } from 'vitest'
import { DiskError } from '../../base/disk.ts'
import { FaultyDisk } from '../../base/disk-faulty.ts'
import { SeededRandom } from '../../base/random-seeded.ts'
import { buildBatch, type RecordInput } from '../../protocol/record.ts'
import { type Log } from '../partition-log.ts'
import { now, open } from '../testing/kit.ts'
import { type LogConfig, type Offset } from '../types.ts'
import { compact, recordsOfLog } from './compaction.testing.ts'

const retentionMs = 1000

class Life {
  readonly random: SeededRandom
  readonly disk = new FaultyDisk(() => now)
  readonly config: Partial<LogConfig>
  /** All that was appended, by offset. */
  readonly appended = new Map<Offset, { key: string, value: string | null }>()
  log: Log
  nowMs = now
  epoch = 0

  constructor (seed: number) {
    this.random = new SeededRandom(seed)
    this.config = {
      compacts: true,
      deletes: false,
      minCleanableRatio: 0,
      deleteRetentionMs: retentionMs,
      fileDeleteDelayMs: 0,
      durability: 'group-commit',
      segmentBytes: 700 + this.random.below(1500),
      indexIntervalBytes: this.random.below(300)
    }
    this.disk.makeDirectory('/data')
    this.log = this.open(0)
  }

  open (recoveryPoint: Offset): Log {
    const { log } = open(this.disk, this.config, { recoveryPoint, nowMs: this.nowMs })
    log.becomeLeader(++this.epoch)
    return log
  }

  append (): void {
    const { random } = this
    const records: RecordInput[] = []
    const made: { key: string, value: string | null }[] = []
    for (let left = 1 + random.below(5); left > 0; left--) {
      const key = `k${random.below(12)}`
      const value = random.below(4) === 0 ? null : 'v'.repeat(random.below(60)) + random.below(1e6)
      made.push({ key, value })
      const bytes = value === null ? null : Buffer.from(value)
      records.push({ key: Buffer.from(key), value: bytes, timestamp: this.nowMs })
    }
    const compression = random.below(5) as 0 | 1 | 2 | 3 | 4
    const batch = buildBatch({ compression }, records)
    const { errorCode, baseOffset } = this.log.stageAsLeader(batch, 'client', this.nowMs)
    if (errorCode !== 0) throw new Error(`refused with ${errorCode}`)
    this.log.write(this.nowMs)
    made.forEach((one, index) => this.appended.set(baseOffset + index, one))
  }

  /** May end in the middle, by an error of the disk; what was flushed survives. */
  run (): void {
    const { random } = this
    this.log.flush()
    const bounds = { mapBytes: 24 * (4 + random.below(40)), bufferBytes: 61 + random.below(2000) }
    const broken = random.below(2) === 0
    if (broken) {
      const operation = (['write', 'fsync', 'rename', 'unlink', 'truncate'] as const)[random.below(5)]
      this.disk.failWith({ operation, code: 'EIO', after: random.below(12) })
    }
    try {
      expect(['nothing', 'done']).toContain(compact(this.log, { nowMs: this.nowMs, bounds }))
      this.disk.heal()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.disk.heal()
      this.crash()
    }
  }

  crash (): void {
    const end = this.log.recoveryPoint
    this.disk.crash(this.random.below(3) === 0 ? null : this.random)
    this.log = this.open(this.random.below(2) === 0 ? end : 0)
    for (const offset of this.appended.keys()) if (offset >= this.log.end) this.appended.delete(offset)
    expect(this.log.end).toBeGreaterThanOrEqual(end)
  }

  check (): void {
    const seen = recordsOfLog(this.log)
    let last = -1
    for (const { offset, key, value } of seen) {
      expect(offset).toBeGreaterThan(last)
      last = offset
      expect({ key, value }).toEqual(this.appended.get(offset))
    }
    // Whoever reads it all ends with what whoever read everything ends with.
    const newest = new Map([...this.appended.values()].map(({ key, value }) => [key, value]))
    const left = new Map(seen.map(({ key, value }) => [key, value]))
    for (const [key, value] of newest) if (value !== null) expect([key, left.get(key!)]).toEqual([key, value])
    for (const [key, value] of left) expect([key, value ?? null]).toEqual([key, newest.get(key!) ?? null])
    const folder = this.disk.list('/data/orders-0')
    expect(folder.filter(name => /\.(cleaned|swap)$/.test(name))).toEqual([])
  }
}

function live (seed: number): void {
  const life = new Life(seed)
  for (let step = 0; step < 60; step++) {
    const chance = life.random.below(12)
    if (chance < 8) life.append()
    else if (chance < 11) life.run()
    else {
      life.log.flush()
      life.crash()
    }
    if (chance >= 8) life.check()
    life.nowMs += life.random.below(400)
    life.log.tick(life.nowMs)
  }
}

describe('a compacted log, whatever happens to it', () => {
  const given = process.env.MILLRACE_SEED
  const seeds = given === undefined ? Array.from({ length: 150 }, (_, index) => index + 1) : [Number(given)]
  it(`ends with the newest value of every key in ${seeds.length} lives`, () => {
    for (const seed of seeds) {
      try {
        live(seed)
      } catch (error) {
        throw new Error(`seed ${seed}: run again with MILLRACE_SEED=${seed}`, { cause: error })
      }
    }
  })
})
