// Brokers as processes on real disks: one that fills up, records deleted just before SIGKILL, settings that
// change while a broker runs. A disk of a few megabytes is a tmpfs; where none may be mounted, that is said.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PlainClient, recordBatch } from './broker.directories.testing.ts'
import {
  type BrokerProcess, type BrokerProcessOptions, startBrokerProcess, temporaryFolder
} from './broker.testing.ts'
import { startBroker } from './index.ts'
import { errorName } from './protocol/errors.ts'
import { Produce } from './protocol/messages/00-produce.ts'

const undo: (() => unknown)[] = []

afterEach(async () => {
  while (undo.length > 0) await undo.pop()!()
})

function folder (): string {
  const path = temporaryFolder('disks')
  undo.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function mount (path: string, ...options: string[]): boolean {
  mkdirSync(path, { recursive: true })
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', path]).status === 0
}

function mayMount (): boolean {
  const path = mkdtempSync(join(tmpdir(), 'millrace-mount-'))
  const may = process.platform === 'linux' && mount(path, 'size=1m')
  if (may) spawnSync('umount', [path])
  rmSync(path, { recursive: true, force: true })
  return may
}

const small = mayMount()
if (!small) console.warn('skipped: no tmpfs may be mounted here, so no disk can be filled')

/** A disk of so many megabytes. */
function disk (path: string, megabytes: number): void {
  expect(mount(path, `size=${megabytes}m`)).toBe(true)
  undo.push(() => spawnSync('umount', ['-l', path]))
}

interface Started { broker: BrokerProcess, client: PlainClient }

async function start (options: BrokerProcessOptions): Promise<Started> {
  const broker = await startBrokerProcess(options)
  undo.push(() => broker.stop('SIGKILL'))
  const client = await PlainClient.connect(broker.port)
  undo.push(() => client.close())
  return { broker, client }
}

const large = 'x'.repeat(500_000)

async function fill (client: PlainClient, topic: string, index: number): Promise<string> {
  for (;;) {
    const answer = await client.produce(topic, index, large)
    if (typeof answer === 'string') return answer
  }
}

describe.skipIf(!small)('a disk that is full', () => {
  it('takes its own partitions offline; with more room they are back after a restart', async () => {
    const place = folder()
    const dirs = [join(place, 'a'), join(place, 'b')]
    disk(dirs[1], 8)
    const options = { folder: place, overrides: { 'log.dirs': dirs.join(',') } }
    const { broker, client } = await start(options)
    await client.create('t', 2)
    const index = (await client.directories())[dirs[1]] === 't-0' ? 0 : 1
    expect(await client.produce('t', index, 'first')).toBe(0)
    expect(await fill(client, 't', index)).toBe('KAFKA_STORAGE_ERROR')
    expect((await client.directories())[dirs[1]]).toBe('KAFKA_STORAGE_ERROR')
    expect(await client.produce('t', 1 - index, large, 'other')).toBe(1)
    expect(broker.output()).toContain('a log directory has failed')
    expect(await broker.stop()).toEqual({ code: 0, signal: null })
    expect(mount(dirs[1], 'remount', 'size=64m')).toBe(true)
    const { client: again } = await start(options)
    const values = await again.values('t', index) as string[]
    expect(values[0]).toBe('first')
    expect(values.length).toBeGreaterThan(10)
    expect(await again.produce('t', index, 'more')).toBe(values.length)
  })

  it('and is the only one ends the broker, with exit code 1 and one line', async () => {
    const place = folder()
    disk(join(place, 'only'), 8)
    const { broker, client } = await start({ folder: place, overrides: { 'log.dirs': join(place, 'only') } })
    await client.create('t', 1)
    await fill(client, 't', 0).catch(() => {})
    expect(await broker.stop('SIGCONT')).toEqual({ code: 1, signal: null })
    // In a checkout without a build, or with an outdated one, the command says that too.
    const said = broker.output().split('\n').filter(line => line.startsWith('millrace: '))
    const lines = said.filter(line => !line.endsWith('running the sources'))
    expect(lines).toEqual([expect.stringMatching(/^millrace: the broker ended: no log directory is left; .*only: .*ENOSPC/)])
  })
})

describe('records that were deleted', () => {
  it('stay deleted when the broker is killed right after it said so', async () => {
    const place = folder()
    const { broker, client } = await start({ folder: place })
    await client.create('t', 2)
    for (const index of [0, 1]) expect(await client.produce('t', index, ...'abcdefgh')).toBe(7)
    expect(await Promise.all([client.deleteBefore('t', 0, 3), client.deleteBefore('t', 1, -1)])).toEqual([3, 8])
    expect(await client.deleteBefore('t', 0, 5)).toBe(5)
    await broker.stop('SIGKILL')
    const { client: again } = await start({ folder: place })
    expect(await again.values('t', 0)).toEqual([...'fgh'])
    expect([await again.offset('t', 1, -2), await again.offset('t', 1, -1)]).toEqual([8, 8])
    expect(await again.fetch('t', 0, 4)).toBe('OFFSET_OUT_OF_RANGE')
  })
})

for (const workers of [0, 1]) {
  describe(`settings of a topic, changed while it is written, with ${workers} workers`, () => {
    it('take effect without a restart', async () => {
      const dataDirectory = folder()
      const broker = await startBroker({
        dataDirectory,
        config: {
          'millrace.log.workers': String(workers),
          'log.retention.check.interval.ms': '1',
          'log.initial.task.delay.ms': '0'
        }
      })
      undo.push(() => broker.close())
      const client = await PlainClient.connect(broker.port)
      undo.push(() => client.close())
      const files = (ending: string): string[] =>
        readdirSync(join(dataDirectory, 't-0')).filter(name => name.endsWith(ending))
      const until = async (met: () => boolean): Promise<void> => {
        while (!met()) await new Promise(resolve => setTimeout(resolve, 20))
      }
      const produceAt = async (timestamp: number) => {
        const topicData = [{ name: 't', partitionData: [{ index: 0, records: recordBatch('v', timestamp) }] }]
        const { responses } = await client.ask(Produce, 9, { acks: -1, timeoutMs: 5000, topicData })
        const { errorCode, logAppendTimeMs } = responses[0].partitionResponses[0]
        return [errorName(errorCode), logAppendTimeMs > 0]
      }

      await client.create('t', 1)
      expect(await client.produce('t', 0, 'y'.repeat(1000))).toBe(0)
      await client.set('t', { 'max.message.bytes': '500' })
      expect(await client.produce('t', 0, 'y'.repeat(1000))).toBe('MESSAGE_TOO_LARGE')
      await client.set('t', { 'max.message.bytes': '100000' })
      expect(await client.produce('t', 0, 'y'.repeat(1000))).toBe(1)

      const anHourAgo = Date.now() - 3_600_000
      expect(await produceAt(anHourAgo)).toEqual(['NONE', false])
      // Long enough for a request that has to wait for its turn on a busy machine.
      await client.set('t', { 'message.timestamp.before.max.ms': '600000' })
      expect(await produceAt(anHourAgo)).toEqual(['INVALID_TIMESTAMP', false])
      expect(await produceAt(Date.now())).toEqual(['NONE', false])
      await client.set('t', { 'message.timestamp.type': 'LogAppendTime' })
      expect(await produceAt(anHourAgo)).toEqual(['NONE', true])

      expect(files('.log').length).toBe(1)
      await client.set('t', { 'internal.segment.bytes': '200' })
      await client.produce('t', 0, ...'abcdefgh')
      const rolled = files('.log').length
      expect(rolled).toBeGreaterThan(2)
      await client.set('t', { 'internal.segment.bytes': '100000', 'segment.ms': '1' })
      await client.produce('t', 0, 'i')
      await new Promise(resolve => setTimeout(resolve, 5))
      await client.produce('t', 0, 'j')
      expect(files('.log').length).toBeGreaterThan(rolled)

      await client.set('t', { 'segment.ms': '600000', 'retention.bytes': '100' })
      await until(() => files('.log').length <= 2)
      expect(files('.log.deleted').length).toBeGreaterThan(0)
      expect(await client.offset('t', 0, -2)).toBeGreaterThan(5)
      await client.set('t', { 'retention.bytes': '-1', 'file.delete.delay.ms': '0', 'retention.ms': '0' })
      const end = await client.offset('t', 0, -1) as number
      await until(() => files('.log').join() === `${String(end).padStart(20, '0')}.log`)
      expect(await client.offset('t', 0, -2)).toBe(end)
      expect(await client.produce('t', 0, 'on')).toBe(end)
    })
  })
}
