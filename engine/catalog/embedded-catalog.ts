// The catalog of a broker that stands alone: everything in memory, every change first in the metadata log. A
// change is checked against what is there, made durable, applied and told to the listeners in one turn, so
// that changes have one order.
import { assert } from '../base/assert.ts'
import { type Disk, DiskError } from '../base/disk.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { kafkaUuid } from '../protocol/uuid.ts'
import {
  type BrokerInfo, type Catalog, type CatalogChange, type CatalogError, type ConfigOp, type DirectoryPresence,
  isCatalogError, type NewTopic, type TopicInfo
} from './catalog.ts'
import { merged, problemWithMinIsr, problemWithValues, type Values, valuesAfter } from './config-ops.ts'
import { clusterIdIn, foreignTopics, type LogOnDisk, missingLogs } from './found-logs.ts'
import { internalTopic } from './internal-topics.ts'
import { catalogFileName, type MetadataLog, openMetadataLog } from './metadata-log.ts'
import {
  apply, bare, type CatalogState, configTable, type ConfigKind, emptyState, revived, type StateChange,
  type StoredTopic
} from './state.ts'
import { TopicIndex } from './topic-index.ts'
import {
  collisionKey, failure, planMorePartitions, planPartitions, problemWithName, spread
} from './topic-rules.ts'

/** As Kafka's: few enough writes, and little is lost of a block at a restart. */
const producerIdBlock = 1000
/** Adopted partitions count as born so many starts ago: their leader epochs lie above any that another broker
 *  gave them. */
const adoptedStartsAgo = 1_000_000

export interface EmbeddedCatalogOptions {
  disk: Disk
  /** The first log directory; made when missing. */
  directory: string
  random: Random
  brokerId: number
  config: BrokerConfig
  logger?: Logger
  /** Taken by a new catalog: 22 characters of base64url. Absent: that of meta.properties in the folder, or a
   *  random one. */
  clusterId?: string
  endpoints?: BrokerInfo['endpoints']
}

export interface EmbeddedCatalog extends Catalog {
  /** What clients are told, known once the listeners are open. */
  setEndpoints (endpoints: BrokerInfo['endpoints']): void
  /** Takes over the topics of logs that another broker wrote. */
  begin (found: readonly LogOnDisk[], directories?: readonly DirectoryPresence[]): boolean
  settled (): void
}

/** Only looks for the cluster's id: the folder may be another process's until begin(). */
export function openEmbeddedCatalog (options: EmbeddedCatalogOptions): EmbeddedCatalog {
  return new LocalCatalog(options)
}

class LocalCatalog implements EmbeddedCatalog {
  readonly brokerId: number
  readonly controllerId: number
  readonly clusterId: string
  readonly #config: BrokerConfig
  readonly #random: Random
  readonly #logger: Logger
  readonly #disk: Disk
  readonly #path: string
  #log: MetadataLog<CatalogState, StateChange>
  #state: CatalogState // as the metadata log has it
  readonly #topics = new TopicIndex() // the same topics as others see them
  readonly #listeners: ((change: CatalogChange) => void | Promise<void>)[] = []
  #endpoints: BrokerInfo['endpoints']
  #begun = false // before, nothing is written
  #present: readonly DirectoryPresence[] = []
  #whole = true // false: what was not found may be somewhere
  #failure: DiskError | null = null // once set, no more changes

