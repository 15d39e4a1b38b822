import { describe, expect, it } from 'vitest'
import { errorName } from '../protocol/errors.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../protocol/messages/20-delete-topics.ts'
import { InitProducerId } from '../protocol/messages/22-init-producer-id.ts'
import { DescribeConfigs } from '../protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../protocol/messages/37-create-partitions.ts'
import { IncrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.ts'
import { DescribeCluster } from '../protocol/messages/60-describe-cluster.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { metadata } from './03-metadata.ts'
import { createTopics } from './19-create-topics.ts'
import { deleteTopics } from './20-delete-topics.ts'
import { initProducerId } from './22-init-producer-id.ts'
import { describeConfigs } from './32-describe-configs.ts'
import { createPartitions } from './37-create-partitions.ts'
import { incrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { describeCluster } from './60-describe-cluster.ts'
import { call, newWorld, type World } from './catalog-apis.testing.ts'

const unknownId = '11111111-2222-4333-8444-555555555555'
/** name (or id) and error of each answer, sorted. */
interface Told { errorCode: number, name?: string | null, topicId?: string, resourceName?: string }

function told (answers: Told[]): string[] {
  return answers.map(({ errorCode, name, resourceName, topicId }) =>
    `${name ?? resourceName ?? topicId} ${errorName(errorCode)}`).sort()
}

describe('Metadata', () => {
  const ask = (
    world: World, version: number, topics: object[] | null, more: object = {}, listener = 'PLAINTEXT'
  ) => {
    const request = { topics, allowAutoTopicCreation: false, ...more }
    return call(world, Metadata, metadata, version, request, { listener })
  }

  it('answers all topics to null, and to an empty list in version 0 only', async () => {
    const world = newWorld()
    await world.create('a')
    await world.create('b', 2)
    for (const version of [1, 12]) {
      expect((await ask(world, version, null)).topics.length).toBe(2)
      expect((await ask(world, version, [])).topics).toEqual([])
    }
    expect((await ask(world, 0, [])).topics.length).toBe(2)
  })

  it('tells brokers as the listener of the request advertises them', async () => {
    const world = newWorld({ 'broker.rack': 'r1' })
    await world.create('a')
    const inside = await ask(world, 9, [{ name: 'a' }])
    expect(inside.brokers).toEqual([{ nodeId: 3, host: 'inside', port: 1111, rack: 'r1' }])
    expect(inside).toMatchObject({ controllerId: 3, clusterId: world.catalog.clusterId })
    expect((await ask(world, 9, [], {}, 'OUTSIDE')).brokers).toMatchObject([{ host: 'outside', port: 2222 }])
    const nowhere = (version: number) => ask(world, version, [{ name: 'a' }], {}, 'OTHER')
    expect(errorName((await nowhere(6)).topics[0].partitions[0].errorCode)).toBe('LISTENER_NOT_FOUND')
    expect(errorName((await nowhere(5)).topics[0].partitions[0].errorCode)).toBe('LEADER_NOT_AVAILABLE')
  })

  it('creates a missing topic before it answers', async () => {
    const world = newWorld({ 'num.partitions': '3' })
    const answer = await ask(world, 4, [{ name: 'new' }], { allowAutoTopicCreation: true })
    expect(told(answer.topics)).toEqual(['new NONE'])
    expect(answer.topics[0].partitions.map((partition: any) => partition.leaderId)).toEqual([3, 3, 3])
    const askX = () => ask(world, 9, [{ name: 'x' }], { allowAutoTopicCreation: true })
    const several = await Promise.all([askX(), askX(), askX()])
    expect(several.map(one => told(one.topics)[0])).toEqual(['x NONE', 'x NONE', 'x NONE'])
  })

  it('creates it for versions that cannot choose too, and tells them to ask again', async () => {
    const world = newWorld()
    const first = await ask(world, 1, [{ name: 'new' }], { allowAutoTopicCreation: true })
    expect(told(first.topics)).toEqual(['new UNKNOWN_TOPIC_OR_PARTITION'])
    expect(told((await ask(world, 1, [{ name: 'new' }])).topics)).toEqual(['new NONE'])
  })

  it('tells whoever asks first after a deletion that the topic is unknown, and makes it anew', async () => {
    const world = newWorld()
    await world.create('a')
    const before = world.catalog.topic('a')!.id
    await world.catalog.deleteTopic('a')
    const again = () => ask(world, 12, [{ name: 'a' }], { allowAutoTopicCreation: true })
    const unknown = await again()
    expect(told(unknown.topics)).toEqual(['a UNKNOWN_TOPIC_OR_PARTITION'])
    expect(unknown.topics[0].topicId).toBe(zeroUuid)
    const known = await again()
    expect(told(known.topics)).toEqual(['a NONE'])
    expect(known.topics[0].topicId).not.toBe(before)
  })

  it('creates nothing when the client, the broker or the name says no', async () => {
    const off = newWorld({ 'auto.create.topics.enable': 'false' })
    expect(told((await ask(off, 9, [{ name: 'a' }], { allowAutoTopicCreation: true })).topics))
      .toEqual(['a UNKNOWN_TOPIC_OR_PARTITION'])
    const world = newWorld()
    expect(told((await ask(world, 9, [{ name: 'a' }])).topics)).toEqual(['a UNKNOWN_TOPIC_OR_PARTITION'])
    expect(told((await ask(world, 9, [{ name: 'a b' }], { allowAutoTopicCreation: true })).topics))
      .toEqual(['a b INVALID_TOPIC_EXCEPTION'])
    world.denied.add('CREATE topic').add('CREATE cluster')
    expect(told((await ask(world, 9, [{ name: 'a' }], { allowAutoTopicCreation: true })).topics))
      .toEqual(['a TOPIC_AUTHORIZATION_FAILED'])
    expect([...world.catalog.topics()]).toEqual([])
  })

  it('says why a missing topic cannot be created', async () => {
    const world = newWorld({ 'default.replication.factor': '3' })
    expect(told((await ask(world, 9, [{ name: 'a' }], { allowAutoTopicCreation: true })).topics))
      .toEqual(['a INVALID_REPLICATION_FACTOR'])
  })

  it('creates an internal topic as the broker would', async () => {
    const world = newWorld({ 'offsets.topic.num.partitions': '4', 'offsets.topic.replication.factor': '1' })
    const answer = await ask(world, 9, [{ name: '__consumer_offsets' }], { allowAutoTopicCreation: true })
    expect(answer.topics[0]).toMatchObject({ isInternal: true })
    expect(answer.topics[0].partitions.length).toBe(4)
    expect(world.catalog.topic('__consumer_offsets')!.config.get('cleanup.policy')).toBe('compact')
  })

  it('answers by id since version 12, each topic once, and ids alone when there is one', async () => {
    const world = newWorld()
    await world.create('a')
    const topicId = world.catalog.topic('a')!.id
    const byId = await ask(world, 12, [
      { topicId, name: null }, { topicId, name: null }, { topicId: unknownId, name: null }, { name: 'other' }
    ])
    expect(told(byId.topics)).toEqual([`${unknownId} UNKNOWN_TOPIC_ID`, 'a NONE'])
    const early = await ask(world, 10, [{ topicId, name: 'a' }])
    expect([told(early.topics), early.brokers]).toEqual([['a INVALID_REQUEST'], []])
    const nameless = await ask(world, 12, [{ topicId: zeroUuid, name: null }])
    expect(told(nameless.topics)).toEqual([' UNKNOWN_SERVER_ERROR'])
    expect(told((await ask(world, 9, [{ name: 'a' }, { name: 'a' }])).topics)).toEqual(['a NONE'])
  })

  it('tells permitted operations when asked', async () => {
    const world = newWorld()
    await world.create('a')
    const flags = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true }
    const all = await ask(world, 8, [{ name: 'a' }], flags)
    expect([all.topics[0].topicAuthorizedOperations, all.clusterAuthorizedOperations]).toEqual([3576, 8096])
    world.denied.add('WRITE topic').add('DESCRIBE cluster')
    const some = await ask(world, 8, [{ name: 'a' }], flags)
    expect([some.topics[0].topicAuthorizedOperations, some.clusterAuthorizedOperations]).toEqual([3560, 0])
    const none = await ask(world, 8, [{ name: 'a' }])
    expect(none.topics[0].topicAuthorizedOperations).toBe(-2147483648)
  })

  it('hides topics from who may not see them', async () => {
    const world = newWorld()
    await world.create('a')
    world.denied.add('DESCRIBE topic')
    expect((await ask(world, 9, null)).topics).toEqual([])
    expect(told((await ask(world, 9, [{ name: 'a' }])).topics)).toEqual(['a TOPIC_AUTHORIZATION_FAILED'])
  })
})

describe('DescribeCluster', () => {
  it.each([[1, 'NONE'], [2, 'MISMATCHED_ENDPOINT_TYPE'], [9, 'UNSUPPORTED_ENDPOINT_TYPE']])(
    'answers endpoint type %i with %s', async (endpointType, expected) => {
      const answer = await call(newWorld(), DescribeCluster, describeCluster, 2, { endpointType })
      expect(errorName(answer.errorCode)).toBe(expected)
      expect(answer.brokers.length).toBe(expected === 'NONE' ? 1 : 0)
    })
})

describe('CreateTopics', () => {
  const plain = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const create = (world: World, topics: object[], more: object = {}) =>
    call(world, CreateTopics, createTopics, 7,
      { topics: topics.map(topic => ({ ...plain, ...topic })), ...more })

  it('creates the good ones and tells what they have', async () => {
    const world = newWorld()
    const { topics } = await create(world, [
      { name: 'a', numPartitions: 2, configs: [{ name: 'retention.ms', value: '7' }] },
      { name: 'a b' },
      { name: 'z', numPartitions: 0 }
    ])
    expect(told(topics)).toEqual(['a NONE', 'a b INVALID_TOPIC_EXCEPTION', 'z INVALID_PARTITIONS'])
    const { id: topicId } = world.catalog.topic('a')!
    expect(topics[0]).toMatchObject({ numPartitions: 2, replicationFactor: 1, topicId })
    const retention = topics[0].configs.find((config: any) => config.name === 'retention.ms')
    expect(retention).toMatchObject({ value: '7', configSource: 1, readOnly: false, isSensitive: false })
    expect(topics[0].configs.length).toBe(37)
  })

  it('creates none that is named twice, and nothing when it only validates', async () => {
    const world = newWorld()
    expect(told((await create(world, [{ name: 'a' }, { name: 'a' }, { name: 'b' }])).topics))
      .toEqual(['a INVALID_REQUEST', 'b NONE'])
    expect(told((await create(world, [{ name: 'c' }], { validateOnly: true })).topics)).toEqual(['c NONE'])
    expect([...world.catalog.topics()].map(topic => topic.name)).toEqual(['b'])
  })

  it('refuses more partitions than one request may make', async () => {
    const half = { numPartitions: 6000 }
    const { topics } = await create(newWorld(), [{ name: 'a', ...half }, { name: 'b', ...half }])
    expect(told(topics)).toEqual(['a POLICY_VIOLATION', 'b POLICY_VIOLATION'])
  })

  it('keeps the controllers\' log from clients, and settings from who may not see them', async () => {
    const world = newWorld()
    expect(told((await create(world, [{ name: '__cluster_metadata' }])).topics))
      .toEqual(['__cluster_metadata TOPIC_AUTHORIZATION_FAILED'])
    world.denied.add('DESCRIBE_CONFIGS topic')
    expect((await create(world, [{ name: 'a' }])).topics[0])
      .toMatchObject({ errorCode: 0, topicConfigErrorCode: 29, configs: null, numPartitions: -1 })
    world.denied.add('CREATE cluster').add('CREATE topic')
    expect(told((await create(world, [{ name: 'b' }])).topics)).toEqual(['b TOPIC_AUTHORIZATION_FAILED'])
  })
})

describe('DeleteTopics', () => {
  const remove = (world: World, topics: object[], version = 6) =>
    call(world, DeleteTopics, deleteTopics, version, {
      topics: topics.map(topic => ({ name: null, topicId: zeroUuid, ...topic }))
    })

  it('deletes by name and by id', async () => {
    const world = newWorld()
    await world.create('a')
    await world.create('b')
    const topicId = world.catalog.topic('b')!.id
    const { responses } = await remove(world, [{ name: 'a' }, { topicId }, { name: 'no' }, { topicId: unknownId }, {}])
    expect(told(responses)).toEqual([
      `${zeroUuid} INVALID_REQUEST`, `${unknownId} UNKNOWN_TOPIC_ID`, 'a NONE', 'b NONE', 'no UNKNOWN_TOPIC_OR_PARTITION'
    ].sort())
    expect([...world.catalog.topics()]).toEqual([])
  })

  it('deletes nothing that is named twice, in whatever way', async () => {
    const world = newWorld()
    await world.create('a')
    const topicId = world.catalog.topic('a')!.id
    const name = 'a'
    const twice = [
      [{ name }, { name }], [{ topicId }, { topicId }], [{ name }, { topicId }], [{ name, topicId }]
    ]
    for (const topics of twice) {
      const { responses } = await remove(world, topics)
      expect(responses.map((answer: Told) => errorName(answer.errorCode))).toEqual(['INVALID_REQUEST'])
    }
    expect(world.catalog.topic('a')).toBeDefined()
  })

  it('deletes nothing where deletion is switched off', async () => {
    const world = newWorld({ 'delete.topic.enable': 'false' })
    await world.create('a')
    expect(told((await remove(world, [{ name: 'a' }])).responses)).toEqual(['a TOPIC_DELETION_DISABLED'])
    expect(told((await remove(world, [{ name: 'a' }], 2)).responses)).toEqual(['a INVALID_REQUEST'])
  })
})

describe('CreatePartitions', () => {
  it('grows topics, each named once', async () => {
    const world = newWorld()
    await world.create('a', 2)
    await world.create('b')
    const grow = async (topics: object[]) => told((await call(world, CreatePartitions, createPartitions, 3, {
      topics: topics.map(topic => ({ assignments: null, ...topic }))
    })).results)
    const b = { name: 'b', count: 2 }
    expect(await grow([{ name: 'a', count: 3 }, b, b, { name: 'no', count: 2 }])).toEqual(
      ['a NONE', 'b INVALID_REQUEST', 'no UNKNOWN_TOPIC_OR_PARTITION'])
    expect(world.catalog.topic('a')!.partitions.length).toBe(3)
    expect(await grow([{ name: 'a', count: 3 }])).toEqual(['a INVALID_PARTITIONS'])
    const assignments = [{ brokerIds: [3] }]
    expect(await grow([{ name: 'a', count: 5, assignments }])).toEqual(['a INVALID_REPLICA_ASSIGNMENT'])
    expect(await grow([{ name: 'a', count: 4, assignments }])).toEqual(['a NONE'])
  })
})

describe('InitProducerId', () => {
  it.each([
    [null, -1, -1, 'NONE'], [null, 5, 1, 'NONE'], [null, 5, -1, 'INVALID_REQUEST'], [null, -1, 1, 'INVALID_REQUEST'],
    ['tx', -1, -1, 'INVALID_REQUEST'], ['', -1, -1, 'INVALID_REQUEST']
  ])('answers transactional id %j with id %i and epoch %i: %s', async (transactionalId, producerId, producerEpoch, expected) => {
    const request = { transactionalId, producerId, producerEpoch }
    const answer = await call(newWorld(), InitProducerId, initProducerId, 5, request)
    expect(errorName(answer.errorCode)).toBe(expected)
    const given = expected === 'NONE' ? [0, 0] : [-1, -1]
    expect([answer.producerId, answer.producerEpoch]).toEqual(given)
  })
})

describe('settings', () => {
  const describeOne = async (
    world: World, resourceType: number, resourceName: string, keys: string[] | null = null
  ) =>
    (await call(world, DescribeConfigs, describeConfigs, 4, {
      resources: [{ resourceType, resourceName, configurationKeys: keys }], includeSynonyms: true
    })).results[0]
  const alter = async (
    world: World, resourceType: number, resourceName: string, ...changes: [string, number, string | null][]
  ) => {
    const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }))
    const request = { resources: [{ resourceType, resourceName, configs }] }
    const { responses } = await call(world, IncrementalAlterConfigs, incrementalAlterConfigs, 1, request)
    return errorName(responses[0].errorCode)
  }
  const entry = (answer: any, name: string) => answer.configs.find((config: any) => config.name === name)

  it('are shown with type, source and synonyms, the one in force first', async () => {
    const world = newWorld({ 'log.retention.minutes': '1', 'log.segment.bytes': '2000000' })
    await world.create('t', 1, { 'segment.bytes': '3000000' })
    await alter(world, 4, '', ['log.segment.bytes', 0, '4000000'])
    expect(entry(await describeOne(world, 2, 't'), 'segment.bytes')).toEqual({
      name: 'segment.bytes',
      value: '3000000',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
      synonyms: [
        { name: 'segment.bytes', value: '3000000', source: 1 },
        { name: 'log.segment.bytes', value: '4000000', source: 3 },
        { name: 'log.segment.bytes', value: '2000000', source: 4 },
        { name: 'log.segment.bytes', value: '1073741824', source: 5 }
      ],
      configType: 3,
      documentation: null
    })
    expect(entry(await describeOne(world, 2, 't'), 'retention.ms'))
      .toMatchObject({ value: '60000', configSource: 5, synonyms: [] })
    const minutes = entry(await describeOne(world, 4, '3'), 'log.retention.minutes')
    expect(minutes.synonyms.map((synonym: any) => [synonym.name, synonym.source]))
      .toEqual([['log.retention.minutes', 4], ['log.retention.hours', 5]])
  })

  it('of the broker: passwords hidden, read-only where Kafka has them so, ours only by name', async () => {
    const world = newWorld({ 'ssl.key.password': 'hunter2', 'plugin.key': 'hunter2' })
    const all = await describeOne(world, 4, '3')
    expect(entry(all, 'ssl.key.password')).toMatchObject({ value: null, isSensitive: true, configType: 9, readOnly: false })
    expect(entry(all, 'plugin.key')).toMatchObject({ value: null, isSensitive: true, configType: 0 })
    expect(entry(all, 'num.partitions')).toMatchObject({ value: '1', readOnly: true, configType: 3 })
    expect(JSON.stringify(all).includes('hunter2')).toBe(false)
    expect(entry(all, 'millrace.durability')).toBeUndefined()
    const own = await describeOne(world, 4, '3', ['millrace.durability'])
    expect(own.configs).toMatchObject([{ value: 'page-cache' }])
  })

  it.each([
    [2, 'no', 'UNKNOWN_TOPIC_OR_PARTITION'], [2, '', 'INVALID_TOPIC_EXCEPTION'], [4, '4', 'INVALID_REQUEST'],
    [4, 'x', 'INVALID_REQUEST'], [32, '', 'INVALID_REQUEST'], [16, '', 'INVALID_REQUEST'],
    [7, 'x', 'INVALID_REQUEST'], [16, 'm', 'NONE']
  ])('of resource type %i named %j are answered with %s', async (type, name, expected) => {
    expect(errorName((await describeOne(newWorld(), type, name)).errorCode)).toBe(expected)
  })

  it('one unknown resource type spoils the whole question', async () => {
    const world = newWorld()
    await world.create('t')
    const { results } = await call(world, DescribeConfigs, describeConfigs, 4, {
      resources: [
        { resourceType: 2, resourceName: 't', configurationKeys: null },
        { resourceType: 99, resourceName: 'x', configurationKeys: null }
      ]
    })
    expect(told(results)).toEqual(['t INVALID_REQUEST', 'x INVALID_REQUEST'])
  })

  it.each<[string, number, string, [string, number, string | null][]]>([
    ['NONE', 2, 't', [['segment.bytes', 0, '2000000'], ['retention.ms', 1, null]]],
    ['INVALID_REQUEST', 2, 't', [['segment.bytes', 0, '2000000'], ['segment.bytes', 1, null]]],
    ['INVALID_REQUEST', 2, 't', [['segment.bytes', 0, null]]],
    ['UNKNOWN_SERVER_ERROR', 2, 't', [['segment.bytes', 9, '1']]],
    ['INVALID_REQUEST', 4, '3', [['log.cleaner.threads', 9, '1']]],
    ['INVALID_REQUEST', 4, '9', [['log.cleaner.threads', 0, '1']]],
    ['INVALID_REQUEST', 4, '3', [['num.partitions', 0, '2']]],
    ['NONE', 4, '3', [['log.cleaner.threads', 0, '2']]],
    ['NONE', 4, '', [['log.cleaner.threads', 0, '2']]],
    ['INVALID_REQUEST', 99, 'x', []],
    ['NONE', 32, 'g', [['consumer.session.timeout.ms', 0, '50000']]],
    ['INVALID_CONFIG', 32, 'g', [['no.such', 0, '1']]],
    ['INVALID_REQUEST', 32, '', [['consumer.session.timeout.ms', 0, '50000']]],
    ['NONE', 16, 'm', [['interval.ms', 0, '1000']]],
    ['INVALID_REQUEST', 16, 'm', [['interval.ms', 0, '1']]]
  ])('a change is answered with %s: type %i named %j, %j', async (expected, type, name, configs) => {
    const world = newWorld()
    await world.create('t')
    expect(await alter(world, type, name, ...configs)).toBe(expected)
  })

  it('changed by a client are in force and shown', async () => {
    const world = newWorld()
    await alter(world, 4, '', ['message.max.bytes', 0, '500'])
    await alter(world, 4, '3', ['message.max.bytes', 0, '600'])
    await alter(world, 32, 'g', ['consumer.session.timeout.ms', 0, '50000'])
    expect(world.context.config.number('message.max.bytes')).toBe(600)
    const { configs } = await describeOne(world, 4, '')
    expect(configs.map((config: any) => [config.name, config.value, config.configSource]).sort())
      .toEqual([['message.max.bytes', '500', 3], ['min.insync.replicas', '1', 3]])
    expect(entry(await describeOne(world, 32, 'g'), 'consumer.session.timeout.ms'))
      .toMatchObject({ value: '50000', configSource: 8 })
    world.denied.add('ALTER_CONFIGS cluster').add('DESCRIBE_CONFIGS topic')
    expect(await alter(world, 4, '', ['message.max.bytes', 0, '5'])).toBe('CLUSTER_AUTHORIZATION_FAILED')
    expect(errorName((await describeOne(world, 2, 't')).errorCode)).toBe('TOPIC_AUTHORIZATION_FAILED')
  })

  it('of a resource that comes twice are not changed at all', async () => {
    const world = newWorld()
    await world.create('t')
    const resource = (value: string) => ({
      resourceType: 2, resourceName: 't', configs: [{ name: 'retention.ms', configOperation: 0, value }]
    })
    const { responses } = await call(world, IncrementalAlterConfigs, incrementalAlterConfigs, 1,
      { resources: [resource('1'), resource('2')] })
    expect(told(responses)).toEqual(['t INVALID_REQUEST', 't INVALID_REQUEST'])
    expect(world.catalog.topic('t')!.config.size).toBe(0)
  })
})
