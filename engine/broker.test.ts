// Whole brokers, as programs and the daemon start them: in memory, on disk with the log on this thread, on
// disk with workers.
import { existsSync, rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { realClock } from './base/clock-real.ts'
import { realNetwork } from './base/network-real.ts'
import { realDisk } from './base/disk-real.ts'
import { realRandom } from './base/random-real.ts'
import { startEngine } from './broker.ts'
import { temporaryFolder } from './broker.testing.ts'
import { loadBrokerConfig } from './config/broker-config.ts'
import { type Border } from './threads/border.ts'
import { BrokerConnection } from './client/connection.ts'
import { type BrokerOptions, type RunningBroker, startBroker } from './index.ts'
import { errorCodes } from './protocol/errors.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { ListOffsets } from './protocol/messages/02-list-offsets.ts'
import { Metadata } from './protocol/messages/03-metadata.ts'
import { Produce } from './protocol/messages/00-produce.ts'
import { CreateTopics } from './protocol/messages/19-create-topics.ts'
import { DescribeCluster } from './protocol/messages/60-describe-cluster.ts'
import { buildBatch, decodeRecords } from './protocol/record.ts'
import { type AnyApi, make, type RequestOf } from './protocol/schema.ts'
import { frameOf, linesLogger, RawClient } from './server/server.testing.ts'

let brokers: RunningBroker[] = []
let connections: BrokerConnection[] = []
let folders: string[] = []

async function start (options: BrokerOptions = {}): Promise<RunningBroker> {
  const broker = await startBroker(options)
  brokers.push(broker)
  return broker
}

function folder (): string {
  const path = temporaryFolder('test')
  folders.push(path)
  return path
}

async function connect (broker: RunningBroker): Promise<BrokerConnection> {
  const address = { host: broker.host, port: broker.port, clientId: 'test' }
  const connection = await BrokerConnection.connect(realNetwork, realClock, address)
  connections.push(connection)
  return connection
}

afterEach(async () => {
  for (const connection of connections) connection.close()
  connections = []
  await Promise.all(brokers.map(broker => broker.close()))
  brokers = []
  for (const path of folders) rmSync(path, { recursive: true, force: true })
  folders = []
})

function ask<A extends AnyApi> (connection: BrokerConnection, api: A, version: number, partial: object = {}) {
  return connection.request(api, version, make(api.request, partial) as RequestOf<A>)
}

async function createTopic (connection: BrokerConnection, name: string, numPartitions = 1): Promise<number> {
  const topics = [{ name, numPartitions, replicationFactor: 1 }]
  const answer = await ask(connection, CreateTopics, 5, { topics })
  return answer.topics[0].errorCode
}

const timestamp = Date.now()

function batchOf (...values: string[]): Buffer {
  return buildBatch({}, values.map(value => {
    return { key: null, value: Buffer.from(value), timestamp, headers: [] }
  }))
}

async function produce (connection: BrokerConnection, topic: string, index: number, records: Buffer) {
  const answer = await ask(connection, Produce, 9, {
    acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData: [{ index, records }] }]
  })
  return answer.responses[0].partitionResponses[0]
}

const fetchFields = (topic: string, fetchOffset: number, partition = 0) => ({
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 10_000_000,
  sessionEpoch: -1,
  topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 10_000_000 }] }]
})

async function fetch (connection: BrokerConnection, topic: string, offset = 0, partition = 0) {
  const answer = await ask(connection, Fetch, 11, fetchFields(topic, offset, partition))
  return answer.responses[0].partitions[0]
}

async function valuesIn (connection: BrokerConnection, topic: string, end: number): Promise<string[]> {
  const values: string[] = []
  while (values.length < end) {
    const { records } = await fetch(connection, topic, values.length)
    const bytes = records as Buffer
    for (let at = 0; at < bytes.length;) {
      const length = 12 + bytes.readInt32BE(at + 8)
      for (const { value } of decodeRecords(bytes.subarray(at, at + length))) values.push(String(value))
      at += length
    }
  }
  return values
}

const fillings: [string, () => BrokerOptions][] = [
  ['in memory', () => ({})],
  ['on disk, the log on this thread', () => ({ dataDirectory: folder() })],
  ['on disk, with a log worker', () => ({ dataDirectory: folder(), config: { 'millrace.log.workers': '1' } })]
]

