// Folders that Apache Kafka wrote, dropped into a data folder of ours: their records are served, and the
// topics are ours from then on.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PlainClient } from './broker.directories.testing.ts'
import { temporaryFolder } from './broker.testing.ts'
import { type RunningBroker, startBroker } from './index.ts'

const fixtures = resolve(import.meta.dirname, '../../shared/clidiff/fixtures')
const isThere = existsSync(fixtures)
if (!isThere) console.warn('skipped: there are no folders of Kafka beside this checkout')

const undo: (() => unknown)[] = []

afterEach(async () => {
  while (undo.length > 0) await undo.pop()!()
})

function dataFolder (): string {
  const folder = temporaryFolder('import')
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Started { broker: RunningBroker, client: PlainClient }

async function start (dataDirectory: string, workers: number): Promise<Started> {
  const config = { 'log.retention.ms': '-1', 'millrace.log.workers': String(workers) }
  const broker = await startBroker({ dataDirectory, config })
  undo.push(() => broker.close())
  const client = await PlainClient.connect(broker.port)
  undo.push(() => client.close())
  return { broker, client }
}

function drop (folder: string, ...names: string[]): void {
  for (const name of names) cpSync(join(fixtures, name), join(folder, name), { recursive: true })
}

const smallValues = Array.from({ length: 40 }, (_, index) => `record number ${index + 1}`)

for (const workers of [0, 1]) {
  describe.skipIf(!isThere)(`folders of Kafka, with ${workers} workers`, () => {
    it('are a broker of ours when a whole data folder is taken over, with its cluster id', async () => {
      const folder = dataFolder()
      drop(folder, 'small-0', 'mixed-0', '__consumer_offsets-0', '__transaction_state-0', '__cluster_metadata-0')
      const clusterId = 'bWlsbHJhY2UwMDAwMDAwMA'
      writeFileSync(join(folder, 'meta.properties'), `version=1\ncluster.id=${clusterId}\nnode.id=1\n`)
      const { broker, client } = await start(folder, workers)
      expect(broker.clusterId).toBe(clusterId)
      const small = await client.values('small', 0)
      expect(small.slice(0, 2)).toEqual(smallValues.slice(0, 2))
      expect(small.at(-1)).toBe('record number 40')
      expect((await client.values('mixed', 0)).length).toBeGreaterThan(20)
      expect(await client.produce('small', 0, 'ours')).toBe(40)
      expect((await client.values('small', 0)).at(-1)).toBe('ours')
      expect(readFileSync(join(folder, 'small-0/partition.metadata'), 'utf8')).toMatch(/topic_id: \S{22}/)
    })

    it('join a broker that has topics already, at its next start, and stay', async () => {
      const folder = dataFolder()
      const first = await start(folder, workers)
      await first.client.create('own', 1)
      await first.client.produce('own', 0, 'mine')
      first.client.close()
      await first.broker.close()
      drop(folder, 'small-0')
      const second = await start(folder, workers)
      expect((await second.client.values('small', 0)).length).toBe(22)
      expect(await second.client.values('own', 0)).toEqual(['mine'])
      second.client.close()
      await second.broker.close()
      const third = await start(folder, workers)
      expect((await third.client.values('small', 0)).length).toBe(22)
      // Deleted, it stays deleted.
      expect(await third.client.drop('small')).toBe('NONE')
      third.client.close()
      await third.broker.close()
      const last = await start(folder, workers)
      expect(await last.client.values('small', 0)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
      expect(readdirSync(folder).filter(name => name.startsWith('small'))).toEqual([])
    })

    it('that are damaged are served as far as they are whole', async () => {
      const folder = dataFolder()
      mkdirSync(folder, { recursive: true })
      drop(folder, 'damaged-0')
      const { client } = await start(folder, workers)
      const values = await client.values('damaged', 0)
      expect(smallValues).toEqual(expect.arrayContaining(values as string[]))
      expect(typeof await client.produce('damaged', 0, 'ours')).toBe('number')
    })
  })
}
