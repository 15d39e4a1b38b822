// From nothing to the first acknowledged record: connects, makes a topic and produces, each as often as it
// takes. No client's pauses between attempts are in the time.
import { setTimeout as sleep } from 'node:timers/promises'
import { realClock } from '../../engine/base/clock-real.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import { BrokerConnection } from '../../engine/client/connection.ts'
import { errorCodes, errorName } from '../../engine/protocol/errors.ts'
import { Produce } from '../../engine/protocol/messages/00-produce.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import { make } from '../../engine/protocol/schema.ts'
import { produceVersion } from '../load/frames.ts'

const retryMs = 1
const msMax = 60_000
const requestMsMax = 120_000

async function retried<T> (what: string, attempt: () => Promise<T | null>): Promise<T> {
  const deadlineMs = performance.now() + msMax
  for (;;) {
    const value = await attempt().catch((error: Error) => {
      if (performance.now() > deadlineMs) throw error
      return null
    })
    if (value !== null) return value
    if (performance.now() > deadlineMs) throw new Error(`${what} did not happen in ${msMax} ms`)
    await sleep(retryMs)
  }
}

function connect (port: number): Promise<BrokerConnection> {
  return BrokerConnection.connect(realNetwork, realClock, { host: '127.0.0.1', port, timeoutMs: requestMsMax })
}

async function createTopic (
  connection: BrokerConnection, name: string, numPartitions: number
): Promise<true | null> {
  const topics = [{ name, numPartitions, replicationFactor: 1 }]
  const request = make(CreateTopics.request, { topics, timeoutMs: requestMsMax })
  const { topics: [{ errorCode }] } = await connection.request(CreateTopics, null, request)
  return errorCode === errorCodes.NONE || errorCode === errorCodes.TOPIC_ALREADY_EXISTS ? true : null
}

/** A record to each of the partitions, in one request; how many of them did not take it. */
async function produce (connection: BrokerConnection, name: string, partitions: number): Promise<number> {
  const records = buildBatch({}, [{ value: Buffer.from('first'), timestamp: Date.now() }])
  const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records }))
  const request = make(Produce.request, { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData }] })
  const { responses } = await connection.request(Produce, produceVersion, request)
  const refused = responses[0].partitionResponses.filter(({ errorCode }) => errorCode !== errorCodes.NONE)
  const unexpected = refused.find(({ errorCode }) =>
    errorCode !== errorCodes.UNKNOWN_TOPIC_OR_PARTITION && errorCode !== errorCodes.NOT_LEADER_OR_FOLLOWER)
  if (unexpected !== undefined) throw new Error(`a produce was answered ${errorName(unexpected.errorCode)}`)
  return refused.length
}

/** Each step as soon as it succeeds; the topic may be there. The connection is the caller's to close. */
export async function firstProduce (port: number, topic = 'first'): Promise<BrokerConnection> {
  const connection = await retried('a connection', () => connect(port))
  await retried('a topic', () => createTopic(connection, topic, 1))
  await retried('a produce', async () => await produce(connection, topic, 1) === 0 ? true : null)
  return connection
}

export async function fillPartitions (connection: BrokerConnection, partitions: number): Promise<void> {
  await retried('a topic', () => createTopic(connection, 'many', partitions))
  await retried('a produce', async () => await produce(connection, 'many', partitions) === 0 ? true : null)
}
