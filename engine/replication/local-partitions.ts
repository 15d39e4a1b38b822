// The partitions that this broker hosts. Follows the catalog: opens a log for each replica of ours, leads or
// follows with it as the catalog says, hands new settings on, removes what was deleted. Changes of one topic
// are carried out one after the other, so that a topic deleted while its logs still open ends up deleted.
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Catalog, type CatalogChange, type TopicInfo } from '../catalog/catalog.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { logConfigOf } from '../config/topic-config.ts'
import { errorCodes } from '../protocol/errors.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type FoundLog, type LogClient, type Row } from '../threads/log-client.ts'
import { roles } from '../threads/partition-table.ts'
import { type HostedPartition, type Partitions } from './partitions.ts'

type LeadershipListener = (partition: HostedPartition, leads: boolean) => void | Promise<void>

export interface PartitionsOptions {
  catalog: Catalog
  log: LogClient
  config: BrokerConfig
  brokerId: number
  logger?: Logger
}

export interface LocalPartitions extends Partitions {
  /** Compares the logs found on disk with the catalog, opens every partition of ours and leads. Once, before
   *  any request. */
  start (found: readonly FoundLog[]): Promise<void>
  /** A log directory has failed: its partitions are led by nobody until the broker starts again. */
  directoryFailed (): void
}

export function createPartitions (options: PartitionsOptions): LocalPartitions {
  return new CatalogPartitions(options)
}

const noRow: Row = -1
const nowhere: readonly (HostedPartition | undefined)[] = []

class CatalogPartitions implements LocalPartitions {
  readonly #catalog: Catalog
  readonly #log: LogClient
  readonly #config: BrokerConfig
  readonly #brokerId: number
  readonly #logger: Logger
  // One array of partitions under both of a topic's names; holes where another broker hosts.
  readonly #byName = new Map<string, (HostedPartition | undefined)[]>()
  readonly #byId = new Map<string, (HostedPartition | undefined)[]>()
  readonly #byRow: (HostedPartition | undefined)[] = []
  readonly #leadership: LeadershipListener[] = []
  readonly #work = new Map<string, Promise<void>>() // the last step of each topic, by id

