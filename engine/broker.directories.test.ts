// Whole brokers with several log directories: one fails or is missing, and nothing but its partitions is
// affected, at run time, at a start, and when it comes back.
import { afterEach, describe, expect, it } from 'vitest'
import { type Fault, FaultyDisk } from './base/disk-faulty.ts'
import { type DiskBroker, startOn } from './broker.directories.testing.ts'

const all = ['/disks/a', '/disks/b', '/disks/c']
const open: DiskBroker[] = []

async function start (disk: FaultyDisk, directories = all, overrides = {}): Promise<DiskBroker> {
  const started = await startOn(disk, directories, overrides)
  open.push(started)
  return started
}

async function stop ({ broker, client }: DiskBroker): Promise<void> {
  client.close()
  await broker.close().catch(() => {})
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(stop))
})

/** Three partitions, one in each directory. */
async function filled (disk: FaultyDisk, overrides = {}, settings = {}): Promise<DiskBroker> {
  const started = await start(disk, all, overrides)
  expect(await started.client.create('t', 3, settings)).toBe('NONE')
  for (const index of [0, 1, 2]) expect(await started.client.produce('t', index, 'x', 'y')).toBe(1)
  return started
}

function turn (): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

async function failed ({ client }: DiskBroker, path: string): Promise<void> {
  while ((await client.directories())[path] !== 'KAFKA_STORAGE_ERROR') await turn()
}

