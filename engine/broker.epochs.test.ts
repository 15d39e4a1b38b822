// Requests that know an older or newer leader than there is, and topics that were deleted and made again, on
// whole brokers.
import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PlainClient } from './broker.directories.testing.ts'
import { startBrokerProcess, temporaryFolder } from './broker.testing.ts'
import { startBroker } from './index.ts'
import { errorName } from './protocol/errors.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { ListOffsets } from './protocol/messages/02-list-offsets.ts'
import { Metadata } from './protocol/messages/03-metadata.ts'
import { OffsetForLeaderEpoch } from './protocol/messages/23-offset-for-leader-epoch.ts'

const undo: (() => unknown)[] = []

afterEach(async () => {
  while (undo.length > 0) await undo.pop()!()
})

function dataFolder (): string {
  const folder = temporaryFolder('epochs')
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Place { epoch: number, id: string, error: string }

async function placeOf (client: PlainClient, name: string): Promise<Place> {
  const { topics } = await client.ask(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
  const { topicId: id, partitions, errorCode } = topics[0]
  return { epoch: partitions[0]?.leaderEpoch ?? -1, id, error: errorName(errorCode) }
}

interface Asked {
  topic?: string
  topicId?: string
  epoch?: number
  offset?: number
  lastEpoch?: number
  version?: number
}

async function fetchPart (client: PlainClient, asked: Asked) {
  const { topic = 'orders', topicId, epoch = -1, offset = 0, lastEpoch = -1, version = 12 } = asked
  const partitions = [{
    partition: 0,
    currentLeaderEpoch: epoch,
    fetchOffset: offset,
    lastFetchedEpoch: lastEpoch,
    partitionMaxBytes: 1_000_000
  }]
  const topics = [{ topic, topicId, partitions }]
  const answer = await client.ask(Fetch, version, { maxWaitMs: 0, minBytes: 1, topics })
  const part = answer.responses[0].partitions[0]
  return { ...part, error: errorName(part.errorCode) }
}

async function listOffset (client: PlainClient, version: number, currentLeaderEpoch: number) {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch }] }]
  const part = (await client.ask(ListOffsets, version, { replicaId: -1, topics })).topics[0].partitions[0]
  return [errorName(part.errorCode), part.offset, part.leaderEpoch]
}

async function epochEnd (
  client: PlainClient, version: number, currentLeaderEpoch: number, leaderEpoch: number
) {
  const topics = [{ topic: 'orders', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }]
  const part = (await client.ask(OffsetForLeaderEpoch, version, { topics })).topics[0].partitions[0]
  return [errorName(part.errorCode), part.leaderEpoch, part.endOffset]
}

