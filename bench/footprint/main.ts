// What a broker keeps in memory per idle connection, partition, open segment, producer id and group member:
// one fresh broker a row, its resident memory before and after making many of them.
//
//   node bench/footprint/main.ts [--quick]
import { parseArgs } from 'node:util'
import { realClock } from '../../engine/base/clock-real.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import { BrokerConnection } from '../../engine/client/connection.ts'
import { Produce } from '../../engine/protocol/messages/00-produce.ts'
import { FindCoordinator } from '../../engine/protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../engine/protocol/messages/11-join-group.ts'
import { ApiVersions } from '../../engine/protocol/messages/18-api-versions.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import { make } from '../../engine/protocol/schema.ts'
import { startBroker, usageOf } from '../load/broker.ts'
import { parseOptions } from '../load/options.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const scale = values.quick ? 0.02 : 1
const topic = 'footprint'

interface Row {
  name: string
  count: number
  overrides?: string[]
  prepare?: (connection: BrokerConnection) => Promise<void>
  make: (connection: BrokerConnection, count: number, port: number) => Promise<BrokerConnection[]>
}

const connect = (port: number) =>
  BrokerConnection.connect(realNetwork, realClock, { host: '127.0.0.1', port, clientId: 'footprint', timeoutMs: 120_000 })

async function createTopic (connection: BrokerConnection, partitions: number): Promise<void> {
  const { topics } = await connection.request(CreateTopics, null, make(CreateTopics.request, {
    topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1 }], timeoutMs: 120_000
  }))
  if (topics[0].errorCode !== 0) throw new Error(`the topic was not made: ${topics[0].errorMessage}`)
}

async function append (connection: BrokerConnection, index: number, producerId: number): Promise<void> {
  const identity = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: 0 }
  const records = buildBatch(identity, [{ value: Buffer.from('x'), timestamp: Date.now() }])
  const answer = await connection.request(Produce, 9, make(Produce.request, {
    acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index, records }] }]
  }))
  const { errorCode } = answer.responses[0].partitionResponses[0]
  if (errorCode !== 0) throw new Error(`partition ${index} answered ${errorCode}`)
}

async function inChunks (count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - from) }, (_, n) => work(from + n)))
  }
}

const partitionCount = Math.ceil(4000 * scale)
const rows: Row[] = [
  {
    name: 'idle connection',
    count: Math.ceil(2000 * scale),
    async make (_, count, port) {
      const all: BrokerConnection[] = []
      await inChunks(count, async () => {
        const one = await connect(port)
        await one.request(ApiVersions, 3, make(ApiVersions.request, { clientSoftwareName: 'f', clientSoftwareVersion: '1' }))
        all.push(one)
      })
      return all
    }
  },
  {
    name: 'partition, never written',
    count: partitionCount,
    async make (connection, count) {
      await createTopic(connection, count)
      return []
    }
  },
  {
    name: 'open segment (one record)',
    count: partitionCount,
    prepare: connection => createTopic(connection, partitionCount),
    async make (connection, count) {
      await inChunks(count, index => append(connection, index, -1))
      return []
    }
  },
  {
    name: 'producer id on a partition',
    count: Math.ceil(100_000 * scale),
    prepare: connection => createTopic(connection, 1),
    async make (connection, count) {
      await inChunks(count, index => append(connection, 0, 1_000_000 + index))
      return []
    }
  },
  {
    name: 'group with one member',
    count: Math.ceil(10_000 * scale),
    overrides: ['group.initial.rebalance.delay.ms=0'],
    async prepare (connection) {
      for (let errorCode = -1; errorCode !== 0;) {
        const request = make(FindCoordinator.request, { key: 'g', keyType: 0 })
        errorCode = (await connection.request(FindCoordinator, 3, request)).errorCode
      }
    },
    async make (_, count, port) {
      const all = await Promise.all(Array.from({ length: 20 }, () => connect(port)))
      await inChunks(count, async index => {
        const joined = await all[index % 20].request(JoinGroup, 3, make(JoinGroup.request, {
          groupId: `group-${index}`,
          sessionTimeoutMs: 300_000,
          rebalanceTimeoutMs: 300_000,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.alloc(40) }]
        }))
        if (joined.errorCode !== 0) throw new Error(`JoinGroup answered ${joined.errorCode}`)
      })
      return all
    }
  }
]

/** The smallest of several readings: what is collected soon after does not count. */
async function resident (pid: number): Promise<number> {
  let least = Infinity
  for (let reading = 0; reading < (values.quick ? 2 : 10); reading++) {
    await new Promise(resolve => setTimeout(resolve, 300))
    least = Math.min(least, usageOf(pid).residentBytes)
  }
  return least
}

async function measure (row: Row): Promise<string> {
  const args = ['--start', ...(row.overrides ?? []).flatMap(pair => ['--override', pair])]
  const broker = await startBroker({ ...parseOptions(args)!, quiet: true })
  const connection = await connect(broker.port)
  await row.prepare?.(connection)
  const before = await resident(broker.pid)
  const made = await row.make(connection, row.count, broker.port)
  const after = await resident(broker.pid)
  for (const one of [connection, ...made]) one.close()
  await broker.stop()
  const each = Math.round((after - before) / row.count)
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0).padStart(6)
  return `${row.name.padEnd(28)}${String(row.count).padStart(8)}${megabytes(before)} MB${megabytes(after)} MB` +
    `${each.toLocaleString('en').padStart(10)} bytes`
}

for (const row of rows) process.stdout.write(`${await measure(row)}\n`)
