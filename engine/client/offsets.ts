// Where a partition begins and ends, and which offset belongs to a time, asked of each partition's leader.
import { errorCodes, errorRetriable } from '../protocol/errors.ts'
import { ListOffsets } from '../protocol/messages/02-list-offsets.ts'
import { make } from '../protocol/schema.ts'
import { BrokerError, type Cluster } from './cluster.ts'

export const specialTimes = {
  latest: -1,
  earliest: -2,
  maxTimestamp: -3,
  earliestLocal: -4,
  latestTiered: -5,
  earliestPendingUpload: -6
} as const

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  /** -1: there is none. */
  readonly offset: number
  readonly timestamp: number
  readonly errorCode: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Errors that another try may mend are tried again; the others are in the answer. */
export async function listOffsets (
  cluster: Cluster, partitions: readonly TopicPartition[], timestamp: number, committedOnly = false
): Promise<PartitionOffset[]> {
  return cluster.retrying(async () => {
    const byLeader = await groupByLeader(cluster, partitions)
    const answers = await Promise.all([...byLeader].map(async ([leader, own]) => {
      const connection = await cluster.broker(leader)
      const request = make(ListOffsets.request, {
        replicaId: -1,
        isolationLevel: committedOnly ? 1 : 0,
        topics: byTopic(own).map(([name, indexes]) => ({
          name, partitions: indexes.map(partitionIndex => ({ partitionIndex, timestamp }))
        })),
        timeoutMs: cluster.requestTimeoutMs
      })
      const { topics } = await connection.request(ListOffsets, null, request)
      return topics.flatMap(({ name, partitions }) => partitions.map(found => ({
        topic: name,
        partition: found.partitionIndex,
        offset: found.offset,
        timestamp: found.timestamp,
        errorCode: found.errorCode
      })))
    }))
    const all = answers.flat()
    const moved = all.find(({ errorCode }) => errorCode !== errorCodes.NONE && errorRetriable(errorCode))
    if (moved === undefined) return all
    cluster.forgetTopic(moved.topic)
    throw new BrokerError(moved.errorCode)
  })
}

async function groupByLeader (
  cluster: Cluster, partitions: readonly TopicPartition[]
): Promise<Map<number, TopicPartition[]>> {
  const byLeader = new Map<number, TopicPartition[]>()
  for (const topicPartition of partitions) {
    const { topic, partition } = topicPartition
    const known = cluster.topicNow(topic) ?? await cluster.topic(topic)
    const leader = known.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId
    if (leader === undefined) throw new BrokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    const own = byLeader.get(leader)
    if (own === undefined) byLeader.set(leader, [topicPartition])
    else own.push(topicPartition)
  }
  return byLeader
}

/** For requests that name each topic once. */
export function byTopic (partitions: readonly TopicPartition[]): [string, number[]][] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const indexes = topics.get(topic)
    if (indexes === undefined) topics.set(topic, [partition])
    else indexes.push(partition)
  }
  return [...topics]
}
