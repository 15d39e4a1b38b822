// Partition folders that Apache Kafka wrote, opened by us; and the same records appended by us, compared
// byte for byte.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { eachBatch, readBatchHeader } from '../protocol/record-batch.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import { contents, now, open, type Opened } from './testing/kit.ts'
import { type LogConfig } from './types.ts'

const fixtures = resolve(import.meta.dirname, '../../../shared/clidiff/fixtures')
const folder = '/data/orders-0'

function copyOf (name: string, except: RegExp = /^$/): MemoryDisk {
  const disk = new MemoryDisk(() => now)
  disk.makeDirectory(folder)
  for (const file of readdirSync(`${fixtures}/${name}`).filter(file => !except.test(file))) {
    disk.replaceFile(`${folder}/${file}`, readFileSync(`${fixtures}/${name}/${file}`))
  }
  return disk
}

function filesOf (name: string, pattern: RegExp): string[] {
  return readdirSync(`${fixtures}/${name}`).filter(file => pattern.test(file))
}

function fixture (name: string, file: string): Buffer {
  return readFileSync(`${fixtures}/${name}/${file}`)
}

/** Settings of the broker that wrote them. */
const config = { segmentBytes: 800, indexIntervalBytes: 100 }
const settings: Record<string, Partial<LogConfig>> = {
  'small-0': config,
  'mixed-0': { indexIntervalBytes: 200 },
  '__consumer_offsets-0': { indexIntervalBytes: 200 },
  '__transaction_state-0': { indexIntervalBytes: 200 },
  '__share_group_state-0': { indexIntervalBytes: 200 }
}

/** No checkpoint of ours knows it: a gap in it is its own. */
const fromElsewhere = { recoveryPoint: -1 }

describe.skipIf(!existsSync(fixtures))('files that Kafka wrote', () => {
  it('opens a clean log and goes on behind it', () => {
    const { log } = open(copyOf('small-0'), config, { clean: true })
    expect([log.start, log.end]).toEqual([0, 40])
    expect(contents(log).length).toBe(9 + 9 + 4)
    expect(contents(log)[0]).toEqual([0, 'record number 1'])
    expect(log.segments.map(segment => segment.meter.maxTimestampMs))
      .toEqual([1795394940368, 1795394949432, 1795394971589])
    const producer = log.producers.get(9)
    expect([producer?.epoch, producer?.lastSequence, producer?.lastOffset]).toEqual([0, 39, 39])
  })

  for (const name of Object.keys(settings)) {
    it(`recovers ${name} without losing a byte, and makes the same indexes`, () => {
      const disk = copyOf(name)
      const { log } = open(disk, settings[name], fromElsewhere)
      log.close(true)
      for (const file of filesOf(name, /\.(log|index|timeindex)$/)) {
        expect(disk.readFile(`${folder}/${file}`).toString('hex'), file).toBe(fixture(name, file).toString('hex'))
      }
    })

    it(`makes the same indexes of ${name} when they are missing`, () => {
      const disk = copyOf(name, /index$/)
      open(disk, settings[name], { clean: true }).log.close(true)
      for (const file of filesOf(name, /index$/)) {
        expect(disk.readFile(`${folder}/${file}`).toString('hex'), file).toBe(fixture(name, file).toString('hex'))
      }
    })
  }

  it('reads the same producers from the log as Kafka wrote into its snapshots', () => {
    for (const [name, last] of [['small-0', '00000000000000000040'], ['mixed-0', '00000000000000000040']]) {
      const disk = copyOf(name, /snapshot$/)
      const { log } = open(disk, config, fromElsewhere)
      const ours = encodeSnapshot(log.producers.entries())
      const theirs = fixture(name, `${last}.snapshot`)
      // Behind Kafka's entries lie our older batches; the entries themselves are the same.
      expect(ours.subarray(6, theirs.length).toString('hex')).toBe(theirs.subarray(6).toString('hex'))
    }
  })

  it('writes a snapshot that Kafka wrote again, checksum and all', () => {
    for (const [name, base] of [['small-0', 36], ['mixed-0', 40]] as const) {
      const file = `${String(base).padStart(20, '0')}.snapshot`
      const theirs = fixture(name, file)
      const entries = decodeSnapshot(theirs, now)
      expect(entries).not.toBeNull()
      expect(encodeSnapshot(entries ?? []).toString('hex')).toBe(theirs.toString('hex'))
    }
  })

  it('cuts a damaged log at the first bad batch after a crash, and keeps it after a clean shutdown', () => {
    const crashed = open(copyOf('damaged-0'), config)
    expect(crashed.log.end).toBe(2)
    expect(contents(crashed.log)).toEqual([[0, 'record number 1'], [1, 'record number 2']])
    const clean = open(copyOf('damaged-0'), config, { clean: true })
    expect(clean.log.end).toBe(40)
  })

  it('appending the records of small-0 makes the same files', () => {
    const disk = new MemoryDisk(() => now)
    const opened = open(disk, config)
    appendAll(opened, fixture('small-0', '00000000000000000000.log'))
    appendAll(opened, fixture('small-0', '00000000000000000009.log'))
    opened.log.close(true)
    for (const ending of ['log', 'index', 'timeindex']) {
      for (const base of [0, 9]) {
        const file = `${String(base).padStart(20, '0')}.${ending}`
        expect(disk.readFile(`${folder}/${file}`).toString('hex'), file).toBe(fixture('small-0', file).toString('hex'))
      }
    }
    const snapshot = '00000000000000000009.snapshot'
    const theirs = fixture('small-0', snapshot)
    expect(disk.readFile(`${folder}/${snapshot}`).subarray(6, theirs.length)).toEqual(theirs.subarray(6))
  })
})

function appendAll ({ log }: Opened, bytes: Buffer): void {
  eachBatch(bytes, 0, bytes.length, (at, length) => {
    const { baseOffset, partitionLeaderEpoch } = readBatchHeader(bytes, at)
    if (log.leaderEpoch < partitionLeaderEpoch) log.becomeLeader(partitionLeaderEpoch)
    const one = Buffer.from(bytes.subarray(at, at + length))
    one.fill(0, 0, 8)
    expect(log.stageAsLeader(one, 'client', now)).toMatchObject({ errorCode: 0, baseOffset })
    log.write(now)
  })
}
