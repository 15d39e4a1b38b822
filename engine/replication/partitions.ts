// The partitions that this broker hosts: follows the catalog's changes and opens, leads, follows, configures
// and removes logs.
import { type Row } from '../threads/log-client.ts'
import { type TopicInfo } from '../catalog/catalog.ts'

export interface HostedPartition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  row: Row
  /** Kafka error code while it cannot serve (LEADER_NOT_AVAILABLE, KAFKA_STORAGE_ERROR ...), 0 when it does.
   *  */
  errorCode: number
  leader: boolean
  leaderEpoch: number
}

export interface Partitions {
  /** undefined: unknown topic or partition (or not hosted here). Called per partition on the produce and
   *  fetch paths: a map and an array. */
  find (topic: string, index: number): HostedPartition | undefined
  /** By index, with holes; for requests with many partitions of a topic. */
  ofTopic (topic: string): readonly (HostedPartition | undefined)[]
  findById (topicId: string, index: number): HostedPartition | undefined
  /** The catalog's view, for errors that depend on whether the topic exists at all. */
  topic (name: string): TopicInfo | undefined
  topicById (id: string): TopicInfo | undefined
  all (): Iterable<HostedPartition>
  byRow (row: Row): HostedPartition | undefined
  /** Fires after this broker became leader of (serves) or stopped leading a partition: coordinators load and
   *  drop on it. */
  onLeadership (listener: (partition: HostedPartition, leads: boolean) => void | Promise<void>): void
}
