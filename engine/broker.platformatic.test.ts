// @platformatic/kafka speaks the newest versions it knows: its producer, consumer and admin on a real broker.
import {
  Admin,
  Consumer,
  Producer,
  MessagesStreamModes,
  stringDeserializers,
  stringSerializers
} from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrokerProcess, type BrokerProcess } from './broker.testing.ts'

describe('@platformatic/kafka', () => {
  let broker: BrokerProcess
  let base: { clientId: string; bootstrapBrokers: string[] }

  beforeAll(async () => {
    broker = await startBrokerProcess()
    base = { clientId: 'test', bootstrapBrokers: [broker.bootstrapServers] }
  })
  afterAll(() => broker.dispose())

  it('produces idempotently and consumes in a group, with committed offsets', async () => {
    const admin = new Admin(base)
    await admin.createTopics({ topics: ['orders'], partitions: 3, replicas: 1 })
    const producer = new Producer({ ...base, idempotent: true, acks: -1, serializers: stringSerializers })
    for (let round = 0; round < 5; round++) {
      const messages = Array.from({ length: 60 }, (_, n) => ({
        topic: 'orders',
        key: `k${n}`,
        value: `${round}:${n}`,
        partition: n % 3,
        headers: { round: String(round) }
      }))
      const { offsets } = await producer.send({ messages })
      expect(offsets).toHaveLength(3)
    }
    const got = await consume('orders-group', 'orders', 300)
    for (const partition of [0, 1, 2]) {
      const own = got.filter(message => message.partition === partition)
      expect(own.map(message => Number(message.offset))).toEqual(
        Array.from({ length: 100 }, (_, index) => index)
      )
    }
    expect(got[0].headers.get('round')).toBe('0')
    const groups = await admin.listConsumerGroupOffsets({ groups: ['orders-group'] })
    const partitions = groups[0].topics[0].partitions
    expect(partitions.map(partition => Number(partition.committedOffset))).toEqual([100, 100, 100])
    await producer.close()
    await admin.close()
  })

  it('administers topics, partitions, configs and groups', async () => {
    const admin = new Admin(base)
    const [created] = await admin.createTopics({
      topics: ['made'],
      partitions: 2,
      replicas: 1,
      configs: [{ name: 'retention.ms', value: '5000' }]
    })
    expect(created).toMatchObject({ name: 'made', partitions: 2, replicas: 1 })
    expect(created.id).toMatch(/^[0-9a-f-]{36}$/)
    await expect(admin.createTopics({ topics: ['made'], partitions: 2, replicas: 1 })).rejects.toThrow()
    await admin.createPartitions({ topics: [{ name: 'made', count: 5, assignments: null }] })
    const metadata = await admin.metadata({ topics: ['made'] })
    expect(metadata.topics.get('made')?.partitionsCount).toBe(5)
    await admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: 2,
          resourceName: 'made',
          configs: [{ name: 'retention.ms', configOperation: 0, value: '7000' }]
        }
      ]
    })
    const configs = await admin.describeConfigs({
      resources: [{ resourceType: 2, resourceName: 'made', configurationKeys: ['retention.ms'] }]
    })
    expect(configs[0].configs[0]).toMatchObject({ name: 'retention.ms', value: '7000' })
    expect(await admin.listTopics()).toContain('made')
    await admin.deleteTopics({ topics: ['made'] })
    expect(await admin.listTopics()).not.toContain('made')
    await admin.close()
  })

  it('is given each of its own codecs back', async () => {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
    const producer = new Producer({ ...base, autocreateTopics: true, serializers: stringSerializers })
    for (const compression of codecs) {
      await producer.send({
        compression,
        messages: Array.from({ length: 50 }, (_, n) => ({
          topic: 'codecs',
          partition: 0,
          value: `${compression} ${n} ${'x'.repeat(n * 10)}`
        }))
      })
    }
    const got = await consume('codecs-group', 'codecs', 250)
    expect(got.map(message => message.value)).toEqual(
      codecs.flatMap(codec => Array.from({ length: 50 }, (_, n) => `${codec} ${n} ${'x'.repeat(n * 10)}`))
    )
    await producer.close()
  })

  async function consume (groupId: string, topic: string, count: number) {
    const consumer = new Consumer({ ...base, groupId, deserializers: stringDeserializers })
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
      sessionTimeout: 10_000
    })
    const got = []
    for await (const message of stream) {
      got.push(message)
      if (got.length === count) break
    }
    const offsets = new Map<number, bigint>()
    for (const message of got) offsets.set(message.partition, message.offset + BigInt(1))
    await consumer.commit({
      offsets: [...offsets].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: 0 }))
    })
    await stream.close()
    await consumer.close(true)
    return got
  }
})
