// The coordinator runtime: state that is cut by the partitions of an internal topic, each in a shard on the
// broker that leads the partition. Groups use it; what transactions and share groups need is the same.
import { type Clock } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type Catalog, type CatalogError, isCatalogError, type NewTopic } from '../catalog/catalog.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type HostedPartition, type Partitions } from '../replication/partitions.ts'
import { type LogClient } from '../threads/log-client.ts'
import { type WaitingRoom } from '../waiting/waiting-room.ts'
import { coordinatorPartition } from './hash.ts'
import { CoordinatorError, type Machine } from './machine.ts'
import { Shard } from './shard.ts'

export interface RuntimeOptions<M> {
  readonly log: LogClient
  readonly partitions: Partitions
  readonly catalog: Catalog
  readonly clock: Clock
  readonly waiting: WaitingRoom
  readonly logger: Logger
  /** The internal topic. */
  readonly topic: string
  /** What it is made of when it is first needed. */
  newTopic (): NewTopic
  newMachine (partition: number): M
  commitTimeoutMs (): number
  compression (): number
  batchBytesMax (): number
}

interface Hosted<E, M extends Machine<E>> {
  readonly shard: Shard<E, M>
  readonly leaderEpoch: number
  readonly loaded: Promise<void>
}

export class CoordinatorRuntime<E, M extends Machine<E>> {
  readonly #options: RuntimeOptions<M>
  readonly #shards = new Map<number, Hosted<E, M>>()
  #creating: Promise<number> | null = null
  /** Why the topic could not be made, as told last: clients ask many times a second. */
  #toldOf: number = errorCodes.NONE
  #closed = false

  constructor (options: RuntimeOptions<M>) {
    this.#options = options
    options.partitions.onLeadership((partition, leads) => this.#leadership(partition, leads))
  }

  /** Takes up the partitions that this broker leads already; resolves when they are read. */
  async start (): Promise<void> {
    for (const partition of this.#options.partitions.all()) {
      if (partition.topic === this.#options.topic && partition.leader) this.#leadership(partition, true)
    }
    await Promise.all([...this.#shards.values()].map(({ loaded }) => loaded))
  }

  close (): void {
    this.#closed = true
    for (const { shard } of this.#shards.values()) shard.close(errorCodes.COORDINATOR_NOT_AVAILABLE)
    this.#shards.clear()
  }

  /** Returns nothing to wait for: what a change of leaders set off must not wait for the reading of a log. */
  #leadership (partition: HostedPartition, leads: boolean): void {
    if (partition.topic !== this.#options.topic || this.#closed) return
    const hosted = this.#shards.get(partition.index)
    if (hosted !== undefined) {
      if (leads && hosted.leaderEpoch === partition.leaderEpoch) return
      hosted.shard.close(errorCodes.NOT_COORDINATOR)
      this.#shards.delete(partition.index)
    }
    if (leads) this.#shards.set(partition.index, this.#host(partition))
  }

  #host (partition: HostedPartition): Hosted<E, M> {
    const shard = new Shard<E, M>({
      ...this.#options,
      name: `${partition.topic}-${partition.index}`,
      row: partition.row,
      leaderEpoch: partition.leaderEpoch,
      machine: this.#options.newMachine(partition.index),
      commitTimeoutMs: () => this.#options.commitTimeoutMs(),
      compression: () => this.#options.compression(),
      batchBytesMax: () => this.#options.batchBytesMax()
    })
    return { shard, leaderEpoch: partition.leaderEpoch, loaded: shard.load() }
  }

  /** undefined while the topic is not there. */
  partitionOf (key: string): number | undefined {
    const count = this.#options.catalog.topic(this.#options.topic)?.partitions.length
    return count === undefined ? undefined : coordinatorPartition(key, count)
  }

  /**
   * The broker that coordinates this key, or the error code to answer with. It creates the topic if need
   * be, and names this broker only when it serves: some clients do not ask twice.
   */
  async brokerOf (key: string): Promise<{ errorCode: number, brokerId: number }> {
    const { catalog, topic } = this.#options
    const errorCode = await this.#topicExists()
    const partition = this.partitionOf(key)
    if (errorCode !== errorCodes.NONE || partition === undefined) {
      return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, brokerId: -1 }
    }
    const leader = catalog.topic(topic)?.partitions[partition].leader ?? -1
    if (leader === catalog.brokerId) {
      await this.#shards.get(partition)?.loaded
      if (this.#shards.get(partition)?.shard.active !== true) {
        return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, brokerId: -1 }
      }
    }
    return leader < 0
      ? { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, brokerId: -1 }
      : { errorCode: errorCodes.NONE, brokerId: leader }
  }

  /** Hands an event to the shard of that key. Rejects with a CoordinatorError when it is not here. */
  async submit (key: string, eventOf: (request: number) => E): Promise<unknown> {
    // A client may come without having asked for its coordinator: the first request makes the topic.
    if (this.#creating !== null || !this.topicIsThere) {
      const { errorCode } = await this.brokerOf(key)
      if (errorCode !== errorCodes.NONE) throw new CoordinatorError(errorCode)
    }
    const shard = this.#shardOf(key)
    if (shard === undefined) throw new CoordinatorError(errorCodes.NOT_COORDINATOR)
    return shard.submit(eventOf)
  }

  /** The machine of that key to be read, or the error code. */
  read (key: string): M | number {
    const shard = this.#shardOf(key)
    if (shard === undefined) return errorCodes.NOT_COORDINATOR
    return shard.active ? shard.machine : shard.errorCode
  }

  /** An event for every shard here. */
  postAll (eventOf: () => E): void {
    for (const { shard } of this.#shards.values()) shard.post(eventOf())
  }

  /** All machines here, or the error code of the first that cannot be read. */
  readAll (): M[] | number {
    const machines: M[] = []
    for (const { shard } of this.#shards.values()) {
      if (shard.active) machines.push(shard.machine)
      else if (shard.errorCode !== errorCodes.NOT_COORDINATOR) return shard.errorCode
    }
    return machines
  }

  get topicIsThere (): boolean {
    return this.#options.catalog.topic(this.#options.topic) !== undefined
  }

  #shardOf (key: string): Shard<E, M> | undefined {
    const partition = this.partitionOf(key)
    return partition === undefined ? undefined : this.#shards.get(partition)?.shard
  }

  async #topicExists (): Promise<number> {
    // While it is being made the catalog may show it already, but its partitions are not led yet.
    if (this.#creating === null && this.topicIsThere) return errorCodes.NONE
    this.#creating ??= this.#create().finally(() => { this.#creating = null })
    return await this.#creating
  }

  async #create (): Promise<number> {
    const { catalog, logger, topic, newTopic } = this.#options
    const made = await catalog.createTopic(newTopic(), false)
    if (!isCatalogError(made) || made.errorCode === errorCodes.TOPIC_ALREADY_EXISTS) return errorCodes.NONE
    const { errorCode, message }: CatalogError = made
    if (errorCode !== this.#toldOf) {
      logger.error({ topic, errorCode, message }, 'an internal topic could not be created')
    }
    this.#toldOf = errorCode
    return errorCodes.COORDINATOR_NOT_AVAILABLE
  }
}
