// Compaction on a real broker, as a client sees it: the log shrinks, the newest values stay at their offsets.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrokerProcess, type BrokerProcess } from './broker.testing.ts'

const keys = 50
const rounds = 60

describe('a compacted topic', () => {
  let broker: BrokerProcess
  let kafka: Kafka

  const overrides = { 'log.cleaner.backoff.ms': '100', 'log.cleaner.min.cleanable.ratio': '0.01' }

  beforeAll(async () => {
    broker = await startBrokerProcess({ overrides })
    kafka = new Kafka({ clientId: 'test', brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
  })
  afterAll(() => broker.dispose())

  it('shrinks, keeps the newest value of every key, and answers old offsets with what is left', async () => {
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({
      topics: [{
        topic: 'compacted',
        numPartitions: 1,
        configEntries: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'segment.ms', value: '100' },
          { name: 'delete.retention.ms', value: '100' }
        ]
      }]
    })
    const producer = kafka.producer()
    await producer.connect()
    const send = (round: number) => producer.send({
      topic: 'compacted',
      messages: Array.from({ length: keys }, (_, n) => ({ key: `k${n}`, value: `${round}:${'x'.repeat(1000)}` }))
    })
    for (let round = 0; round < rounds; round++) await send(round)
    const folder = join(broker.folder, 'compacted-0')
    const size = () => readdirSync(folder).filter(name => name.endsWith('.log'))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    const written = rounds * keys * 1000
    let round = rounds
    // Only sealed segments are compacted: what is sent on seals them. The size is the event.
    while (size() > written / 5) {
      await send(round++)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    const last = round - 1
    // What it was sent is still in the broker's memory, and is served from there: so it is started again,
    // after a death without a last word.
    const { folder: data, port } = broker
    await broker.stop('SIGKILL')
    broker = await startBrokerProcess({ overrides, folder: data, port })
    const consumer = kafka.consumer({ groupId: 'reads-it-all', maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'compacted', fromBeginning: true })
    const newest = new Map<string, string>()
    const offsets: number[] = []
    const end = round * keys
    await new Promise<void>(resolve => {
      consumer.run({
        eachMessage: async ({ message }) => {
          offsets.push(Number(message.offset))
          newest.set(String(message.key), String(message.value).split(':')[0])
          if (Number(message.offset) === end - 1) resolve()
        }
      })
    })
    expect(newest.size).toBe(keys)
    expect(new Set(newest.values())).toEqual(new Set([String(last)]))
    expect(offsets[0]).toBeGreaterThan(0)
    expect(offsets.length).toBeLessThan(end / 2)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect((await admin.fetchTopicOffsets('compacted'))[0]).toMatchObject({ low: '0', high: String(end) })
    const checkpoint = readFileSync(join(data, 'cleaner-offset-checkpoint'), 'utf8')
    expect(checkpoint).toMatch(/^0\n\d+\n(.*\n)*compacted 0 \d+\n/)
    await consumer.disconnect()
    await producer.disconnect()
    await admin.disconnect()
  }, 30_000)
})
