// Reading for tools: topics by name or pattern, with partitions taken by hand or as a member of a group.
// The caller says what it has used; that is what a group's offsets are.
import { Consumer, type ConsumerOptions, type Polled, type StartOffset } from '../../engine/client/consumer.ts'
import { type Cluster } from '../../engine/client/cluster.ts'
import { type Committed, GroupMember } from '../../engine/client/group-member.ts'
import { listTopics } from './topics.ts'

export interface ReadingOptions {
  /** One of both. */
  readonly topic?: string | undefined
  readonly include?: string | undefined
  /** Only this partition, from `offset`; else all from where `reset` says. */
  readonly partition?: number | undefined
  readonly offset?: StartOffset
  readonly reset: 'earliest' | 'latest' | 'none'
  readonly group?: string | undefined
  readonly instanceId?: string | null
  readonly autoCommit?: boolean
  readonly autoCommitMs?: number
  readonly sessionTimeoutMs?: number
  readonly heartbeatMs?: number
  readonly consumer?: ConsumerOptions
  readonly warned: (message: string) => void
}

const autoCommitMsDefault = 5000
/** How often a topic that is not there is looked for. */
const lookAgainMs = 250

export class Reading {
  readonly #cluster: Cluster
  readonly #options: ReadingOptions
  readonly #consumer: Consumer
  #member: GroupMember | null = null
  #assigned = false
  #failure: Error | null = null
  #lastLookMs = -Infinity
  #lastCommitMs = 0
  readonly #used = new Map<string, Committed>() // where to go on, of partitions that are ours
  readonly #dirty = new Set<string>() // of them, what is not committed
  readonly #warned = new Set<string>()
  /** When partitions were assigned first; -1: not yet. */
  assignedAtMs = -1

  constructor (cluster: Cluster, options: ReadingOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#consumer = new Consumer(cluster, {
      ...options.consumer, reset: options.reset, warned: message => this.#warn(message)
    })
    this.#lastCommitMs = cluster.clock.monotonicMs()
  }

  async poll (timeoutMs: number): Promise<Polled[]> {
    await this.#begin()
    const polled = await this.#consumer.poll(timeoutMs)
    if (this.#failure !== null) throw this.#failure
    await this.#commitSometimes()
    return polled
  }

  /** All before `nextOffset` has been used. */
  used (topic: string, partition: number, nextOffset: number): void {
    if (this.#member === null) return
    const key = `${topic} ${partition}`
    this.#used.set(key, { topic, partition, offset: nextOffset })
    this.#dirty.add(key)
  }

  async close (): Promise<void> {
    this.#consumer.close()
    if (this.#member === null) return
    await this.#commit().catch((error: Error) => this.#warn(error.message))
    await this.#member.close()
  }

  async #begin (): Promise<void> {
    if (this.#assigned || this.#member !== null) return
    const { clock } = this.#cluster
    if (clock.monotonicMs() - this.#lastLookMs < lookAgainMs) return
    this.#lastLookMs = clock.monotonicMs()
    const { group, partition, topic } = this.#options
    if (partition !== undefined) return this.#assign([{ topic: topic!, partition }])
    const names = await this.#topics()
    if (group !== undefined) return this.#join(group, names)
    if (names.length === 0) return
    const { topics } = await this.#cluster.metadata(names, { create: true })
    const found = topics.filter(({ errorCode }) => errorCode === 0)
    if (found.length === names.length) {
      this.#assign(found.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex }) => ({ topic: name!, partition: partitionIndex }))))
    } else this.#warn(`${names.find(name => !found.some(topic => topic.name === name))} is not there`)
  }

  async #topics (): Promise<string[]> {
    const { topic, include } = this.#options
    if (topic !== undefined) return [topic]
    return (await listTopics(this.#cluster, { pattern: include })).map(({ name }) => name)
  }

  #assign (partitions: readonly { topic: string, partition: number }[]): void {
    const { offset, reset } = this.#options
    const start = offset ?? (reset === 'earliest' ? 'earliest' : 'latest')
    this.#assigned = true
    this.assignedAtMs = this.#cluster.clock.nowMs()
    this.#consumer.assign(partitions.map(partition => ({ ...partition, offset: start })))
  }

  #join (groupId: string, topics: string[]): void {
    const { instanceId, sessionTimeoutMs, heartbeatMs, reset } = this.#options
    this.#member = new GroupMember(this.#cluster, {
      groupId,
      topics,
      ...instanceId === undefined ? {} : { instanceId },
      ...sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs },
      ...heartbeatMs === undefined ? {} : { heartbeatMs },
      assigned: partitions => {
        if (this.assignedAtMs < 0) this.assignedAtMs = this.#cluster.clock.nowMs()
        const uncommitted = partitions.find(({ offset }) => offset < 0)
        if (uncommitted !== undefined && reset === 'none') {
          this.#failure = new Error(`${uncommitted.topic}-${uncommitted.partition} has no committed offset`)
        }
        const start = reset === 'earliest' ? 'earliest' : 'latest'
        this.#consumer.assign(partitions.map(({ topic, partition, offset }) =>
          ({ topic, partition, offset: offset < 0 ? start : offset })))
      },
      revoked: async () => {
        await this.#commit()
        this.#used.clear()
        this.#consumer.assign([])
      },
      failed: error => { this.#failure = error }
    })
    this.#member.join()
  }

  async #commitSometimes (): Promise<void> {
    const nowMs = this.#cluster.clock.monotonicMs()
    if (nowMs - this.#lastCommitMs < (this.#options.autoCommitMs ?? autoCommitMsDefault)) return
    this.#lastCommitMs = nowMs
    await this.#commit().catch((error: Error) => this.#warn(error.message))
  }

  async #commit (): Promise<void> {
    if (this.#member === null || this.#dirty.size === 0 || this.#options.autoCommit === false) return
    const offsets = [...this.#dirty].map(key => this.#used.get(key)!)
    this.#dirty.clear()
    await this.#member.commit(offsets)
  }

  /** The same thing once. */
  #warn (message: string): void {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.#options.warned(message)
  }
}