describe.each(fillings)('a broker %s', (_name, options) => {
  it('keeps what is produced in order, and gives it back', async () => {
    const broker = await start(options())
    const connection = await connect(broker)
    expect(await createTopic(connection, 'a', 2)).toBe(0)
    const sent = Array.from({ length: 100 }, (_, n) => `value ${n}`)
    // All at once on one connection: the log must see them in this order.
    const answers = await Promise.all(sent.map(value => produce(connection, 'a', 1, batchOf(value))))
    expect(answers.map(answer => answer.baseOffset)).toEqual(sent.map((_, n) => n))
    const { records, highWatermark } = await fetch(connection, 'a', 0, 1)
    expect(highWatermark).toBe(100)
    expect((records as Buffer).length).toBeGreaterThan(100 * 61)
    expect((await fetch(connection, 'a', 0, 0)).highWatermark).toBe(0)
  })

  it('wakes a fetch that waits for bytes', async () => {
    const broker = await start(options())
    const [producer, consumer] = [await connect(broker), await connect(broker)]
    await createTopic(producer, 'a')
    const waiting = ask(consumer, Fetch, 11, { ...fetchFields('a', 0), maxWaitMs: 60_000 })
    // A request on a third connection: by its answer the fetch has been parked.
    await ask(await connect(broker), Metadata, 1, { topics: [] })
    await produce(producer, 'a', 0, batchOf('now'))
    const [part] = (await waiting).responses[0].partitions
    expect(decodeRecords(part.records as Buffer)[0].value?.toString()).toBe('now')
  })

  it('takes batches of all sizes beside each other', async () => {
    const broker = await start(options())
    const connection = await connect(broker)
    await createTopic(connection, 'a')
    const sizes = [1, 60_000, 65_000, 70_000, 300_000, 900_000]
    const values = sizes.map((size, n) => String.fromCharCode(97 + n).repeat(size))
    const answers = await Promise.all(values.map(value => produce(connection, 'a', 0, batchOf(value))))
    expect(answers.map(answer => answer.errorCode)).toEqual(sizes.map(() => 0))
    const found = await valuesIn(connection, 'a', sizes.length)
    expect(found.map(value => value.length)).toEqual(sizes)
    expect(found).toEqual(values)
  })

  it('N16 refuses names that are no names for topics', async () => {
    const connection = await connect(await start(options()))
    for (const name of ['..', '.', '', 'a/b', 'a\0b', 'x'.repeat(250), '../../etc']) {
      expect(await createTopic(connection, name), name).toBe(errorCodes.INVALID_TOPIC_EXCEPTION)
    }
    expect(await createTopic(connection, 'a.b')).toBe(0)
    expect(await createTopic(connection, 'a_b')).toBe(errorCodes.INVALID_TOPIC_EXCEPTION)
    expect(await createTopic(connection, 'x'.repeat(249))).toBe(0)
  })

  it('leaves nothing behind when it is closed', async () => {
    const before = process.getActiveResourcesInfo()
    const broker = await start(options())
    const connection = await connect(broker)
    await createTopic(connection, 'a')
    await produce(connection, 'a', 0, batchOf('x'))
    // One request parked, one connection silent: neither holds it up.
    const parked = ask(connection, Fetch, 11, { ...fetchFields('a', 1), maxWaitMs: 60_000 }).catch(() => null)
    await broker.close()
    await broker.closed
    await parked
    connection.close()
    // The client's own socket goes in its own turns.
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    const left = process.getActiveResourcesInfo()
    for (const resource of before) {
      if (left.includes(resource)) left.splice(left.indexOf(resource), 1)
    }
    expect(left).toEqual([])
  })
})