  constructor (options: EmbeddedCatalogOptions) {
    const { disk, directory } = options
    this.brokerId = this.controllerId = options.brokerId
    this.#config = options.config
    this.#random = options.random
    this.#logger = options.logger ?? silentLogger
    this.#endpoints = options.endpoints ?? []
    this.#disk = disk
    this.#path = `${directory}/${catalogFileName}`
    this.#log = openMetadataLog<CatalogState, StateChange>(disk, this.#path)
    this.clusterId = this.#log.snapshot?.clusterId ?? options.clusterId ??
      clusterIdIn(disk, `${directory}/meta.properties`) ?? randomId(options.random)
    this.#state = emptyState(this.clusterId)
    if (this.#log.snapshot === null) disk.makeDirectory(directory)
  }

  begin (found: readonly LogOnDisk[], directories: readonly DirectoryPresence[] = []): boolean {
    assert(!this.#begun, 'a catalog begins once')
    this.#begun = true
    // Read once more: whoever may have written to it has ended.
    this.#log = openMetadataLog<CatalogState, StateChange>(this.#disk, this.#path)
    const { snapshot, changes } = this.#log
    if (snapshot === null) {
      // Eligible leader replicas count on one value for all brokers: a new cluster keeps its own.
      this.#state.brokers[''] = bare([['min.insync.replicas', this.#config.string('min.insync.replicas')]])
      for (const topic of this.#foreign(found)) this.#state.topics[topic.name] = topic
      this.#log.replace(this.#state)
    } else {
      if (snapshot.clusterId !== this.clusterId) {
        throw new Error(`${this.#path} changed while the broker started`)
      }
      this.#state = revived(snapshot)
      for (const change of changes) apply(this.#state, change)
      this.#commit({ kind: 'start' })
      for (const topic of this.#foreign(found)) this.#commit({ kind: 'topic', topic })
    }
    for (const topic of Object.values(this.#state.topics)) this.#show(topic)
    this.#shareBrokerConfig()
    this.#present = directories
    this.#whole = this.#isWhole(found)
    return this.#whole
  }

  settled (): void {
    const ids = this.#present.filter(({ failed }) => !failed).map(({ id }) => id)
    const { directories = [], gone = [] } = this.#state
    const next = this.#whole ? ids : [...new Set([...directories, ...ids])]
    const swept = this.#whole && gone.length > 0
    if (swept || next.join() !== directories.join()) this.#commit({ kind: 'settled', directories: next, swept })
  }

  #isWhole (found: readonly LogOnDisk[]): boolean {
    if (this.#present.some(({ failed }) => failed)) return false
    const missing = missingLogs(found, this.#present, this.#state)
    if (missing === null) return true
    const { directories, partitions } = missing
    this.#logger.error({ directories, partitions: partitions.slice(0, 100), count: partitions.length },
      'a log directory of this broker is missing (is its disk mounted?), and partitions with it: they stay ' +
      'offline until it is back, or until their topics are deleted')
    return false
  }

  brokers (): readonly BrokerInfo[] {
    return [{ id: this.brokerId, rack: this.#config.text('broker.rack'), endpoints: this.#endpoints }]
  }

  setEndpoints (endpoints: BrokerInfo['endpoints']): void {
    this.#endpoints = endpoints
  }

  topic (name: string): TopicInfo | undefined {
    return this.#topics.byName(name)
  }

  topicById (id: string): TopicInfo | undefined {
    return this.#topics.byId(id)
  }

  topics (): Iterable<TopicInfo> {
    return this.#topics.all()
  }

  wasDeleted (name: string): boolean { return this.#topics.wasDeleted(name) }

  dynamicBrokerConfig (broker: string): ReadonlyMap<string, string> {
    return this.#configOf('broker', broker)
  }

  resourceConfig (kind: 'group' | 'client-metrics', name: string): ReadonlyMap<string, string> {
    return this.#configOf(kind, name)
  }

  onChange (listener: (change: CatalogChange) => void | Promise<void>): void {
    this.#listeners.push(listener)
  }

  async createTopic (topic: NewTopic, validateOnly: boolean): Promise<TopicInfo | CatalogError> {
    const planned = this.#plan(topic)
    if ('errorCode' in planned) return planned
    if (validateOnly) return this.#topics.view(planned, this.#state.starts)
    const refused = this.#change({ kind: 'topic', topic: planned })
    if (refused !== null) return refused
    const created = this.#show(planned)
    await this.#tell({ kind: 'topic-created', topic: created })
    return created
  }

  async deleteTopic (name: string): Promise<CatalogError | null> {
    const topic = this.#topics.byName(name)
    if (topic === undefined) return failure('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
    const refused = this.#change({ kind: 'topic-gone', name })
    if (refused !== null) return refused
    this.#topics.remove(topic)
    await this.#tell({ kind: 'topic-deleted', topic })
    return null
  }

  async createPartitions (
    name: string, count: number, assignments: readonly (readonly number[])[] | null, validateOnly: boolean
  ): Promise<CatalogError | null> {
    const topic = this.#topics.byName(name)
    if (topic === undefined) return failure('UNKNOWN_TOPIC_OR_PARTITION', null)
    const replicas = planMorePartitions(topic, count, assignments, this.#brokerIds())
    if (!Array.isArray(replicas)) return replicas
    if (validateOnly) return null
    const firstIndex = topic.partitions.length
    const refused = this.#change({ kind: 'partitions', name, replicas, born: this.#state.starts })
    if (refused !== null) return refused
    await this.#tell({ kind: 'partitions-added', topic: this.#show(this.#state.topics[name]), firstIndex })
    return null
  }

  async alterTopicConfig (
    name: string, ops: readonly ConfigOp[], validateOnly: boolean
  ): Promise<CatalogError | null> {
    if (name === '') return failure('INVALID_REQUEST', 'Default topic resources are not allowed.')
    const problem = problemWithName(name)
    if (problem !== null) return problem
    const known = this.#topics.byName(name)
    const values = this.#planConfig('topic', name, known?.config ?? new Map(), ops)
    if (isRefusal(values)) return values
    if (known === undefined) return failure('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist`)
    const refused = this.#store('topic', name, values, validateOnly)
    if (refused !== null || validateOnly) return refused
    await this.#tell({ kind: 'topic-config', topic: this.#show(this.#state.topics[name]) })
    return null
  }

  async alterBrokerConfig (
    broker: string, ops: readonly ConfigOp[], validateOnly: boolean
  ): Promise<CatalogError | null> {
    const values = this.#planConfig('broker', broker, this.#configOf('broker', broker), ops)
    if (isRefusal(values)) return values
    const refused = problemWithMinIsr(broker, values) ?? this.#store('broker', broker, values, validateOnly)
    if (refused !== null || validateOnly) return refused
    this.#shareBrokerConfig()
    await this.#tell({ kind: 'broker-config' })
    return null
  }

  async alterResourceConfig (
    kind: 'group' | 'client-metrics', name: string, ops: readonly ConfigOp[], validateOnly: boolean
  ): Promise<CatalogError | null> {
    if (name === '') return failure('INVALID_REQUEST', `A ${kind} needs a name.`)
    const values = this.#planConfig(kind, name, this.#configOf(kind, name), ops)
    return isRefusal(values) ? values : this.#store(kind, name, values, validateOnly)
  }

  async allocateProducerIds (): Promise<{ first: number, count: number }> {
    if (this.#failure !== null) throw this.#failure
    const first = this.#state.nextProducerId
    this.#commit({ kind: 'producer-ids', next: first + producerIdBlock })
    return { first, count: producerIdBlock }
  }

  async close (): Promise<void> {
    this.#log.close()
  }

  #foreign (found: readonly LogOnDisk[]): StoredTopic[] {
    return foreignTopics(found, this.#state).map(({ name, id, partitions }) => {
      const config = bare<string>([...internalTopic(this.#config, name)?.config ?? []] as [string, string][])
      const replicas = spread(0, partitions, 1, [this.brokerId])
      const topic = this.#storedTopic(name, id ?? this.#newTopicId(), config, replicas)
      topic.born.fill(this.#state.starts - adoptedStartsAgo)
      this.#logger.info(`Took over topic ${name} with ${partitions} partitions, found in the log directories`)
      return topic
    })
  }

  #plan (topic: NewTopic): StoredTopic | CatalogError {
    const { name } = topic
    if (this.#state.topics[name] !== undefined) {
      return failure('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
    }
    const problem = problemWithName(name) ?? this.#collision(name)
    if (problem !== null) return problem
    const config = bare<string>()
    for (const [key, value] of topic.config) {
      if (value === null) return failure('INVALID_CONFIG', `Null value not supported for topic configs: ${key}`)
      config[key] = value
    }
    const wrong = problemWithValues(this.#config, 'topic', name, new Map(Object.entries(config)))
    if (wrong !== null) return wrong
    const defaults = {
      partitions: this.#config.number('num.partitions'),
      replicationFactor: this.#config.number('default.replication.factor')
    }
    const replicas = planPartitions(topic, defaults, this.#brokerIds())
    return Array.isArray(replicas) ? this.#storedTopic(name, this.#newTopicId(), config, replicas) : replicas
  }

  #collision (name: string): CatalogError | null {
    const other = this.#topics.collidingWith(collisionKey(name))
    return other === undefined
      ? null
      : failure('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}`)
  }

  #storedTopic (name: string, id: string, config: Record<string, string>, replicas: number[][]): StoredTopic {
    return { name, id, config, replicas, born: replicas.map(() => this.#state.starts) }
  }

  /** Kafka's ids never begin with a hyphen: tools would take them for an option. */
  #newTopicId (): string {
    for (;;) {
      const id = this.#random.uuid()
      if (!kafkaUuid(id).startsWith('-') && this.#topics.byId(id) === undefined) return id
    }
  }

  /** The values that come out, or why they may not. */
  #planConfig (
    kind: ConfigKind, name: string, current: ReadonlyMap<string, string>, ops: readonly ConfigOp[]
  ): Values | CatalogError {
    const values = valuesAfter(kind, current, ops)
    if (isRefusal(values)) return values
    return problemWithValues(this.#config, kind, name, merged(current, values)) ?? values
  }

  #store (kind: ConfigKind, name: string, values: Values, validateOnly: boolean): CatalogError | null {
    return validateOnly || Object.keys(values).length === 0
      ? null
      : this.#change({ kind: 'config', of: kind, name, values })
  }

  #configOf (kind: Exclude<ConfigKind, 'topic'>, name: string): ReadonlyMap<string, string> {
    return new Map(Object.entries(configTable(this.#state, kind)[name] ?? {}))
  }

  #shareBrokerConfig (): void {
    this.#config.setDynamic(this.#configOf('broker', String(this.brokerId)), this.#configOf('broker', ''))
  }

  #brokerIds (): number[] {
    return this.brokers().map(broker => broker.id)
  }

  #show (topic: StoredTopic): TopicInfo {
    return this.#topics.put(topic, this.#state.starts)
  }

  /** Durable and applied, or the error to answer. */
  #change (change: StateChange): CatalogError | null {
    if (this.#failure === null) {
      try {
        this.#commit(change)
        return null
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
      }
    }
    return failure('KAFKA_STORAGE_ERROR', `The catalog cannot be written: ${this.#failure!.message}`)
  }

  #commit (change: StateChange): void {
    assert(this.#begun, 'the catalog changed before it began')
    this.#write(() => this.#log.append(change))
    apply(this.#state, change)
    if (!this.#log.wantsSnapshot) return
    try {
      this.#write(() => this.#log.replace(this.#state))
    } catch (error) {
      // The change itself is durable in the old file, which is still there.
      if (!(error instanceof DiskError)) throw error
    }
  }

  /** After a failed write nobody knows what the file holds until it is opened anew: it was the last one. */
  #write (write: () => void): void {
    try {
      write()
    } catch (error) {
      if (error instanceof DiskError) {
        this.#failure = error
        this.#logger.error(`The catalog takes no more changes: ${error.message}`)
      }
      throw error
    }
  }

  async #tell (change: CatalogChange): Promise<void> {
    const waits: Promise<void>[] = []
    for (const listener of this.#listeners) {
      const wait = listener(change)
      if (wait !== undefined) waits.push(wait)
    }
    await Promise.all(waits)
  }
}

function isRefusal (value: Values | CatalogError): value is CatalogError {
  return isCatalogError(value as CatalogError) && typeof value.errorCode === 'number'
}

function randomId (random: Random): string {
  for (;;) {
    const id = kafkaUuid(random.uuid())
    if (!id.startsWith('-')) return id
  }
}
