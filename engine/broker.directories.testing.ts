// For tests of log directories: a client that asks plainly, and brokers on disks that fail.
import { realClock } from './base/clock-real.ts'
import { FaultyDisk } from './base/disk-faulty.ts'
import { type Logger } from './base/logger.ts'
import { realNetwork } from './base/network-real.ts'
import { realRandom } from './base/random-real.ts'
import { type Broker, startEngine } from './broker.ts'
import { BrokerConnection } from './client/connection.ts'
import { loadBrokerConfig } from './config/broker-config.ts'
import { errorName } from './protocol/errors.ts'
import { Produce } from './protocol/messages/00-produce.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { ListOffsets } from './protocol/messages/02-list-offsets.ts'
import { Metadata } from './protocol/messages/03-metadata.ts'
import { CreateTopics } from './protocol/messages/19-create-topics.ts'
import { DeleteTopics } from './protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from './protocol/messages/21-delete-records.ts'
import { AlterReplicaLogDirs } from './protocol/messages/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from './protocol/messages/35-describe-log-dirs.ts'
import { IncrementalAlterConfigs } from './protocol/messages/44-incremental-alter-configs.ts'
import { eachBatch } from './protocol/record-batch.ts'
import { buildBatch, decodeRecords } from './protocol/record.ts'
import { type AnyApi, make, type RequestOf } from './protocol/schema.ts'

export interface DiskBroker {
  readonly broker: Broker
  readonly client: PlainClient
  readonly lines: string[]
}

/** A whole broker on directories of a disk that can fail; its log runs on this thread. */
export async function startOn (
  disk: FaultyDisk, directories: readonly string[], overrides: Record<string, string> = {}
): Promise<DiskBroker> {
  const lines: string[] = []
  const say = (fields: object | string, message?: string): void => {
    lines.push(`${message ?? ''} ${JSON.stringify(fields)}`)
  }
  const logger: Logger = { debug: say, info: say, warn: say, error: say }
  const config = loadBrokerConfig({
    overrides: {
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'offsets.topic.num.partitions': '1',
      'log.initial.task.delay.ms': '0',
      ...overrides
    }
  })
  const broker = await startEngine({
    config,
    directories,
    disk,
    network: realNetwork,
    clock: realClock,
    random: realRandom,
    logger,
    workers: 0,
    locked: false
  })
  return { broker, client: await PlainClient.connect(broker.listeners[0].port), lines }
}

export class PlainClient {
  readonly connection: BrokerConnection

  constructor (connection: BrokerConnection) {
    this.connection = connection
  }

  static async connect (port: number): Promise<PlainClient> {
    const address = { host: '127.0.0.1', port, clientId: 'test' }
    return new PlainClient(await BrokerConnection.connect(realNetwork, realClock, address))
  }

  close (): void {
    this.connection.close()
  }

  ask<A extends AnyApi> (api: A, version: number, partial: object = {}) {
    return this.connection.request(api, version, make(api.request, partial) as RequestOf<A>)
  }

  async create (name: string, numPartitions = 1, settings: Record<string, string> = {}): Promise<string> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions, replicationFactor: 1, configs }]
    return errorName((await this.ask(CreateTopics, 5, { topics })).topics[0].errorCode)
  }

  async drop (name: string): Promise<string> {
    return errorName((await this.ask(DeleteTopics, 5, { topicNames: [name] })).responses[0].errorCode)
  }

  /** One batch of one record each; the name of the first error, else the last offset. */
  async produce (topic: string, index: number, ...values: string[]): Promise<string | number> {
    let last = -1
    for (const value of values) {
      const records = recordBatch(value)
      const topicData = [{ name: topic, partitionData: [{ index, records }] }]
      const answer = await this.ask(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData })
      const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
      if (errorCode !== 0) return errorName(errorCode)
      last = baseOffset
    }
    return last
  }

  /** The values of all records, from the start. */
  async values (topic: string, partition: number): Promise<string[] | string> {
    const start = await this.offset(topic, partition, -2)
    const end = await this.offset(topic, partition, -1)
    if (typeof start === 'string' || typeof end === 'string') return String(start)
    const values: string[] = []
    for (let fetchOffset = start; fetchOffset < end;) {
      const records = await this.fetch(topic, partition, fetchOffset)
      if (typeof records === 'string') return records
      eachBatch(records, 0, records.length, (at, bytes) => {
        for (const { offset, value } of decodeRecords(records.subarray(at, at + bytes))) {
          if (offset >= start) values.push(value?.toString() ?? 'null')
          fetchOffset = Math.max(fetchOffset, offset + 1)
        }
      })
    }
    return values
  }

  async fetch (topic: string, partition: number, fetchOffset: number): Promise<Buffer | string> {
    const answer = await this.ask(Fetch, 11, {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 10_000_000,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }]
    })
    const { errorCode, records } = answer.responses[0].partitions[0]
    return errorCode === 0 ? records as unknown as Buffer : errorName(errorCode)
  }

  async offset (name: string, partitionIndex: number, timestamp: number): Promise<number | string> {
    const topics = [{ name, partitions: [{ partitionIndex, timestamp }] }]
    const answer = await this.ask(ListOffsets, 5, { replicaId: -1, topics })
    const { errorCode, offset } = answer.topics[0].partitions[0]
    return errorCode === 0 ? offset : errorName(errorCode)
  }

  async topicId (name: string): Promise<string> {
    return (await this.ask(Metadata, 12, { topics: [{ name }] })).topics[0].topicId
  }

  /** Of each partition: leader and who is offline. */
  async leaders (name: string): Promise<string[]> {
    const { topics } = await this.ask(Metadata, 9, { topics: [{ name }] })
    return topics[0].partitions.sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ leaderId, offlineReplicas }) => `${leaderId} offline ${offlineReplicas.join()}`)
  }

  async deleteBefore (name: string, partitionIndex: number, offset: number): Promise<number | string> {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
    const answer = await this.ask(DeleteRecords, 2, { topics, timeoutMs: 10_000 })
    const { errorCode, lowWatermark } = answer.topics[0].partitions[0]
    return errorCode === 0 ? lowWatermark : errorName(errorCode)
  }

  /** Of each directory: its error, or the partitions in it; those that are on their way with a +. */
  async directories (): Promise<Record<string, string>> {
    const { results } = await this.ask(DescribeLogDirs, 4, { topics: null })
    return Object.fromEntries(results.map(({ logDir, errorCode, topics }) => {
      const partitions = topics.flatMap(({ name, partitions }) =>
        partitions.map(one => `${name}-${one.partitionIndex}${one.isFutureKey ? '+' : ''}`))
      return [logDir, errorCode === 0 ? partitions.sort().join(' ') : errorName(errorCode)]
    }))
  }

  async moveTo (path: string, name: string, ...partitions: number[]): Promise<string> {
    const dirs = [{ path, topics: [{ name, partitions }] }]
    const { results } = await this.ask(AlterReplicaLogDirs, 2, { dirs })
    return results.flatMap(one => one.partitions.map(({ errorCode }) => errorName(errorCode))).join()
  }

  async set (topic: string, settings: Record<string, string>): Promise<string> {
    const configs = Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: 0 }))
    const resources = [{ resourceType: 2, resourceName: topic, configs }]
    return errorName((await this.ask(IncrementalAlterConfigs, 1, { resources })).responses[0].errorCode)
  }
}

export function recordBatch (value: string, timestamp = realClock.nowMs()): Buffer {
  return buildBatch({}, [{ key: null, value: Buffer.from(value), timestamp, headers: [] }])
}