describe.each([0, 1])('leader epochs, with %i workers', (workers) => {
  const start = async (dataDirectory: string) => {
    const broker = await startBroker({ dataDirectory, config: { 'millrace.log.workers': String(workers) } })
    const client = await PlainClient.connect(broker.port)
    const stop = async (): Promise<void> => {
      client.close()
      await broker.close()
    }
    undo.push(stop)
    return { client, stop }
  }

  it('fence requests that know another leader, and tell where an old one\'s records end', async () => {
    const folder = dataFolder()
    const first = await start(folder)
    await first.client.create('orders')
    await first.client.produce('orders', 0, 'a', 'b')
    const old = (await placeOf(first.client, 'orders')).epoch
    await first.stop()
    const { client } = await start(folder)
    await client.produce('orders', 0, 'c')
    const { epoch } = await placeOf(client, 'orders')
    expect(epoch).toBeGreaterThan(old)

    for (let version = 9; version <= 12; version++) {
      expect((await fetchPart(client, { version, epoch: old })).error).toBe('FENCED_LEADER_EPOCH')
      expect((await fetchPart(client, { version, epoch: epoch + 1 })).error).toBe('UNKNOWN_LEADER_EPOCH')
      expect((await fetchPart(client, { version, epoch })).error).toBe('NONE')
    }
    const { id } = await placeOf(client, 'orders')
    for (let version = 13; version <= Fetch.versions[1]; version++) {
      const fenced = await fetchPart(client, { version, topicId: id, epoch: old })
      expect(fenced.error).toBe('FENCED_LEADER_EPOCH')
      if (version >= 16) expect(fenced.currentLeader).toEqual({ leaderId: 1, leaderEpoch: epoch })
      const early = await fetchPart(client, { version, topicId: id, epoch: epoch + 1 })
      expect(early.error).toBe('UNKNOWN_LEADER_EPOCH')
    }
    for (let version = 4; version <= ListOffsets.versions[1]; version++) {
      expect(await listOffset(client, version, old)).toEqual(['FENCED_LEADER_EPOCH', -1, -1])
      expect(await listOffset(client, version, epoch + 1)).toEqual(['UNKNOWN_LEADER_EPOCH', -1, -1])
      expect(await listOffset(client, version, epoch)).toEqual(['NONE', 3, epoch])
    }
    for (let version = 2; version <= OffsetForLeaderEpoch.versions[1]; version++) {
      expect(await epochEnd(client, version, old, old)).toEqual(['FENCED_LEADER_EPOCH', -1, -1])
      expect(await epochEnd(client, version, epoch + 1, old)).toEqual(['UNKNOWN_LEADER_EPOCH', -1, -1])
      expect(await epochEnd(client, version, epoch, old)).toEqual(['NONE', old, 2])
      expect(await epochEnd(client, version, -1, epoch)).toEqual(['NONE', epoch, 3])
      expect(await epochEnd(client, version, -1, epoch + 1)).toEqual(['NONE', -1, -1])
    }
    // Who read further in the old epoch than it went read what is gone.
    const { divergingEpoch, records } = await fetchPart(client, { offset: 3, lastEpoch: old })
    expect([divergingEpoch, (records as Buffer).length]).toEqual([{ epoch: old, endOffset: 2 }, 0])
    const agreed = await fetchPart(client, { offset: 2, lastEpoch: old })
    expect(agreed.divergingEpoch).toEqual({ epoch: -1, endOffset: -1 })
  })

  it('a topic made again under its name is another: the old id is unknown, its records are gone', async () => {
    const { client } = await start(dataFolder())
    await client.create('orders')
    await client.produce('orders', 0, 'old')
    const { id } = await placeOf(client, 'orders')
    const session = await client.ask(Fetch, 13, {
      maxWaitMs: 0,
      sessionEpoch: 0,
      topics: [{ topicId: id, partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }] }]
    })
    await client.drop('orders')
    expect((await fetchPart(client, { version: 13, topicId: id })).error).toBe('UNKNOWN_TOPIC_ID')
    expect(await client.create('orders')).toBe('NONE')
    const again = await placeOf(client, 'orders')
    expect(again.id).not.toBe(id)
    expect((await fetchPart(client, { version: 13, topicId: id })).error).toBe('UNKNOWN_TOPIC_ID')
    const continued = await client.ask(Fetch, 13, {
      maxWaitMs: 0, sessionId: session.sessionId, sessionEpoch: 1, topics: []
    })
    expect(errorName(continued.responses[0].partitions[0].errorCode)).toBe('UNKNOWN_TOPIC_ID')
    expect(await client.values('orders', 0)).toEqual([])
    expect(await client.produce('orders', 0, 'new')).toBe(0)
    expect(await client.values('orders', 0)).toEqual(['new'])
  })
})

describe('a topic that is deleted and made again around a kill', () => {
  const overrides = { 'log.initial.task.delay.ms': '0', 'file.delete.delay.ms': '60000' }

  async function start (folder: string) {
    const broker = await startBrokerProcess({ folder, overrides })
    undo.push(() => broker.dispose())
    const client = await PlainClient.connect(broker.port)
    const kill = async (): Promise<void> => {
      client.close()
      await broker.stop('SIGKILL')
    }
    return { broker, client, kill }
  }

  it('starts empty, whether or not its old folder was put aside in time', async () => {
    const folder = dataFolder()
    const first = await start(folder)
    await first.client.create('orders')
    await first.client.produce('orders', 0, 'old', 'older')
    const { id } = await placeOf(first.client, 'orders')
    const kept = `${folder}-kept`
    undo.push(() => rmSync(kept, { recursive: true, force: true }))
    cpSync(join(folder, 'orders-0'), kept, { recursive: true })
    await first.client.drop('orders')
    await first.kill()

    // Killed after the deletion: nothing of it comes back, the name is free.
    const second = await start(folder)
    expect((await placeOf(second.client, 'orders')).error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await second.client.create('orders')).toBe('NONE')
    expect(await second.client.values('orders', 0)).toEqual([])
    await second.client.produce('orders', 0, 'new')
    const again = await placeOf(second.client, 'orders')
    expect(again.id).not.toBe(id)
    await second.kill()

    // As if the machine had lost what became of both folders: the old one lies under the name.
    rmSync(join(folder, 'orders-0'), { recursive: true })
    renameSync(kept, join(folder, 'orders-0'))
    const third = await start(folder)
    expect((await placeOf(third.client, 'orders')).id).toBe(again.id)
    expect(await third.client.values('orders', 0)).toEqual([])
    expect(readdirSync(folder).filter(name => /^orders-0\.[0-9a-f]{32}-stray$/.test(name)).length).toBe(1)
    expect(await third.client.produce('orders', 0, 'newer')).toBe(0)
    expect((await fetchPart(third.client, { version: 13, topicId: id })).error).toBe('UNKNOWN_TOPIC_ID')
    await third.kill()
    const last = await start(folder)
    expect(await last.client.values('orders', 0)).toEqual(['newer'])
    last.client.close()
  })
})
