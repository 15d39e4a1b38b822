// What exists: brokers, topics, partitions, configs, producer id blocks. An in-memory view and a stream of
// changes over a small store; nothing above knows which store it is, or whether there is one broker or ten.

export interface BrokerInfo {
  id: number
  rack: string | null
  /** Advertised addresses by listener name. */
  endpoints: readonly { listener: string, host: string, port: number, securityProtocol: string }[]
}

export interface PartitionInfo {
  readonly index: number
  /** -1 when there is none */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface TopicInfo {
  readonly name: string
  /** uuid text */
  readonly id: string
  readonly internal: boolean
  readonly partitions: readonly PartitionInfo[]
  /** Overrides only, as text, Kafka's names. */
  readonly config: ReadonlyMap<string, string>
}

export interface CatalogError {
  errorCode: number
  message: string | null
}

export interface NewTopic {
  name: string
  /** -1: the broker's default (num.partitions) */
  partitions: number
  /** -1: default.replication.factor */
  replicationFactor: number
  /** Given instead of the two above when not empty: partition -> brokers. */
  assignments: readonly { partitionIndex: number, brokerIds: readonly number[] }[]
  config: ReadonlyMap<string, string | null>
}

export type CatalogChange =
  | { kind: 'topic-created', topic: TopicInfo }
  | { kind: 'topic-deleted', topic: TopicInfo }
  | { kind: 'topic-config', topic: TopicInfo }
  | { kind: 'partitions-added', topic: TopicInfo, firstIndex: number }
  | { kind: 'partition-changed', topic: TopicInfo, index: number } // leader, epoch, isr
  | { kind: 'broker-config' }

/** A log directory as it was found at the start. */
export interface DirectoryPresence {
  /** directory.id of its meta.properties */
  id: string
  failed: boolean
}

export type ConfigOp = { name: string, op: 'set' | 'delete' | 'append' | 'subtract', value: string | null }

export interface Catalog {
  readonly clusterId: string
  readonly brokerId: number
  /** -1 when there is none */
  readonly controllerId: number
  brokers (): readonly BrokerInfo[]
  topic (name: string): TopicInfo | undefined
  topicById (id: string): TopicInfo | undefined
  topics (): Iterable<TopicInfo>
  /** Whether a topic of this name was deleted of late and not made again. */
  wasDeleted? (name: string): boolean
  /** Dynamic settings: of one broker ('1') or of all ('' is the cluster default), as text. */
  dynamicBrokerConfig (broker: string): ReadonlyMap<string, string>

  /** Listeners run in order, in the turn of the change; promises they return are awaited before the call that
   *  caused the change resolves (so that a created topic serves when CreateTopics answers). */
  onChange (listener: (change: CatalogChange) => void | Promise<void>): void

  /** Validates as Kafka (names, counts, configs). The created topic, or the error. validateOnly changes
   *  nothing. */
  createTopic (topic: NewTopic, validateOnly: boolean): Promise<TopicInfo | CatalogError>
  deleteTopic (name: string): Promise<CatalogError | null>
  /** Raises the number of partitions. */
  createPartitions (
    name: string, count: number, assignments: readonly (readonly number[])[] | null, validateOnly: boolean
  ): Promise<CatalogError | null>
  alterTopicConfig (
    name: string, ops: readonly ConfigOp[], validateOnly: boolean
  ): Promise<CatalogError | null>
  alterBrokerConfig (
    broker: string, ops: readonly ConfigOp[], validateOnly: boolean
  ): Promise<CatalogError | null>
  /** Settings of groups and of telemetry subscriptions: kept for whoever runs them. Absent: this store keeps
   *  none. */
  resourceConfig? (kind: 'group' | 'client-metrics', name: string): ReadonlyMap<string, string>
  alterResourceConfig? (
    kind: 'group' | 'client-metrics', name: string, ops: readonly ConfigOp[], validateOnly: boolean
  ): Promise<CatalogError | null>
  /** A block of producer ids that nobody else will ever get. */
  allocateProducerIds (): Promise<{ first: number, count: number }>

  /** Once, at start, when the log directories are locked: with the partitions whose logs were found in them,
   *  and with the directories. Until then there are no topics, and nothing may change. Returns whether what
   *  was not found is nowhere: false while a directory that this broker has used cannot be read. Absent: the
   *  store needs none of it. */
  begin? (
    found: readonly { topic: string, topicId: string, partition: number }[],
    directories?: readonly DirectoryPresence[]
  ): boolean
  /** Every log that was found is kept or set aside: what was known of earlier ones can be forgotten. */
  settled? (): void

  close (): Promise<void>
}

export function isCatalogError (value: TopicInfo | CatalogError | null): value is CatalogError {
  return value !== null && 'errorCode' in value
}
