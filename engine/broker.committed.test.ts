// Readers of committed records on a whole broker: transactions that another broker left in a folder, read
// with every version of Fetch and ListOffsets.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { realDisk } from './base/disk-real.ts'
import { realRandom } from './base/random-real.ts'
import { silentLogger } from './base/logger.ts'
import { PlainClient } from './broker.directories.testing.ts'
import { temporaryFolder } from './broker.testing.ts'
import { type RunningBroker, startBroker } from './index.ts'
import { type Log } from './log/partition-log.ts'
import { openLog } from './log/recovery.ts'
import { defaults, now } from './log/testing/kit.ts'
import { abort, commit, committedIn, writeIn } from './log/testing/transactions.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { ListOffsets } from './protocol/messages/02-list-offsets.ts'
import { Metadata } from './protocol/messages/03-metadata.ts'

const fixtures = resolve(import.meta.dirname, '../../shared/clidiff/fixtures')
const isThere = existsSync(fixtures)
if (!isThere) console.warn('skipped: there are no folders of Kafka beside this checkout')

const readCommitted = 1
const undo: (() => unknown)[] = []

afterEach(async () => {
  while (undo.length > 0) await undo.pop()!()
})

function dataFolder (): string {
  const folder = temporaryFolder('committed')
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Started { broker: RunningBroker, client: PlainClient }

async function start (dataDirectory: string, workers = 0): Promise<Started> {
  const config = { 'log.retention.ms': '-1', 'millrace.log.workers': String(workers) }
  const broker = await startBroker({ dataDirectory, config })
  undo.push(() => broker.close())
  const client = await PlainClient.connect(broker.port)
  undo.push(() => client.close())
  return { broker, client }
}

/** A folder as a broker leaves it that was killed. */
function leave (folder: string, topic: string, segmentBytes: number, fill: (log: Log) => void): void {
  mkdirSync(folder, { recursive: true })
  const log = openLog({
    disk: realDisk,
    logger: silentLogger,
    random: realRandom,
    listener: { segmentChanged () {}, segmentRemoved () {}, epochsChanged () {} },
    identity: { topic, topicId: '00000000-0000-0000-0000-000000000000', partition: 0 },
    folder: join(folder, `${topic}-0`),
    config: { ...defaults, segmentBytes },
    nowMs: now,
    clean: true,
    recoveryPoint: 0,
    logStart: 0
  })
  log.becomeLeader(0)
  fill(log)
  log.close(false)
}

async function idOf (client: PlainClient, topic: string): Promise<string> {
  return (await client.ask(Metadata, 12, { topics: [{ name: topic }] })).topics[0].topicId
}

async function fetchOf (
  client: PlainClient, version: number, topic: string, offset: number, isolationLevel: number
) {
  const topicId = await idOf(client, topic)
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }]
  const answer = await client.ask(Fetch, version, {
    isolationLevel, maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, topics: [{ topic, topicId, partitions }]
  })
  return answer.responses[0].partitions[0]
}

async function committedValues (client: PlainClient, version: number, topic: string): Promise<string[]> {
  const values: string[] = []
  for (let offset = 0; ;) {
    const { records, abortedTransactions } = await fetchOf(client, version, topic, offset, readCommitted)
    const found = committedIn(records as unknown as Buffer, offset, abortedTransactions ?? [])
    if (found.next === offset) return values
    values.push(...found.values)
    offset = found.next
  }
}

async function offsetOf (
  client: PlainClient, version: number, topic: string, timestamp: number, isolationLevel: number
) {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
  const answer = await client.ask(ListOffsets, version, { replicaId: -1, isolationLevel, topics })
  return answer.topics[0].partitions[0].offset
}

const a = { producerId: 1 }
const b = { producerId: 2 }

describe.each([0, 1])('readers of committed records, with %i workers', (workers) => {
  it('stop at the last stable offset and hear of aborted transactions, in every version', async () => {
    const folder = dataFolder()
    leave(folder, 'orders', 400, (log) => {
      for (let round = 0; round < 6; round++) {
        writeIn(log, [`aborted ${round}`], a) // 4 * round
        writeIn(log, [`committed ${round}`], b)
        abort(log, a)
        commit(log, b)
      }
      writeIn(log, ['open'], a) // 24
      writeIn(log, ['behind'], b)
      commit(log, b)
    })
    const { client } = await start(folder, workers)
    for (let version = Fetch.versions[0]; version <= Fetch.versions[1]; version++) {
      const plain = await fetchOf(client, version, 'orders', 0, 0)
      expect([plain.highWatermark, plain.lastStableOffset, plain.abortedTransactions]).toEqual([27, 24, null])
      const first = await fetchOf(client, version, 'orders', 0, readCommitted)
      expect([first.highWatermark, first.lastStableOffset]).toEqual([27, 24])
      expect(first.abortedTransactions).toContainEqual({ producerId: 1, firstOffset: 0 })
      const expected = Array.from({ length: 6 }, (_, round) => `committed ${round}`)
      expect(await committedValues(client, version, 'orders')).toEqual(expected)
      const open = await fetchOf(client, version, 'orders', 24, readCommitted)
      expect([open.errorCode, (open.records as Buffer).length, open.abortedTransactions]).toEqual([0, 0, []])
    }
    for (let version = 2; version <= ListOffsets.versions[1]; version++) {
      expect(await offsetOf(client, version, 'orders', -1, 0)).toBe(27)
      expect(await offsetOf(client, version, 'orders', -1, readCommitted)).toBe(24)
      expect(await offsetOf(client, version, 'orders', -2, readCommitted)).toBe(0)
      expect(await offsetOf(client, version, 'orders', now, readCommitted)).toBe(0)
    }
  })

  it('find no time, and no newest record, that lies above the last stable offset', async () => {
    const folder = dataFolder()
    leave(folder, 'orders', 1 << 20, (log) => {
      writeIn(log, ['done'], a, now - 5)
      commit(log, a)
      writeIn(log, ['open'], a, now + 5)
    })
    const { client } = await start(folder, workers)
    expect(await offsetOf(client, 7, 'orders', now + 1, 0)).toBe(2)
    expect(await offsetOf(client, 7, 'orders', now + 1, readCommitted)).toBe(-1)
    expect(await offsetOf(client, 7, 'orders', -3, 0)).toBe(2)
    expect(await offsetOf(client, 7, 'orders', -3, readCommitted)).toBe(-1)
  })

  it.skipIf(!isThere)('see the committed and not the aborted transaction of a folder that Kafka wrote', async () => {
    const folder = dataFolder()
    mkdirSync(folder, { recursive: true })
    cpSync(join(fixtures, 'mixed-0'), join(folder, 'mixed-0'), { recursive: true })
    let { broker, client } = await start(folder, workers)
    for (const restarts of [false, true]) {
      if (restarts) {
        client.close()
        await broker.close()
        const again = await start(folder, workers)
        broker = again.broker
        client = again.client
      }
      const { lastStableOffset, abortedTransactions } = await fetchOf(client, 11, 'mixed', 0, readCommitted)
      expect([lastStableOffset, abortedTransactions]).toEqual([40, [{ producerId: 11, firstOffset: 28 }]])
      // 19 to 23 were committed by 24; 28 to 38 were aborted by 39.
      const values = await committedValues(client, 12, 'mixed')
      expect(values.length).toBe(40 - 2 - 11)
      const none = await fetchOf(client, 12, 'mixed', 40, readCommitted)
      expect(none.abortedTransactions).toEqual([])
    }
  })
})