describe('several log directories', () => {
  it('get new partitions by turns, the emptiest first; cordoned ones get none', async () => {
    const disk = new FaultyDisk()
    const { client } = await start(disk, all, { 'cordoned.log.dirs': '/disks/c' })
    await client.create('t', 4)
    expect(await client.directories()).toEqual({ '/disks/a': 't-0 t-2', '/disks/b': 't-1 t-3', '/disks/c': '' })
  })

  interface Failing { name: string, fault: Fault, overrides?: object, settings?: object }

  const small = { 'internal.segment.bytes': '100' } // a segment for each batch
  const log = '/disks/b/t-1/'
  const second = `${log}00000000000000000002`
  const synced = { 'millrace.durability': 'group-commit' }
  const whenOf = (code: string): Failing[] => [
    { name: 'append', fault: { operation: 'write', code, path: log } },
    { name: 'roll, by the new segment', settings: small, fault: { operation: 'open', code, path: `${second}.log` } },
    { name: 'roll, by the snapshot', settings: small, fault: { operation: 'write', code, path: `${second}.snapshot` } },
    { name: 'roll, by its name', settings: small, fault: { operation: 'rename', code, path: `${second}.snapshot` } },
    { name: 'fsync', overrides: synced, fault: { operation: 'fsync', code, path: log, times: 1 } }
  ].map(one => ({ ...one, name: `${code} on ${one.name}` } as Failing))
  for (const { name, fault, overrides, settings } of [...whenOf('ENOSPC'), ...whenOf('EIO')]) {
    it(`${name} takes its partitions offline, and no others; a restart brings them back`, async () => {
      const disk = new FaultyDisk()
      const started = await filled(disk, overrides, settings)
      const { client, broker, lines } = started
      const mine = '/disks/b'
      const other = (await client.directories())[mine].split(' ')[0]
      expect(other).toBe('t-1')
      disk.failWith(fault)
      expect(await client.produce('t', 1, 'lost')).toBe('KAFKA_STORAGE_ERROR')
      await failed(started, mine)
      expect(await client.produce('t', 1, 'lost')).toBe('KAFKA_STORAGE_ERROR')
      expect(await client.fetch('t', 1, 0)).toBe('KAFKA_STORAGE_ERROR')
      expect(await client.offset('t', 1, -1)).toBe('KAFKA_STORAGE_ERROR')
      expect(await client.offset('t', 1, 5)).toBe('KAFKA_STORAGE_ERROR')
      expect(await client.deleteBefore('t', 1, 1)).toBe('KAFKA_STORAGE_ERROR')
      expect(await client.moveTo('/disks/a', 't', 1)).toBe('KAFKA_STORAGE_ERROR')
      expect(await client.leaders('t')).toEqual(['1 offline ', '-1 offline 1', '1 offline '])
      for (const index of [0, 2]) {
        expect(await client.produce('t', index, 'z')).toBe(2)
        expect(await client.values('t', index)).toEqual(['x', 'y', 'z'])
      }
      // New partitions go where there is a disk.
      expect(await client.create('u', 4)).toBe('NONE')
      expect(await client.leaders('u')).toEqual(new Array(4).fill('1 offline '))
      expect(lines.filter(line => line.includes('has failed')).length).toBe(1)
      await stop(started)
      expect(disk.status('/disks/b/.kafka_cleanshutdown')).toBe(null)
      expect(disk.status('/disks/a/.kafka_cleanshutdown')).not.toBe(null)
      await broker.closed
      disk.heal()
      const again = await start(disk)
      expect((await again.client.values('t', 1)).slice(0, 2)).toEqual(['x', 'y'])
      for (const index of [0, 2]) expect(await again.client.values('t', index)).toEqual(['x', 'y', 'z'])
      expect(typeof await again.client.produce('t', 1, 'back')).toBe('number')
      expect(await again.client.leaders('t')).toEqual(new Array(3).fill('1 offline '))
    })
  }

  const checkpoints = [
    'replication-offset-checkpoint', 'recovery-point-offset-checkpoint', 'log-start-offset-checkpoint'
  ]
  const refusals = [
    { operation: 'write', code: 'ENOSPC' }, { operation: 'write', code: 'EIO' },
    { operation: 'fsync', code: 'EIO' }, { operation: 'rename', code: 'EIO' }
  ] as const
  it.each(checkpoints.flatMap(file => refusals.map(refusal => ({ file, ...refusal }))))(
    '$code on $operation of the $file takes the directory offline; a restart brings it back',
    async ({ file, operation, code }) => {
      const disk = new FaultyDisk()
      const started = await filled(disk, {
        'replica.high.watermark.checkpoint.interval.ms': '1',
        'log.flush.offset.checkpoint.interval.ms': '1',
        'log.flush.start.offset.checkpoint.interval.ms': '1'
      })
      expect(await started.client.create('gone', 3)).toBe('NONE')
      disk.failWith({ operation, code, path: `/disks/b/${file}` })
      // All three are written when a log goes, whatever they said before.
      await started.client.drop('gone')
      await failed(started, '/disks/b')
      expect(await started.client.produce('t', 1, 'z')).toBe('KAFKA_STORAGE_ERROR')
      expect(await started.client.produce('t', 0, 'z')).toBe(2)
      await stop(started)
      disk.heal()
      const { client } = await start(disk)
      expect(await client.values('t', 0)).toEqual(['x', 'y', 'z'])
      for (const index of [1, 2]) expect(await client.values('t', index)).toEqual(['x', 'y'])
      expect(await client.produce('t', 1, 'back')).toBe(2)
    })

  it('when the last one fails the broker ends, with one line', async () => {
    const disk = new FaultyDisk()
    const { client, broker, lines } = await filled(disk)
    const ended = broker.closed.catch((error: Error) => `${error.name}: ${error.message}`)
    disk.failWith({ operation: 'write', code: 'EIO', path: '.log' })
    for (const index of [0, 1, 2]) await client.produce('t', index, 'lost').catch(() => {})
    expect(await ended).toMatch(/^NoDirectoryLeft: no log directory is left; the last was \/disks\/.: .*EIO/)
    expect(lines.filter(line => line.includes('the broker ends')).length).toBe(1)
  })

  it('a start without any directory is refused', async () => {
    const disk = new FaultyDisk()
    await stop(await filled(disk))
    disk.failWith({ operation: 'list', code: 'EIO', path: '/disks/' })
    await expect(startOn(disk, all)).rejects.toThrow(/no log directory is left/)
  })
})

