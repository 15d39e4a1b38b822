import { describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { DiskError } from '../base/disk.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { silentLogger } from '../base/logger.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { type DiskJob } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import { DirectoryKeeper } from './keeper.ts'
import { type Link } from './link.ts'
import { clusterId, plainConfig, topicId } from './log-client.testing.ts'
import { MainRow } from './main-row.ts'
import { PartitionTable } from './partition-table.ts'

const name = '/data/replication-offset-checkpoint'

function keeping () {
  const clock = new FakeClock()
  const disk = new MemoryDisk()
  disk.makeDirectory('/data')
  const table = new PartitionTable(4)
  const jobs: string[] = []
  const state = { refuses: false }
  // Stands for the disk thread: notes what it is asked for.
  const thread = {
    async run (job: DiskJob) {
      if (job.kind !== 'replace') throw new Error(`not expected: ${job.kind}`)
      jobs.push(job.path)
      if (state.refuses) throw new DiskError('EMFILE', 'open', job.path)
      disk.replaceFile(job.path, job.bytes)
    },
    async close () { jobs.push(`ended, with ${disk.status(name) === null ? 'nothing' : disk.readFile(name)}`) }
  } as unknown as DiskThread
  const options = {
    directories: ['/data'],
    brokerId: 1,
    clusterId,
    disk,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    memoryBytes: 2 ** 24,
    defaults: plainConfig
  }
  const keeper = new DirectoryKeeper(0, options, thread, table)
  keeper.open()
  const link = { directory: 0 } as Link
  const row = new MainRow(0, { topic: 'orders', topicId, partition: 0 }, link, plainConfig)
  let nowMs = clock.nowMs()
  const tick = async (rows: MainRow[]): Promise<string[]> => {
    jobs.length = 0
    keeper.tick(nowMs += 3_600_000, rows)
    await new Promise(resolve => setImmediate(resolve))
    return [...jobs]
  }
  return { tick, row, table, disk, state, keeper, jobs }
}

describe('the checkpoints of a log directory', () => {
  it('are left alone while they say what is so: an idle broker needs no disk thread', async () => {
    const { tick, row, table, disk } = keeping()
    expect(await tick([])).toEqual([])
    table.setHighWatermark(0, 7)
    expect(await tick([row])).toContain(name)
    expect(disk.readFile(name).toString()).toBe('0\n1\norders 0 7\n')
    expect(await tick([row])).toEqual([])
    table.setHighWatermark(0, 8)
    expect(await tick([row])).toEqual([name])
    expect(await tick([])).toContain(name)
  })

  it('are written again after a write that failed', async () => {
    const { tick, row, state } = keeping()
    await tick([row])
    state.refuses = true
    expect(await tick([])).toContain(name)
    state.refuses = false
    expect(await tick([])).toContain(name)
    expect(await tick([])).toEqual([])
  })
  it('are written at the end when the disk thread writes no more', async () => {
    const { keeper, row, table, disk, jobs } = keeping()
    table.setHighWatermark(0, 7)
    await keeper.close(true, [row])
    expect(jobs).toEqual(['ended, with nothing'])
    expect(disk.readFile(name).toString()).toBe('0\n1\norders 0 7\n')
  })
})
