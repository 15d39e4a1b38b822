import { describe, expect, it } from 'vitest'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { errorName } from '../protocol/errors.ts'
import { type CatalogError, type ConfigOp, isCatalogError, type NewTopic, type TopicInfo } from './catalog.ts'
import { type EmbeddedCatalog, openEmbeddedCatalog } from './embedded-catalog.ts'
import { createProducerIds } from './producer-ids.ts'

interface Setup {
  disk?: MemoryDisk
  seed?: number
  overrides?: Record<string, string>
  found?: Parameters<EmbeddedCatalog['begin']>[0]
}

function opened ({ disk = new MemoryDisk(), seed = 1, overrides = {}, found = [] }: Setup = {}) {
  const config = loadBrokerConfig({ overrides })
  const catalog = openEmbeddedCatalog({
    disk, directory: '/data', random: new SeededRandom(seed), brokerId: config.nodeId, config
  })
  catalog.begin(found)
  return { catalog, config, disk }
}

function newTopic (name: string, given: Partial<NewTopic> = {}): NewTopic {
  return { name, partitions: 1, replicationFactor: 1, assignments: [], config: new Map(), ...given }
}

function told (result: TopicInfo | CatalogError | null): string {
  return isCatalogError(result) ? errorName(result.errorCode) : 'NONE'
}

const set = (name: string, value: string): ConfigOp => ({ name, op: 'set', value })

describe('embedded catalog', () => {
  it('has everything again after a restart', async () => {
    const { catalog, disk } = opened()
    await catalog.createTopic(newTopic('orders', { partitions: 3, config: new Map([['retention.ms', '5']]) }), false)
    await catalog.createTopic(newTopic('gone'), false)
    await catalog.createPartitions('orders', 4, null, false)
    await catalog.deleteTopic('gone')
    await catalog.alterTopicConfig('orders', [set('segment.bytes', '2000000')], false)
    await catalog.alterBrokerConfig('', [set('log.cleaner.threads', '2')], false)
    await catalog.alterBrokerConfig('1', [set('message.max.bytes', '77')], false)
    await catalog.alterResourceConfig!('group', 'g', [set('consumer.session.timeout.ms', '50000')], false)
    const before = catalog.topic('orders')!
    await catalog.close()

    const { catalog: again, config } = opened({ disk, seed: 2 })
    const after = again.topic('orders')!
    expect(again.clusterId).toBe(catalog.clusterId)
    expect([...again.topics()].map(topic => topic.name)).toEqual(['orders'])
    expect([after.id, after.partitions.length]).toEqual([before.id, 4])
    expect(again.topicById(before.id)).toBe(after)
    expect([...after.config]).toEqual([['retention.ms', '5'], ['segment.bytes', '2000000']])
    expect([config.number('log.cleaner.threads'), config.number('message.max.bytes')]).toEqual([2, 77])
    expect([...again.resourceConfig!('group', 'g')]).toEqual([['consumer.session.timeout.ms', '50000']])
  })

  it('raises leader epochs with every start', async () => {
    const { catalog, disk } = opened()
    await catalog.createTopic(newTopic('a'), false)
    expect(catalog.topic('a')!.partitions[0].leaderEpoch).toBe(0)
    opened({ disk })
    const third = opened({ disk }).catalog
    await third.createTopic(newTopic('b'), false)
    await third.createPartitions('a', 2, null, false)
    expect(third.topic('a')!.partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual([2, 0])
    expect(third.topic('b')!.partitions[0].leaderEpoch).toBe(0)
  })

  it('writes nothing before it begins: the folder may still be another process\'s', () => {
    const { disk } = opened()
    const bytes = Buffer.from(disk.readFile('/data/millrace.catalog'))
    const config = loadBrokerConfig()
    openEmbeddedCatalog({ disk, directory: '/data', random: new SeededRandom(1), brokerId: 1, config })
    expect(disk.readFile('/data/millrace.catalog')).toEqual(bytes)
  })

  it('keeps every answered change over crashes at any moment', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const disk = new FaultyDisk()
      disk.makeDirectory('/data')
      disk.fsyncDirectory('/')
      const random = new SeededRandom(seed)
      const expected = new Map<string, string>()
      let producerIds = 0
      for (let life = 0; life < 4; life++) {
        const { catalog } = opened({ disk, seed: seed * 10 + life })
        const names = [...catalog.topics()].map(topic => topic.name)
        expect(names.sort()).toEqual([...expected.keys()].sort())
        for (const [name, retention] of expected) {
          expect(catalog.topic(name)!.config.get('retention.ms')).toBe(retention)
        }
        const block = await catalog.allocateProducerIds()
        expect(block.first).toBeGreaterThanOrEqual(producerIds)
        producerIds = block.first + block.count
        for (let step = 0; step < 6; step++) await randomStep(catalog, expected, random)
        disk.crash(random)
      }
    }
  })

  it('takes no more changes after a failed write, and is whole after the next start', async () => {
    const disk = new FaultyDisk()
    const { catalog } = opened({ disk })
    await catalog.createTopic(newTopic('a'), false)
    disk.failWith({ operation: 'fsync', code: 'EIO', times: 1 })
    expect(told(await catalog.createTopic(newTopic('b'), false))).toBe('KAFKA_STORAGE_ERROR')
    expect(told(await catalog.createTopic(newTopic('c'), false))).toBe('KAFKA_STORAGE_ERROR')
    await expect(catalog.allocateProducerIds()).rejects.toThrow('EIO')
    expect(catalog.topic('b')).toBeUndefined()
    disk.crash()
    expect([...opened({ disk }).catalog.topics()].map(topic => topic.name)).toEqual(['a'])
  })

  it('shares the cluster\'s min.insync.replicas among all brokers, as with eligible leader replicas', async () => {
    const { catalog } = opened({ overrides: { 'min.insync.replicas': '2' } })
    expect([...catalog.dynamicBrokerConfig('')]).toEqual([['min.insync.replicas', '2']])
    const drop: ConfigOp = { name: 'min.insync.replicas', op: 'delete', value: null }
    expect(told(await catalog.alterBrokerConfig('', [drop], false))).toBe('INVALID_CONFIG')
    expect(told(await catalog.alterBrokerConfig('1', [set('min.insync.replicas', '1')], false))).toBe('INVALID_CONFIG')
    expect(told(await catalog.alterBrokerConfig('', [set('min.insync.replicas', '1')], false))).toBe('NONE')
  })

  it('takes over the topics of a folder that another broker wrote', () => {
    const disk = new MemoryDisk()
    disk.makeDirectory('/data')
    disk.replaceFile('/data/meta.properties', Buffer.from('version=1\ncluster.id=Zm9vYmFyZm9vYmFyZm9vYg\nnode.id=1\n'))
    const topicId = '11111111-2222-4333-8444-555555555555'
    const found = [0, 2].map(partition => ({ topic: 'old', topicId, partition }))
    const { catalog } = opened({ disk, found })
    expect(catalog.clusterId).toBe('Zm9vYmFyZm9vYmFyZm9vYg')
    const epochs = catalog.topicById(topicId)!.partitions.map(({ leaderEpoch }) => leaderEpoch)
    expect(epochs.map(epoch => epoch > 1000)).toEqual([true, true, true])
    const later = opened({ disk, found: [{ topic: 'stray', topicId, partition: 0 }] }).catalog
    expect([...later.topics()].map(topic => topic.name)).toEqual(['old'])
  })

  it('tells changes in order and waits for who listens', async () => {
    const { catalog } = opened()
    const seen: string[] = []
    catalog.onChange(async change => {
      await Promise.resolve()
      seen.push(change.kind)
    })
    await catalog.createTopic(newTopic('a'), true)
    await catalog.createTopic(newTopic('a'), false)
    expect(seen).toEqual(['topic-created'])
    await catalog.alterTopicConfig('a', [set('retention.ms', '1')], false)
    await catalog.createPartitions('a', 2, null, false)
    await catalog.alterBrokerConfig('', [set('message.max.bytes', '1')], false)
    await catalog.deleteTopic('a')
    expect(seen.slice(1)).toEqual(['topic-config', 'partitions-added', 'broker-config', 'topic-deleted'])
  })
})

