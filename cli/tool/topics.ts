// What `millrace topics` does, as calls: create, list, describe, alter, delete.
import { type BrokerConnection } from '../../engine/client/connection.ts'
import { BrokerError, type Cluster } from '../../engine/client/cluster.ts'
import { errorCodes } from '../../engine/protocol/errors.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../engine/protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from '../../engine/protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../../engine/protocol/messages/37-create-partitions.ts'
import { ListPartitionReassignments } from '../../engine/protocol/messages/46-list-partition-reassignments.ts'
import {
  DescribeTopicPartitions, type DescribeTopicPartitionsRequest, type DescribeTopicPartitionsResponse
} from '../../engine/protocol/messages/75-describe-topic-partitions.ts'
import { make } from '../../engine/protocol/schema.ts'

export interface TopicListing {
  readonly name: string
  readonly id: string
  readonly isInternal: boolean
}

export interface TopicFilter {
  /** Names and regular expressions with commas between; undefined: all. */
  readonly pattern?: string | undefined
  readonly excludeInternal?: boolean
}

export interface PartitionDescription {
  readonly partition: number
  /** null: none */
  readonly leader: number | null
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** null: the broker does not tell */
  readonly elr: readonly number[] | null
  readonly lastKnownElr: readonly number[] | null
  readonly adding: readonly number[] | null
  readonly removing: readonly number[] | null
}

export interface TopicDescription {
  readonly name: string
  readonly id: string
  readonly replicationFactor: number
  readonly configs: readonly { readonly name: string, readonly value: string, readonly isDefault: boolean }[]
  readonly partitions: readonly PartitionDescription[]
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number | undefined
  readonly replicationFactor: number | undefined
  /** The brokers of each partition; empty: the cluster chooses. */
  readonly assignment: readonly (readonly number[])[]
  readonly configs: readonly (readonly [string, string])[]
}

const topicResource = 2
/** Where a config's value comes from: 5 is the built-in default. */
const defaultSource = 5
const noLeader = -1

/**
 * A comma separates names as a bar separates alternatives; quotes around the whole are a shell's leftovers.
 */
export function topicMatcher (pattern: string): (name: string) => boolean {
  const cleaned = pattern.trim().replaceAll(',', '|').replaceAll(' ', '').replace(/^["']+/, '').replace(/["']+$/, '')
  try {
    const regex = new RegExp(`^(?:${cleaned})$`)
    return name => regex.test(name)
  } catch {
    throw new Error(`${cleaned} is an invalid regex.`)
  }
}

export async function listTopics (cluster: Cluster, filter: TopicFilter): Promise<TopicListing[]> {
  const { topics } = await cluster.metadata(null)
  const matches = filter.pattern === undefined ? () => true : topicMatcher(filter.pattern)
  return topics
    .map(({ name, topicId, isInternal }) => ({ name: name!, id: topicId, isInternal }))
    .filter(({ name, isInternal }) => matches(name) && !(isInternal && filter.excludeInternal === true))
    .sort((a, b) => a.name < b.name ? -1 : 1)
}

/** False when it was there already and that is fine. */
export async function createTopic (
  cluster: Cluster, topic: NewTopic, ifNotExists: boolean
): Promise<boolean> {
  const request = make(CreateTopics.request, {
    topics: [{
      name: topic.name,
      numPartitions: topic.partitions ?? -1,
      replicationFactor: topic.replicationFactor ?? -1,
      assignments: topic.assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
      configs: topic.configs.map(([name, value]) => ({ name, value }))
    }],
    timeoutMs: cluster.requestTimeoutMs
  })
  const { topics } = await cluster.ask(CreateTopics, request, () => cluster.controller())
  const { errorCode, errorMessage } = topics[0]
  if (errorCode === errorCodes.TOPIC_ALREADY_EXISTS && ifNotExists) return false
  if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode, errorMessage)
  return true
}

/** `assignment` is that of all partitions, those that are there left out when it is sent. */
export async function addPartitions (
  cluster: Cluster, names: readonly string[], count: number, assignment: readonly (readonly number[])[]
): Promise<void> {
  const { topics } = await cluster.metadata(names)
  const request = make(CreatePartitions.request, {
    topics: topics.map(({ name, partitions }) => ({
      name: name!,
      count,
      assignments: assignment.length === 0
        ? null
        : assignment.slice(partitions.length).map(brokerIds => ({ brokerIds }))
    })),
    timeoutMs: cluster.requestTimeoutMs
  })
  const { results } = await cluster.ask(CreatePartitions, request, () => cluster.controller())
  for (const { errorCode, errorMessage } of results) {
    if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode, errorMessage)
  }
}

export async function deleteTopics (cluster: Cluster, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const request = make(DeleteTopics.request, {
    topics: names.map(name => ({ name })), topicNames: [...names], timeoutMs: cluster.requestTimeoutMs
  })
  const { responses } = await cluster.ask(DeleteTopics, request, () => cluster.controller())
  for (const { errorCode, errorMessage } of responses) {
    if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode, errorMessage)
  }
}

