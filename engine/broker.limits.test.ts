// What clients can cost a whole broker with a log worker: connections, silence, answers that nobody reads,
// requests without end.
import { rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { batchOf, fetchFields, TestClient } from './broker-client.testing.ts'
import { temporaryFolder } from './broker.testing.ts'
import { type RunningBroker, startBroker } from './index.ts'
import { Produce } from './protocol/messages/00-produce.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { Metadata } from './protocol/messages/03-metadata.ts'
import { ApiVersions } from './protocol/messages/18-api-versions.ts'
import { frameOf, linesLogger, RawClient } from './server/server.testing.ts'

let broker: RunningBroker
let folder = ''
let lines: string[] = []
const clients: { close (): void }[] = []

async function start (config: Record<string, string> = {}): Promise<void> {
  folder = temporaryFolder('limits')
  lines = []
  broker = await startBroker({
    dataDirectory: folder, logger: linesLogger(lines), config: { 'millrace.log.workers': '1', ...config }
  })
}

async function connect (): Promise<TestClient> {
  const client = await TestClient.connect(broker.port)
  clients.push(client)
  return client
}

async function raw (port = broker.port): Promise<RawClient> {
  const client = await RawClient.connect(port)
  clients.push({ close: () => client.end() })
  return client
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  // Asserts that everything that was lent to connections came back.
  await broker.close()
  await broker.closed
  rmSync(folder, { recursive: true, force: true })
})

const soon = () => new Promise(resolve => setImmediate(resolve))
const served = (client: RawClient) => client.answer(ApiVersions, 0)
const hello = (id = 1) => frameOf(ApiVersions, 0, id)
const bigValue = 'b'.repeat(900_000)

async function fill (client: TestClient, topic: string, megabytes: number): Promise<void> {
  expect(await client.createTopic(topic)).toBe(0)
  for (let n = 0; n < megabytes; n += 10) {
    await Promise.all(Array.from({ length: 11 }, () => client.produce(topic, 0, batchOf(bigValue))))
  }
}

describe('a broker with a log worker', () => {
  it('N6 closes who comes over max.connections.per.ip, and serves the others', async () => {
    await start({ 'max.connections.per.ip': '1', 'max.connections.per.ip.overrides': '127.0.0.1:3' })
    const good = [await raw(), await raw(), await raw()]
    for (const client of good) {
      client.send(hello())
      await served(client)
    }
    for (let n = 0; n < 100; n++) await (await raw()).untilClosed()
    expect(lines.join('\n')).toContain('max.connections.per.ip (3) is reached')
    good[0].send(hello(2))
    expect((await served(good[0])).correlationId).toBe(2)
  })

  it('N6 lets clients over max.connections wait; a change of the limit lets them in', async () => {
    await start({ 'max.connections': '2', 'socket.listen.backlog.size': '10' })
    const [client, other] = [await connect(), await raw()]
    other.send(hello())
    await served(other)
    const waiting = await Promise.all(Array.from({ length: 5 }, () => raw()))
    for (const one of waiting) one.send(hello())
    await client.ask(Metadata, 1, { topics: [] })
    expect(waiting.some(one => one.receivedBytes > 0 || one.closed)).toBe(false)
    other.end()
    await served(waiting[0])
    expect(await client.alter(4, '', { 'max.connections': '100' })).toBe(0)
    await Promise.all(waiting.slice(1).map(served))
  })

  it('N6 keeps the limits of one listener from another', async () => {
    await start({
      listeners: 'PLAINTEXT://127.0.0.1:0,SIDE://127.0.0.1:0',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SIDE:PLAINTEXT',
      'listener.name.side.max.connections': '1',
      'max.connections': '50'
    })
    const side = broker.listeners.find(({ name }) => name === 'SIDE')!.port
    const [first, second, main] = [await raw(side), await raw(side), await raw()]
    for (const one of [first, second, main]) one.send(hello())
    await served(first)
    await served(main)
    expect(second.receivedBytes).toBe(0)
    first.end()
    await served(second)
  })

  it('N7 ends connections that say nothing, and none that waits for an answer', async () => {
    await start({ 'connections.max.idle.ms': '150' })
    const waiting = await raw()
    const topics = [{ topic: 'nothing-yet', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
    const client = await connect()
    await client.createTopic('nothing-yet')
    waiting.send(frameOf(Fetch, 11, 7, { ...fetchFields, maxWaitMs: 600, topics }))
    const silent = await raw()
    await silent.untilClosed()
    expect(waiting.closed).toBe(false)
    expect((await waiting.answer(Fetch, 11)).correlationId).toBe(7)
    await waiting.untilClosed()
  })

  it('N7 takes back what was on its way to a client that has gone', async () => {
    await start()
    const client = await connect()
    await fill(client, 'a', 30)
    const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }] }]
    for (let n = 0; n < 10; n++) {
      const gone = await raw()
      gone.send(frameOf(Fetch, 11, 1, { ...fetchFields, topics }))
      await gone.until(() => gone.receivedBytes > 0)
      gone.end()
    }
    expect((await client.produce('a', 0, batchOf('still here'))).errorCode).toBe(0)
  })

  it('N8 does little for a client that asks and does not read, and serves the others', async () => {
    await start()
    const client = await connect()
    await fill(client, 'a', 30)
    const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }] }]
    const before = process.memoryUsage()
    const deaf = await Promise.all(Array.from({ length: 20 }, () => raw()))
    for (const one of deaf) {
      one.socket.pause()
      for (let n = 0; n < 50; n++) one.send(frameOf(Fetch, 11, n, { ...fetchFields, topics }))
    }
    for (let n = 0; n < 20; n++) {
      expect((await client.produce('a', 0, batchOf(bigValue))).errorCode).toBe(0)
      const { records } = await client.fetch('a', n, 0, 1_000_000)
      expect((records as Buffer).length).toBeGreaterThan(900_000)
      const { external, heapUsed } = process.memoryUsage()
      expect(external + heapUsed).toBeLessThan(before.external + before.heapUsed + 200_000_000)
    }
    // One that begins to read gets all that it asked for, in order.
    deaf[0].socket.resume()
    for (let n = 0; n < 3; n++) {
      const { correlationId, value } = await deaf[0].answer(Fetch, 11)
      expect(correlationId).toBe(n)
      expect((value.responses[0].partitions[0].records as Buffer).length).toBeGreaterThan(29_000_000)
    }
  })

  it('N9 answers 10,000 requests that come in one piece in their order', async () => {
    await start()
    const client = await connect()
    await client.createTopic('a')
    const many = await raw()
    const count = 10_000
    const frames = Array.from({ length: count }, (_, n) => {
      if (n % 3 === 0) return hello(n)
      return frameOf(Produce, 7, n, {
        acks: n % 3 === 1 ? -1 : 1,
        timeoutMs: 30_000,
        topicData: [{ name: 'a', partitionData: [{ index: 0, records: batchOf(String(n)) }] }]
      })
    })
    many.send(...frames)
    let produced = 0
    for (let n = 0; n < count; n++) {
      if (n % 3 === 0) {
        expect((await served(many)).correlationId).toBe(n)
        continue
      }
      const { correlationId, value } = await many.answer(Produce, 7)
      expect(correlationId).toBe(n)
      expect(value.responses[0].partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: produced++ })
    }
    await soon()
    expect(many.receivedBytes).toBe(0)
  })
})
