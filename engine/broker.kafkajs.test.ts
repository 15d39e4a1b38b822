// kafkajs speaks old versions (Produce <= 7, Fetch <= 11, Metadata <= 6): its producer, consumer groups and
// admin on a real broker.
import { CompressionTypes, Kafka, logLevel, type Consumer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrokerProcess, type BrokerProcess } from './broker.testing.ts'

describe('kafkajs', () => {
  let broker: BrokerProcess
  let kafka: Kafka

  beforeAll(async () => {
    broker = await startBrokerProcess()
    kafka = new Kafka({ clientId: 'test', brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
  })
  afterAll(() => broker.dispose())

  it('produces and consumes in order, with keys, headers and tombstones', async () => {
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'ordered', numPartitions: 3 }] })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (let round = 0; round < 10; round++) {
      await producer.send({
        topic: 'ordered',
        messages: Array.from({ length: 100 }, (_, n) => ({
          key: `k${n % 7}`,
          value: n % 10 === 9 ? null : `${round}:${n}`,
          headers: { round: String(round) },
          partition: n % 3
        }))
      })
    }
    await producer.send({
      topic: 'ordered',
      compression: CompressionTypes.GZIP,
      messages: [{ key: 'z', value: 'zipped', partition: 0 }]
    })
    const got = await collect(kafka.consumer({ groupId: 'ordered-group' }), 'ordered', 1001)
    for (const partition of [0, 1, 2]) {
      const own = got.filter(record => record.partition === partition)
      expect(own.map(record => Number(record.offset))).toEqual(own.map((_, index) => index))
    }
    expect(got.filter(record => record.value === null)).toHaveLength(100)
    expect(got.find(record => record.key === 'z')?.value).toBe('zipped')
    expect(got[0].headers.round).toBe('0')
    await producer.disconnect()
    await admin.disconnect()
  })

  it('shares six partitions among three members, again after one leaves, and resumes from committed offsets', async () => {
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 6 }] })
    const owned = new Map<string, number[]>()
    const members: Consumer[] = []
    const balanced = () => {
      const all = [...owned.values()].flat().sort()
      return (
        all.join() === '0,1,2,3,4,5' &&
        [...owned.values()].every(partitions => partitions.length === 6 / owned.size)
      )
    }
    const seen: string[] = []
    let check = () => {}
    for (const name of ['a', 'b', 'c']) {
      const consumer = kafka.consumer({
        groupId: 'shared-group',
        sessionTimeout: 10_000,
        heartbeatInterval: 100,
        maxWaitTimeInMs: 100
      })
      members.push(consumer)
      consumer.on(consumer.events.GROUP_JOIN, event => {
        owned.set(name, event.payload.memberAssignment.shared ?? [])
        check()
      })
      await consumer.connect()
      await consumer.subscribe({ topic: 'shared', fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message }) => {
          seen.push(String(message.value))
          check()
        }
      })
    }
    const until = (what: () => boolean) =>
      new Promise<void>(resolve => {
        check = () => {
          if (what()) resolve()
        }
        check()
      })
    await until(() => owned.size === 3 && balanced())
    const producer = kafka.producer()
    await producer.connect()
    const send = (from: number) =>
      producer.send({
        topic: 'shared',
        messages: Array.from({ length: 60 }, (_, n) => ({ value: `v${from + n}`, partition: n % 6 }))
      })
    await send(0)
    await until(() => seen.length >= 60)
    await members[2].disconnect()
    owned.delete('c')
    owned.clear()
    await until(() => owned.size === 2 && balanced())
    await send(60)
    await until(() => new Set(seen).size >= 120)
    expect(seen).toHaveLength(120)
    const description = await admin.describeGroups(['shared-group'])
    expect(description.groups[0]).toMatchObject({ state: 'Stable', protocolType: 'consumer' })
    expect(description.groups[0].members).toHaveLength(2)
    for (const member of members.slice(0, 2)) await member.disconnect()
    const offsets = await admin.fetchOffsets({ groupId: 'shared-group', topics: ['shared'] })
    expect(offsets[0].partitions.map(partition => Number(partition.offset))).toEqual([20, 20, 20, 20, 20, 20])
    await admin.deleteGroups(['shared-group'])
    await producer.disconnect()
    await admin.disconnect()
  })

  it('administers topics, configs, offsets and groups', async () => {
    const admin = kafka.admin()
    await admin.connect()
    expect(
      await admin.createTopics({
        topics: [
          { topic: 'made', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '1000' }] }
        ]
      })
    ).toBe(true)
    expect(await admin.createTopics({ topics: [{ topic: 'made', numPartitions: 2 }] })).toBe(false)
    const metadata = await admin.fetchTopicMetadata({ topics: ['made'] })
    expect(metadata.topics[0].partitions.map(partition => partition.partitionId).sort()).toEqual([0, 1])
    const cluster = await admin.describeCluster()
    expect(cluster.brokers).toHaveLength(1)
    const configs = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'made', configNames: ['retention.ms'] }]
    })
    expect(configs.resources[0].configEntries[0]).toMatchObject({
      configName: 'retention.ms',
      configValue: '1000'
    })
    await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 4 }] })
    expect((await admin.fetchTopicOffsets('made')).map(partition => partition.offset)).toEqual([
      '0',
      '0',
      '0',
      '0'
    ])
    await admin.setOffsets({
      groupId: 'made-group',
      topic: 'made',
      partitions: [{ partition: 1, offset: '7' }]
    })
    expect((await admin.listGroups()).groups.map(group => group.groupId)).toContain('made-group')
    expect(
      (await admin.fetchOffsets({ groupId: 'made-group', topics: ['made'] }))[0].partitions.find(
        p => p.partition === 1
      )?.offset
    ).toBe('7')
    await admin.deleteTopics({ topics: ['made'] })
    expect(await admin.listTopics()).not.toContain('made')
    await admin.disconnect()
  })
})

interface Got {
  partition: number
  offset: string
  key: string | null
  value: string | null
  headers: Record<string, string>
}

async function collect (consumer: Consumer, topic: string, count: number): Promise<Got[]> {
  const got: Got[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          const headers = Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
          )
          got.push({
            partition,
            offset: message.offset,
            key: text(message.key),
            value: text(message.value),
            headers
          })
          if (got.length === count) resolve()
        }
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return got
}

function text (bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString()
}
