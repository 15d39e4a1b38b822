// Consumer groups over real connections to a whole broker: three kafkajs members that share, lose and inherit
// partitions, and members of our own client that outlive a restart of the broker.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { realClock } from '../base/clock-real.ts'
import { realNetwork } from '../base/network-real.ts'
import { BrokerConnection } from '../client/connection.ts'
import { type RunningBroker, startBroker } from '../index.ts'
import { errorName } from '../protocol/errors.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { DescribeGroups } from '../protocol/messages/15-describe-groups.ts'
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { JoinGroup } from '../protocol/messages/11-join-group.ts'
import { OffsetCommit } from '../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts'
import { SyncGroup } from '../protocol/messages/14-sync-group.ts'
import { make } from '../protocol/schema.ts'

let brokers: RunningBroker[] = []
let connections: BrokerConnection[] = []
let folders: string[] = []

afterEach(async () => {
  for (const connection of connections) connection.close()
  await Promise.all(brokers.map(broker => broker.close()))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  ;[brokers, connections, folders] = [[], [], []]
})

async function newBroker (dataDirectory?: string): Promise<RunningBroker> {
  const broker = await startBroker({ dataDirectory, config: { 'offsets.topic.num.partitions': '3' } })
  brokers.push(broker)
  return broker
}

function newFolder (): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-groups-'))
  folders.push(folder)
  return folder
}

async function connect ({ host, port }: RunningBroker): Promise<BrokerConnection> {
  const connection = await BrokerConnection.connect(realNetwork, realClock, { host, port, clientId: 'test' })
  connections.push(connection)
  return connection
}

/** A static member of a group of its own, synchronised. */
async function staticMember (
  connection: BrokerConnection, group: string
): Promise<{ memberId: string, generation: number }> {
  const joined = await connection.request(JoinGroup, 9, make(JoinGroup.request, {
    groupId: group,
    groupInstanceId: 'instance',
    sessionTimeoutMs: 6000,
    rebalanceTimeoutMs: 6000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }]
  }))
  const { memberId, generationId: generation } = joined
  await connection.request(SyncGroup, 5, make(SyncGroup.request, {
    groupId: group,
    memberId,
    groupInstanceId: 'instance',
    generationId: generation,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: Buffer.from('partitions') }]
  }))
  return { memberId, generation }
}

async function describeGroup (connection: BrokerConnection) {
  const asked = make(DescribeGroups.request, { groups: ['team'] })
  const { groups } = await connection.request(DescribeGroups, 6, asked)
  return groups[0]
}

async function createTopic (connection: BrokerConnection, name: string): Promise<void> {
  await connection.request(CreateTopics, 7, make(CreateTopics.request, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1 }], timeoutMs: 5000
  }))
}

describe('kafkajs', () => {
  it('shares partitions among three members, and among those that are left', async () => {
    const kafka = new Kafka({ brokers: [(await newBroker()).bootstrapServers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 6 }] })
    const shares = new Map<string, number[]>()
    const got: string[] = []
    const waiting: { until: () => boolean, done: () => void }[] = []
    const look = () => waiting.filter(({ until }) => until()).forEach(({ done }) => done())
    const until = (condition: () => boolean) => new Promise<void>(resolve => {
      waiting.push({ until: condition, done: resolve })
      look()
    })
    const evenly = (members: number) => () => shares.size === members &&
      [...shares.values()].flat().toSorted().join() === '0,1,2,3,4,5' &&
      [...shares.values()].every(share => share.length === 6 / members)
    const members: Consumer[] = []
    for (const name of ['a', 'b', 'c']) {
      const member = kafka.consumer({ groupId: 'team', heartbeatInterval: 50, maxWaitTimeInMs: 50 })
      members.push(member)
      member.on(member.events.GROUP_JOIN, ({ payload }) => {
        shares.set(name, payload.memberAssignment.orders ?? [])
        look()
      })
      await member.connect()
      await member.subscribe({ topic: 'orders', fromBeginning: true })
      await member.run({
        eachMessage: async ({ message }) => {
          got.push(String(message.value))
          look()
        }
      })
    }
    await until(evenly(3))
    const producer = kafka.producer()
    await producer.connect()
    const send = (round: string) => producer.send({
      topic: 'orders',
      messages: Array.from({ length: 6 }, (_, partition) => ({ partition, value: `${round}${partition}` }))
    })
    await send('first ')
    await until(() => got.length === 6)
    shares.delete('c')
    await members[2].disconnect()
    await until(evenly(2))
    await send('second ')
    await until(() => got.length >= 12)
    expect(got.toSorted()).toEqual([0, 1, 2, 3, 4, 5].flatMap(n => [`first ${n}`, `second ${n}`]).toSorted())
    await Promise.all([members[0].disconnect(), members[1].disconnect(), producer.disconnect()])
    const committed = await admin.fetchOffsets({ groupId: 'team', topics: ['orders'] })
    expect(committed[0].partitions.map(({ offset }) => offset)).toEqual(Array.from({ length: 6 }, () => '2'))
    const { groups } = await admin.describeGroups(['team'])
    expect([groups[0].state, groups[0].members]).toEqual(['Empty', []])
    await admin.deleteGroups(['team'])
    expect((await admin.listGroups()).groups).toEqual([])
    await admin.disconnect()
  }, 30_000)
})