  constructor ({ catalog, log, config, brokerId, logger = silentLogger }: PartitionsOptions) {
    this.#catalog = catalog
    this.#log = log
    this.#config = config
    this.#brokerId = brokerId
    this.#logger = logger
    catalog.onChange(change => this.#changed(change))
  }

  find (topic: string, index: number): HostedPartition | undefined {
    return this.#byName.get(topic)?.[index]
  }

  ofTopic (topic: string): readonly (HostedPartition | undefined)[] {
    return this.#byName.get(topic) ?? nowhere
  }

  findById (topicId: string, index: number): HostedPartition | undefined {
    return this.#byId.get(topicId)?.[index]
  }

  topic (name: string): TopicInfo | undefined {
    return this.#catalog.topic(name)
  }

  topicById (id: string): TopicInfo | undefined {
    return this.#catalog.topicById(id)
  }

  * all (): Iterable<HostedPartition> {
    for (const partitions of this.#byName.values()) {
      for (const partition of partitions) {
        if (partition !== undefined) yield partition
      }
    }
  }

  byRow (row: Row): HostedPartition | undefined {
    return this.#byRow[row]
  }

  onLeadership (listener: LeadershipListener): void {
    this.#leadership.push(listener)
  }

  async start (found: readonly FoundLog[]): Promise<void> {
    const directories = this.#log.directories().map(({ id, failure }) => ({ id, failed: failure !== null }))
    const create = this.#catalog.begin?.(found, directories) ?? true
    await Promise.all(found.map(log => this.#keepOrDiscard(log)))
    // Where a directory is missing, a log that was not found may be in it: no empty one may take its place.
    await Promise.all([...this.#catalog.topics()].map(topic => this.#host(topic, 0, create)))
    this.#catalog.settled?.()
  }

  directoryFailed (): void {
    for (const partition of this.all()) {
      const { row } = partition
      if (row === noRow || this.#log.table.role(row) !== roles.offline) continue
      partition.errorCode = errorCodes.KAFKA_STORAGE_ERROR
      const topic = this.#catalog.topicById(partition.topicId)
      if (!partition.leader || topic === undefined) continue
      this.#after(topic, async () => { if (partition.leader) await this.#announce(partition, false) })
    }
  }

  async #keepOrDiscard (log: FoundLog): Promise<void> {
    const topic = this.#catalog.topic(log.topic)
    const unnamed = log.topicId === '' || log.topicId === zeroUuid // old brokers wrote no ids
    const known = topic !== undefined && (topic.id === log.topicId || unnamed) &&
      topic.partitions[log.partition]?.replicas.includes(this.#brokerId)
    if (known) return
    this.#logger.warn(`Discarding ${log.topic}-${log.partition} in ${log.directory}: the catalog does not have it here`)
    await this.#log.discard(log)
  }

  #changed (change: CatalogChange): void | Promise<void> {
    switch (change.kind) {
      case 'topic-created': return this.#host(change.topic, 0)
      case 'partitions-added': return this.#host(change.topic, change.firstIndex)
      case 'topic-deleted': return this.#drop(change.topic)
      case 'topic-config': return this.#after(change.topic, async () => this.#configure(change.topic))
      case 'partition-changed': return this.#follow(change.topic, change.index)
      case 'broker-config':
        for (const topic of this.#catalog.topics()) this.#configure(topic)
    }
  }

  /** Steps of one topic do not overlap. A step that fails is our bug or a broken directory: it is told, the
   *  next one runs. */
  #after (topic: TopicInfo, step: () => Promise<void>): Promise<void> {
    const last = this.#work.get(topic.id) ?? Promise.resolve()
    const next = last.then(step).catch((error: Error) => {
      this.#logger.error(`Partitions of ${topic.name} could not follow the catalog: ${error.stack ?? error.message}`)
    })
    this.#work.set(topic.id, next)
    return next.then(() => {
      if (this.#work.get(topic.id) === next) this.#work.delete(topic.id)
    })
  }

  #host (topic: TopicInfo, firstIndex: number, create = true): Promise<void> {
    const partitions = this.#byId.get(topic.id) ?? []
    const fresh: HostedPartition[] = []
    for (const info of topic.partitions.slice(firstIndex)) {
      if (!info.replicas.includes(this.#brokerId)) continue
      const partition: HostedPartition = {
        topic: topic.name,
        topicId: topic.id,
        index: info.index,
        row: noRow,
        errorCode: errorCodes.LEADER_NOT_AVAILABLE,
        leader: false,
        leaderEpoch: info.leaderEpoch
      }
      partitions[info.index] = partition
      fresh.push(partition)
    }
    this.#byName.set(topic.name, partitions)
    this.#byId.set(topic.id, partitions)
    return this.#after(topic, async () => {
      await Promise.all(fresh.map(partition => this.#open(partition, create)))
    })
  }

  async #open (partition: HostedPartition, create: boolean): Promise<void> {
    const topic = this.#catalog.topicById(partition.topicId)
    if (topic === undefined) return // deleted meanwhile
    const identity = { topic: partition.topic, topicId: partition.topicId, partition: partition.index }
    const opened = await this.#log.open(identity, logConfigOf(this.#config, topic.config), create)
    if (opened.errorCode !== errorCodes.NONE) {
      partition.errorCode = opened.errorCode
      return
    }
    partition.row = opened.row
    this.#byRow[opened.row] = partition
    await this.#takeRole(partition)
  }

  /** Leads or follows as the catalog has it now. */
  async #takeRole (partition: HostedPartition): Promise<void> {
    const info = this.#catalog.topicById(partition.topicId)?.partitions[partition.index]
    if (info === undefined || partition.row === noRow) return
    const leads = info.leader === this.#brokerId
    if (partition.leader && !leads) await this.#announce(partition, false)
    partition.leaderEpoch = info.leaderEpoch
    if (leads) await this.#log.becomeLeader(partition.row, info.leaderEpoch)
    else await this.#log.becomeFollower(partition.row, info.leaderEpoch)
    partition.errorCode = leads ? errorCodes.NONE : errorCodes.NOT_LEADER_OR_FOLLOWER
    if (leads && !partition.leader) await this.#announce(partition, true)
  }

  async #announce (partition: HostedPartition, leads: boolean): Promise<void> {
    partition.leader = leads
    for (const listener of this.#leadership) await listener(partition, leads)
  }

  #follow (topic: TopicInfo, index: number): Promise<void> {
    return this.#after(topic, async () => {
      const partition = this.findById(topic.id, index)
      if (partition !== undefined) await this.#takeRole(partition)
    })
  }

  #configure (topic: TopicInfo): void {
    const settings = logConfigOf(this.#config, topic.config)
    for (const partition of this.#byId.get(topic.id) ?? []) {
      if (partition !== undefined && partition.row !== noRow) this.#log.configure(partition.row, settings)
    }
  }

  /** Unknown at once; the logs go when what is in work on them is done. */
  #drop (topic: TopicInfo): Promise<void> {
    const partitions = this.#byId.get(topic.id) ?? []
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    return this.#after(topic, async () => {
      await Promise.all(partitions.map(partition => partition === undefined ? null : this.#remove(partition)))
    })
  }

  async #remove (partition: HostedPartition): Promise<void> {
    partition.errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (partition.leader) await this.#announce(partition, false)
    const { row } = partition
    if (row === noRow) return
    partition.row = noRow
    this.#byRow[row] = undefined
    await this.#log.remove(row)
  }
}