describe('a directory that is not there at the start', () => {
  it('keeps its partitions: none is made anew elsewhere, and they are back with it', async () => {
    const disk = new FaultyDisk()
    await stop(await filled(disk))
    disk.failWith({ operation: 'list', code: 'EIO', path: '/disks/b' })
    const without = await start(disk)
    const { client } = without
    expect((await client.directories())['/disks/b']).toBe('KAFKA_STORAGE_ERROR')
    expect(await client.leaders('t')).toEqual(['1 offline ', '-1 offline 1', '1 offline '])
    expect(await client.produce('t', 1, 'lost')).toBe('KAFKA_STORAGE_ERROR')
    expect(await client.produce('t', 0, 'z')).toBe(2)
    // What is new may be made.
    expect(await client.create('new', 2)).toBe('NONE')
    expect(await client.produce('new', 1, 'n')).toBe(0)
    await stop(without)
    disk.heal()
    const again = await start(disk)
    expect(await again.client.values('t', 1)).toEqual(['x', 'y'])
    expect(await again.client.values('t', 0)).toEqual(['x', 'y', 'z'])
    expect(await again.client.values('new', 1)).toEqual(['n'])
  })

  it('nor when its disk is not mounted, and an empty folder is in its place', async () => {
    const disk = new FaultyDisk()
    await stop(await filled(disk))
    disk.rename('/disks/b', '/disks/unmounted')
    const without = await start(disk)
    expect(await without.client.leaders('t')).toEqual(['1 offline ', '-1 offline 1', '1 offline '])
    expect(without.lines.some(line => line.includes('is its disk mounted?') && line.includes('t-1'))).toBe(true)
    await stop(without)
    disk.removeDirectory('/disks/b')
    disk.rename('/disks/unmounted', '/disks/b')
    const again = await start(disk)
    expect(await again.client.values('t', 1)).toEqual(['x', 'y'])
    await stop(again)
    // Gone for good: who deletes the topic goes on without it, also after the next start.
    disk.removeDirectory('/disks/b')
    const last = await start(disk)
    expect(await last.client.drop('t')).toBe('NONE')
    expect(await last.client.create('t', 3)).toBe('NONE')
    expect(await last.client.leaders('t')).toEqual(new Array(3).fill('1 offline '))
    await stop(last)
    expect(await (await start(disk)).client.leaders('t')).toEqual(new Array(3).fill('1 offline '))
  })

  it('a topic deleted meanwhile does not come back with it', async () => {
    const disk = new FaultyDisk()
    await stop(await filled(disk))
    disk.failWith({ operation: 'list', code: 'EIO', path: '/disks/b' })
    const without = await start(disk)
    expect(await without.client.drop('t')).toBe('NONE')
    await stop(without)
    disk.heal()
    const again = await start(disk)
    expect([...again.broker.catalog.topics()].map(({ name }) => name)).toEqual([])
    expect(disk.list('/disks/b').filter(name => /^t-1\..*-stray$/.test(name)).length).toBe(1)
    expect(await again.client.create('t', 1)).toBe('NONE')
    expect(await again.client.values('t', 0)).toEqual([])
  })

  it('without the directory of the catalog nothing starts', async () => {
    const disk = new FaultyDisk()
    await stop(await filled(disk))
    disk.rename('/disks/a', '/disks/gone')
    await expect(startOn(disk, all)).rejects.toThrow(/belongs to the cluster/)
  })
})

describe('moving through the protocol', () => {
  it('moves partitions, shows them on their way, and refuses what Kafka refuses', async () => {
    const disk = new FaultyDisk()
    const { client } = await filled(disk)
    expect(await client.moveTo('/nowhere', 't', 0)).toBe('LOG_DIR_NOT_FOUND')
    expect(await client.moveTo('/disks/a', 't', 7)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await client.moveTo('/disks/a', 'unknown', 0)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await client.moveTo('/disks/a', 'n'.repeat(249), 0)).toBe('INVALID_TOPIC_EXCEPTION')
    expect(await client.moveTo('/disks/c', 't', 0, 1, 2)).toBe('NONE,NONE,NONE')
    while ((await client.directories())['/disks/c'] !== 't-0 t-1 t-2') await turn()
    for (const index of [0, 1, 2]) {
      expect(await client.produce('t', index, 'z')).toBe(2)
      expect(await client.values('t', index)).toEqual(['x', 'y', 'z'])
    }
  })
})
