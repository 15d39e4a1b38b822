// Topics as Kafka's tool prints them, for people and for grep, and as JSON, for programs.
import { kafkaUuid, zeroUuid } from '../../engine/protocol/uuid.ts'
import { type PartitionDescription, type TopicDescription } from '../tool/topics.ts'

export function topicLine ({ name, id, partitions, replicationFactor, configs }: TopicDescription): string {
  const set = configs.filter(({ isDefault }) => !isDefault)
    .sort((a, b) => bucketOf(a.name) - bucketOf(b.name))
    .map(({ name, value }) => `${name}=${value}`)
  return [
    `Topic: ${name}`,
    ...id === zeroUuid ? [] : [`TopicId: ${kafkaUuid(id)}`],
    `PartitionCount: ${partitions.length}`,
    `ReplicationFactor: ${replicationFactor}`,
    `Configs: ${set.join(',')}`
  ].join('\t')
}

/**
 * Kafka prints settings in the order of its hash map, and scripts compare whole lines: Java's hash of the
 * name, in the 64 buckets that a topic's settings take.
 */
function bucketOf (name: string): number {
  let hash = 0
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash, 31) + name.charCodeAt(at) | 0
  return (hash ^ hash >>> 16) & 63
}

export function partitionLine (topic: string, partition: PartitionDescription): string {
  const { leader, replicas, isr, elr, lastKnownElr, adding, removing } = partition
  const moves = adding === null
    ? []
    : [`Adding Replicas: ${adding.join(',')}`, `Removing Replicas: ${removing!.join(',')}`]
  return [
    '',
    `Topic: ${topic}`,
    `Partition: ${partition.partition}`,
    `Leader: ${leader ?? 'none'}`,
    `Replicas: ${replicas.join(',')}`,
    `Isr: ${isr.join(',')}`,
    ...moves,
    `Elr: ${elr?.join(',') ?? 'N/A'}`,
    `LastKnownElr: ${lastKnownElr?.join(',') ?? 'N/A'}`
  ].join('\t')
}

export function topicJson ({ name, id, partitions, replicationFactor, configs }: TopicDescription): object {
  return {
    name,
    topicId: kafkaUuid(id),
    replicationFactor,
    configs: Object.fromEntries(
      configs.filter(({ isDefault }) => !isDefault).map(({ name, value }) => [name, value])
    ),
    partitions
  }
}
