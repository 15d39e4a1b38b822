// For tests of whole brokers: the few requests that most of them make.
import { realClock } from './base/clock-real.ts'
import { realNetwork } from './base/network-real.ts'
import { BrokerConnection } from './client/connection.ts'
import { Produce } from './protocol/messages/00-produce.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { CreateTopics } from './protocol/messages/19-create-topics.ts'
import { DeleteTopics } from './protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from './protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from './protocol/messages/44-incremental-alter-configs.ts'
import { buildBatch } from './protocol/record.ts'
import { type AnyApi, make, type RequestOf } from './protocol/schema.ts'

export class TestClient {
  readonly connection: BrokerConnection

  constructor (connection: BrokerConnection) {
    this.connection = connection
  }

  static async connect (port: number, host = '127.0.0.1'): Promise<TestClient> {
    const address = { host, port, clientId: 'test' }
    return new TestClient(await BrokerConnection.connect(realNetwork, realClock, address))
  }

  ask<A extends AnyApi> (api: A, version: number, partial: object = {}) {
    return this.connection.request(api, version, make(api.request, partial) as RequestOf<A>)
  }

  async createTopic (name: string, numPartitions = 1, configs: Record<string, string> = {}): Promise<number> {
    const list = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const topics = [{ name, numPartitions, replicationFactor: 1, configs: list }]
    const answer = await this.ask(CreateTopics, 5, { topics, timeoutMs: 30_000 })
    return answer.topics[0].errorCode
  }

  async deleteTopic (name: string): Promise<number> {
    const answer = await this.ask(DeleteTopics, 5, { topicNames: [name], timeoutMs: 30_000 })
    return answer.responses[0].errorCode
  }

  async produce (topic: string, index: number, records: Buffer, acks = -1) {
    const answer = await this.ask(Produce, 9, {
      acks, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index, records }] }]
    })
    return answer.responses[0].partitionResponses[0]
  }

  async fetch (topic: string, fetchOffset = 0, partition = 0, partitionMaxBytes = 50_000_000) {
    const topics = [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }]
    const answer = await this.ask(Fetch, 11, { ...fetchFields, topics })
    return answer.responses[0].partitions[0]
  }

  /** `resourceType`: 2 a topic, 4 a broker. A null value deletes. */
  async alter (
    resourceType: number, resourceName: string, values: Record<string, string | null>
  ): Promise<number> {
    const configs = Object.entries(values).map(([name, value]) => {
      return { name, configOperation: value === null ? 1 : 0, value }
    })
    const resources = [{ resourceType, resourceName, configs }]
    const answer = await this.ask(IncrementalAlterConfigs, 1, { resources })
    return answer.responses[0].errorCode
  }

  /** Names and values. */
  async describe (
    resourceType: number, resourceName: string, configurationKeys: string[] | null = null
  ): Promise<Record<string, string | null>> {
    const resources = [{ resourceType, resourceName, configurationKeys }]
    const answer = await this.ask(DescribeConfigs, 4, { resources })
    return Object.fromEntries(answer.results[0].configs.map(({ name, value }) => [name, value]))
  }

  close (): void {
    this.connection.close()
  }
}

export const fetchFields = { minBytes: 1, maxBytes: 50_000_000, sessionEpoch: -1 } as const

export function batchOf (...values: string[]): Buffer {
  return buildBatch({}, values.map(value => {
    return { key: null, value: Buffer.from(value), timestamp: Date.now(), headers: [] }
  }))
}