async function randomStep (
  catalog: EmbeddedCatalog, expected: Map<string, string>, random: SeededRandom
): Promise<void> {
  const names = [...expected.keys()]
  const name = names[random.below(Math.max(1, names.length))]
  const retention = String(random.below(1_000_000))
  switch (names.length === 0 ? 0 : random.below(3)) {
    case 0: {
      const fresh = `t${random.below(1_000_000)}`
      await catalog.createTopic(newTopic(fresh, { config: new Map([['retention.ms', retention]]) }), false)
      expected.set(fresh, retention)
      return
    }
    case 1:
      await catalog.alterTopicConfig(name, [set('retention.ms', retention)], false)
      expected.set(name, retention)
      return
    default:
      await catalog.deleteTopic(name)
      expected.delete(name)
  }
}

describe('topic rules', () => {
  it.each(['', '.', '..', 'a b', 'a/b', 'a\0b', 'tøpic', 'x'.repeat(250)])('N16: no topic is called %j', async name => {
    expect(told(await opened().catalog.createTopic(newTopic(name), false))).toBe('INVALID_TOPIC_EXCEPTION')
  })

  it.each(['a', '...', '__proto__', 'constructor', 'A-b_c.d9', 'x'.repeat(249)])('a topic may be called %j', async name => {
    const { catalog, disk } = opened()
    expect(told(await catalog.createTopic(newTopic(name), false))).toBe('NONE')
    expect(opened({ disk }).catalog.topic(name)!.name).toBe(name)
  })

  it('N16: refuses a.b beside a_b, until it is gone', async () => {
    const { catalog } = opened()
    await catalog.createTopic(newTopic('a_b'), false)
    expect(told(await catalog.createTopic(newTopic('a.b'), false))).toBe('INVALID_TOPIC_EXCEPTION')
    expect(told(await catalog.createTopic(newTopic('a_b'), false))).toBe('TOPIC_ALREADY_EXISTS')
    await catalog.deleteTopic('a_b')
    expect(told(await catalog.createTopic(newTopic('a.b'), false))).toBe('NONE')
  })

  it.each<[string, Partial<NewTopic>]>([
    ['NONE', { partitions: -1, replicationFactor: -1 }],
    ['INVALID_PARTITIONS', { partitions: 0 }],
    ['INVALID_PARTITIONS', { partitions: -2 }],
    ['POLICY_VIOLATION', { partitions: 10_001 }],
    ['INVALID_REPLICATION_FACTOR', { replicationFactor: 0 }],
    ['INVALID_REPLICATION_FACTOR', { replicationFactor: 2 }],
    ['INVALID_REQUEST', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
    ['INVALID_REQUEST', { partitions: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
    ['INVALID_CONFIG', { config: new Map([['retention.ms', null]]) }],
    ['INVALID_CONFIG', { config: new Map([['no.such', '1']]) }]
  ])('answers %s to %j', async (expected, given) => {
    expect(told(await opened().catalog.createTopic(newTopic('t', given), true))).toBe(expected)
  })

  it.each<[string, NewTopic['assignments']]>([
    ['NONE', [{ partitionIndex: 1, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }]],
    ['INVALID_REPLICA_ASSIGNMENT', [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 2, brokerIds: [1] }]],
    ['INVALID_REPLICA_ASSIGNMENT', [{ partitionIndex: 0, brokerIds: [] }]],
    ['INVALID_REPLICA_ASSIGNMENT', [{ partitionIndex: 0, brokerIds: [1, 1] }]],
    ['INVALID_REPLICA_ASSIGNMENT', [{ partitionIndex: 0, brokerIds: [9] }]],
    ['INVALID_REPLICA_ASSIGNMENT', [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }]]
  ])('answers %s to the assignments %j', async (expected, assignments) => {
    const topic = newTopic('t', { partitions: -1, replicationFactor: -1, assignments })
    expect(told(await opened().catalog.createTopic(topic, true))).toBe(expected)
  })
})

describe('changes of settings', () => {
  it('sets, deletes, appends and subtracts', async () => {
    const { catalog } = opened()
    await catalog.createTopic(newTopic('t'), false)
    const policy = () => catalog.topic('t')!.config.get('cleanup.policy')
    const change = (op: ConfigOp['op'], value: string | null) =>
      catalog.alterTopicConfig('t', [{ name: 'cleanup.policy', op, value }], false)
    await change('append', 'compact')
    expect(policy()).toBe('delete,compact')
    await change('append', 'compact')
    await change('subtract', 'delete')
    expect(policy()).toBe('compact')
    await change('delete', null)
    expect(policy()).toBeUndefined()
    expect(told(await catalog.alterTopicConfig('t', [{ name: 'retention.ms', op: 'append', value: '1' }], false)))
      .toBe('INVALID_CONFIG')
  })

  it('changes all of a request or nothing', async () => {
    const { catalog } = opened()
    await catalog.createTopic(newTopic('t'), false)
    const ops = [set('retention.ms', '1'), set('segment.bytes', 'x')]
    expect(told(await catalog.alterTopicConfig('t', ops, false))).toBe('INVALID_CONFIG')
    expect(told(await catalog.alterTopicConfig('t', [set('retention.ms', '1')], true))).toBe('NONE')
    expect(catalog.topic('t')!.config.size).toBe(0)
  })

  it('checks values before it looks whether the topic is there, as Kafka does', async () => {
    const { catalog } = opened()
    expect(told(await catalog.alterTopicConfig('no', [set('retention.ms', 'x')], false))).toBe('INVALID_CONFIG')
    expect(told(await catalog.alterTopicConfig('no', [set('retention.ms', '1')], false))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(told(await catalog.alterTopicConfig('', [], false))).toBe('INVALID_REQUEST')
    expect(told(await catalog.alterTopicConfig('a b', [], false))).toBe('INVALID_TOPIC_EXCEPTION')
  })
})

describe('producer ids', () => {
  it('are given once, over restarts and to many at a time', async () => {
    const { catalog, disk } = opened()
    const ids = createProducerIds(catalog)
    const given = await Promise.all(Array.from({ length: 2500 }, () => ids.next()))
    const again = await createProducerIds(opened({ disk }).catalog).next()
    const all = [...given, again].map(({ producerId }) => producerId)
    expect(new Set(all).size).toBe(2501)
    expect(given.every(({ producerEpoch }) => producerEpoch === 0)).toBe(true)
  })
})