export async function describeTopics (
  cluster: Cluster, topics: readonly TopicListing[], partitionsPerAnswer: number, byId: boolean
): Promise<TopicDescription[]> {
  if (topics.length === 0) return []
  const connection = await cluster.retrying(() => cluster.any())
  await connection.apiVersions()
  const names = topics.map(({ name }) => name)
  const isServed = !byId && connection.ranges!.has(DescribeTopicPartitions.key)
  const [partitions, configs, moves] = await Promise.all([
    isServed
      ? describedPartitions(connection, names, partitionsPerAnswer)
      : metadataPartitions(cluster, names, byId),
    topicConfigs(connection, names),
    reassignments(connection)
  ])
  return topics.map(({ name, id }) => {
    const sorted = partitions.get(name)!.sort((a, b) => a.partition - b.partition).map(partition => ({
      ...partition, ...moves.get(`${name} ${partition.partition}`)
    }))
    const kept = replicationFactor(sorted[0])
    return { name, id, configs: configs.get(name)!, partitions: sorted, replicationFactor: kept }
  })
}

/** Without the replicas that are only on their way. */
function replicationFactor ({ replicas, adding }: PartitionDescription): number {
  return replicas.length - (adding ?? []).filter(id => replicas.includes(id)).length
}

const unmoved = { adding: null, removing: null }

async function describedPartitions (
  connection: BrokerConnection, names: readonly string[], limit: number
): Promise<Map<string, PartitionDescription[]>> {
  const found = new Map<string, PartitionDescription[]>(names.map(name => [name, []]))
  let cursor: { topicName: string, partitionIndex: number } | null = null
  do {
    const request: DescribeTopicPartitionsRequest = make(DescribeTopicPartitions.request, {
      topics: [...names].sort().map(name => ({ name })), responsePartitionLimit: limit, cursor
    })
    const answer: DescribeTopicPartitionsResponse =
      await connection.request(DescribeTopicPartitions, null, request)
    for (const topic of answer.topics) {
      if (topic.errorCode !== errorCodes.NONE) throw new BrokerError(topic.errorCode)
      found.get(topic.name!)!.push(...topic.partitions.map(partition => ({
        partition: partition.partitionIndex,
        leader: partition.leaderId === noLeader ? null : partition.leaderId,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
        elr: partition.eligibleLeaderReplicas,
        lastKnownElr: partition.lastKnownElr,
        ...unmoved
      })))
    }
    cursor = answer.nextCursor
  } while (cursor !== null)
  return found
}

/**
 * For brokers that do not serve DescribeTopicPartitions, and by id. Metadata knows nothing of eligible
 * replicas.
 */
async function metadataPartitions (
  cluster: Cluster, names: readonly string[], byId: boolean
): Promise<Map<string, PartitionDescription[]>> {
  const { topics } = await cluster.metadata(names)
  return new Map(topics.map(topic => {
    if (topic.errorCode !== errorCodes.NONE) throw new BrokerError(topic.errorCode)
    return [topic.name!, topic.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
      partition: partitionIndex,
      leader: leaderId === noLeader ? null : leaderId,
      replicas: replicaNodes,
      isr: isrNodes,
      elr: byId ? null : [],
      lastKnownElr: byId ? null : [],
      ...unmoved
    }))]
  }))
}

async function topicConfigs (
  connection: BrokerConnection, names: readonly string[]
): Promise<Map<string, TopicDescription['configs']>> {
  const request = make(DescribeConfigs.request, {
    resources: names.map(resourceName =>
      ({ resourceType: topicResource, resourceName, configurationKeys: null }))
  })
  const { results } = await connection.request(DescribeConfigs, null, request)
  return new Map(results.map(({ errorCode, errorMessage, resourceName, configs }) => {
    if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode, errorMessage)
    return [resourceName, configs.map(({ name, value, configSource }) =>
      ({ name, value: value ?? 'null', isDefault: configSource === defaultSource }))]
  }))
}

type Move = Pick<PartitionDescription, 'adding' | 'removing'>

async function reassignments (connection: BrokerConnection): Promise<Map<string, Move>> {
  const moves = new Map<string, Move>()
  if (!connection.ranges!.has(ListPartitionReassignments.key)) return moves
  const request = make(ListPartitionReassignments.request, { topics: null })
  const answer = await connection.request(ListPartitionReassignments, null, request)
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, addingReplicas, removingReplicas } of partitions) {
      moves.set(`${name} ${partitionIndex}`, { adding: addingReplicas, removing: removingReplicas })
    }
  }
  return moves
}

/** '1:2,2:1' means two partitions, the first on brokers 1 and 2. */
export function parseAssignment (text: string): number[][] {
  const partitions = text.split(',').map(part => part.split(':').map(id => {
    if (!/^\s*-?\d+\s*$/.test(id)) throw new Error(`For input string: "${id.trim()}"`)
    return Number(id)
  }))
  partitions.forEach((brokers, partition) => {
    const twice = brokers.filter((id, index) => brokers.indexOf(id) < index)
    if (twice.length > 0) {
      throw new Error(`Partition replica lists may not contain duplicate entries: ${twice.join(',')}`)
    }
    if (brokers.length !== partitions[0].length) {
      throw new Error(`Partition ${partition} has different replication factor: [${brokers.join(', ')}]`)
    }
  })
  return partitions
}