describe.each(fillings.slice(1))('a broker %s', (_name, options) => {
  it('has after a restart what was acknowledged before', async () => {
    const given = options()
    const first = await start(given)
    const connection = await connect(first)
    await createTopic(connection, 'a')
    for (let n = 0; n < 20; n++) await produce(connection, 'a', 0, batchOf(`value ${n}`))
    const { clusterId } = first
    await first.close()
    const second = await start(given)
    expect(second.clusterId).toBe(clusterId)
    const again = await connect(second)
    expect(await valuesIn(again, 'a', 20)).toEqual(Array.from({ length: 20 }, (_, n) => `value ${n}`))
    expect((await produce(again, 'a', 0, batchOf('more'))).baseOffset).toBe(20)
    const offsets = await ask(again, ListOffsets, 4, {
      replicaId: -1, topics: [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    })
    // The leader epoch rises at every start.
    expect(offsets.topics[0].partitions[0]).toMatchObject({ offset: 21, leaderEpoch: 1 })
  })

  it('refuses a folder that another broker uses', async () => {
    const given = options()
    await start(given)
    await expect(start(given)).rejects.toThrow(/in use by process/)
  })

  it('reads history for a client that reads slowly, beside others', async () => {
    const broker = await start(options())
    const connection = await connect(broker)
    await createTopic(connection, 'a')
    const value = 'h'.repeat(100_000)
    await Promise.all(Array.from({ length: 300 }, () => produce(connection, 'a', 0, batchOf(value))))
    const slow = await RawClient.connect(broker.port)
    slow.socket.pause()
    for (let n = 0; n < 5; n++) {
      slow.send(frameOf(Fetch, 11, n, { ...fetchFields('a', 0), maxBytes: 20_000_000 }))
    }
    for (let round = 0; round < 3; round++) {
      expect(((await fetch(connection, 'a', 100)).records as Buffer).length).toBeGreaterThan(1_000_000)
    }
    slow.socket.resume()
    for (let n = 0; n < 5; n++) {
      const { correlationId, value: answer } = await slow.answer(Fetch, 11)
      expect(correlationId).toBe(n)
      const records = answer.responses[0].partitions[0].records as Buffer
      expect(records.length).toBe(10_000_000)
      expect(records.readInt32BE(4)).toBe(0)
    }
    slow.end()
  })
})

describe('a broker whose log worker ends', () => {
  it('fails what is asked of it, closes, and rejects closed; the next start finds all', async () => {
    const lines: string[] = []
    const dataDirectory = folder()
    const config = loadBrokerConfig({ overrides: { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': dataDirectory } })
    const broker = await startEngine({
      config,
      logger: linesLogger(lines),
      network: realNetwork,
      clock: realClock,
      random: realRandom,
      disk: realDisk,
      directories: [dataDirectory],
      workers: 1,
      locked: true
    })
    const address = { ...broker.listeners[0], clientId: 'test' }
    const connection = await BrokerConnection.connect(realNetwork, realClock, address)
    await createTopic(connection, 'a')
    expect((await produce(connection, 'a', 0, batchOf('x'))).errorCode).toBe(0)
    const { row } = broker.partitions.find('a', 0)!
    const broken = (broker.log as Border).breakWorker(row)
    await expect(broken).rejects.toThrow()
    await expect(broker.closed).rejects.toThrow()
    await expect(produce(connection, 'a', 0, batchOf('y'))).rejects.toThrow()
    expect(lines.join('\n')).toContain('the broker ends')
    expect(existsSync(`${dataDirectory}/.kafka_cleanshutdown`)).toBe(false)
    const again = await connect(await start({ dataDirectory }))
    expect(await valuesIn(again, 'a', 1)).toEqual(['x'])
  })
})

describe('a broker', () => {
  it('writes nothing to disk in memory, and nothing to the console', async () => {
    const broker = await start()
    expect(broker.dataDirectories).toEqual([])
    expect(existsSync('/memory')).toBe(false)
  })

  it('tells clients where it really listens', async () => {
    const broker = await start()
    const { brokers: told } = await ask(await connect(broker), DescribeCluster, 0)
    expect(told).toMatchObject([{ host: '127.0.0.1', port: broker.port }])
  })

  it('listens by several names, each told its own address', async () => {
    const config = {
      listeners: 'ONE://127.0.0.1:0,TWO://127.0.0.1:0',
      'advertised.listeners': 'ONE://one.example:1111,TWO://two.example:2222',
      'listener.security.protocol.map': 'ONE:PLAINTEXT,TWO:PLAINTEXT'
    }
    const broker = await start({ config })
    const told = await Promise.all(broker.listeners.map(async ({ host, port }) => {
      const address = { host, port, clientId: 'test' }
      const connection = await BrokerConnection.connect(realNetwork, realClock, address)
      connections.push(connection)
      return (await ask(connection, DescribeCluster, 0)).brokers[0]
    }))
    expect(told.map(({ host, port }) => `${host}:${port}`)).toEqual(['one.example:1111', 'two.example:2222'])
  })

  it('says which address cannot be had', async () => {
    const { port } = await start()
    await expect(start({ port })).rejects.toThrow(`127.0.0.1:${port}`)
  })

  it('N3 N4 N5 lives on after bytes that are no requests', async () => {
    const lines: string[] = []
    const broker = await start({ logger: linesLogger(lines) })
    const connection = await connect(broker)
    await createTopic(connection, 'a')
    for (const text of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x08\x7f\xff\0\0\0\0\0\0', '\0\0\0\x10\0\x03\0\x01\0\0\0\0\xff\xff\x7f\xff\xff\xff']) {
      const client = await RawClient.connect(broker.port)
      client.send(Buffer.from(text, 'latin1'))
      client.socket.end()
      await client.untilClosed()
    }
    expect((await produce(connection, 'a', 0, batchOf('x'))).errorCode).toBe(0)
  })

  it('N9 answers a burst of Produce and others in order', async () => {
    const broker = await start()
    await createTopic(await connect(broker), 'a')
    const client = await RawClient.connect(broker.port)
    const frames: Buffer[] = []
    for (let n = 0; n < 2000; n++) {
      frames.push(n % 7 === 6
        ? frameOf(Fetch, 11, n, fetchFields('a', 0))
        : frameOf(Produce, 7, n, {
          acks: -1, timeoutMs: 1000, topicData: [{ name: 'a', partitionData: [{ index: 0, records: batchOf('x') }] }]
        }))
    }
    client.send(...frames)
    let produced = 0
    for (let n = 0; n < 2000; n++) {
      if (n % 7 === 6) {
        const { correlationId, value } = await client.answer(Fetch, 11)
        expect(correlationId).toBe(n)
        // What was acknowledged before is there.
        expect(value.responses[0].partitions[0].highWatermark).toBe(produced)
      } else {
        const { correlationId, value } = await client.answer(Produce, 7)
        expect(correlationId).toBe(n)
        expect(value.responses[0].partitionResponses[0].baseOffset).toBe(produced++)
      }
    }
    client.end()
  })
})