describe('a broker that is started again', () => {
  it('finds members in their generation, with what they committed: closing ends no session', async () => {
    const folder = newFolder()
    const first = await newBroker(folder)
    const before = await connect(first)
    await createTopic(before, 'orders')
    const { memberId, generation } = await staticMember(before, 'team')
    const committed = await before.request(OffsetCommit, 9, make(OffsetCommit.request, {
      groupId: 'team',
      memberId,
      groupInstanceId: 'instance',
      generationIdOrMemberEpoch: generation,
      topics: [{
        name: 'orders',
        partitions: [{ partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 3, committedMetadata: 'note' }]
      }]
    }))
    expect(committed.topics[0].partitions[0].errorCode).toBe(0)
    await first.close()

    const after = await connect(await newBroker(folder))
    const alive = await after.request(Heartbeat, 4, {
      groupId: 'team', memberId, groupInstanceId: 'instance', generationId: generation
    })
    expect(errorName(alive.errorCode)).toBe('NONE')
    const described = await describeGroup(after)
    expect(described).toMatchObject({
      groupState: 'Stable', protocolData: 'range', members: [{ memberId, groupInstanceId: 'instance' }]
    })
    expect(described.members[0].memberAssignment.toString()).toBe('partitions')
    const { groups: [offsets] } = await after.request(OffsetFetch, 9, make(OffsetFetch.request, {
      groups: [{ groupId: 'team', topics: null }]
    }))
    expect(offsets.topics[0].partitions).toEqual([
      { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 3, metadata: 'note', errorCode: 0 }
    ])
  })

  it('answers a join that waits when it closes', async () => {
    const broker = await newBroker()
    const connection = await connect(broker)
    await staticMember(connection, 'team')
    const other = await connect(broker)
    const waits = other.request(JoinGroup, 3, make(JoinGroup.request, {
      groupId: 'team',
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 6000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('topics') }]
    })).then(({ errorCode }) => errorName(errorCode), () => 'closed')
    // The member hears of the rebalance, so the join is in.
    let heard = 0
    while (heard === 0) {
      const [{ memberId }] = (await describeGroup(connection)).members
      heard = (await connection.request(Heartbeat, 3, {
        groupId: 'team', memberId, groupInstanceId: 'instance', generationId: 1
      })).errorCode
    }
    expect(errorName(heard)).toBe('REBALANCE_IN_PROGRESS')
    await broker.close()
    expect(['COORDINATOR_NOT_AVAILABLE', 'closed']).toContain(await waits)
  })

  it('names itself as coordinator at once, although the topic is only made then', async () => {
    const broker = await newBroker()
    const connection = await connect(broker)
    const { coordinators } = await connection.request(FindCoordinator, 6, make(FindCoordinator.request, {
      coordinatorKeys: ['team', 'other']
    }))
    const found = coordinators.map(({ errorCode, port }) => [errorCode, port])
    expect(found).toEqual([[0, broker.port], [0, broker.port]])
    const later = await connection.request(FindCoordinator, 4, make(FindCoordinator.request, {
      keyType: 1, coordinatorKeys: ['transaction']
    }))
    expect(errorName(later.coordinators[0].errorCode)).toBe('INVALID_REQUEST')
    expect(later.coordinators[0].errorMessage).toContain('transactions')
  })
})
