// The committed offsets of the groups of one coordinator partition: what is below the high watermark,
// nothing else.

export interface CommittedOffset {
  readonly offset: number
  /** -1 unknown */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedMs: number
  /** Set by clients that still say how long to keep it; -1: the broker's retention. */
  readonly expireMs: number
  /** The zero id when it was committed by name. */
  readonly topicId: string
}

export interface OffsetKey {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

type ByPartition = Map<number, CommittedOffset>
type ByTopic = Map<string, ByPartition>

export class Offsets {
  readonly #byGroup = new Map<string, ByTopic>()

  get ({ group, topic, partition }: OffsetKey): CommittedOffset | undefined {
    return this.#byGroup.get(group)?.get(topic)?.get(partition)
  }

  put ({ group, topic, partition }: OffsetKey, committed: CommittedOffset): void {
    let topics = this.#byGroup.get(group)
    if (topics === undefined) this.#byGroup.set(group, topics = new Map())
    let partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, partitions = new Map())
    partitions.set(partition, committed)
  }

  delete ({ group, topic, partition }: OffsetKey): void {
    const topics = this.#byGroup.get(group)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined || !partitions.delete(partition)) return
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#byGroup.delete(group)
  }

  topicsOf (group: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#byGroup.get(group) ?? new Map()
  }

  * keysOf (group: string, only?: string): Generator<OffsetKey> {
    for (const [topic, partitions] of this.topicsOf(group)) {
      if (only !== undefined && only !== topic) continue
      for (const partition of partitions.keys()) {
        yield { group, topic, partition }
      }
    }
  }

  groups (): IterableIterator<string> { return this.#byGroup.keys() }
  holds (group: string): boolean { return this.#byGroup.has(group) }
}
