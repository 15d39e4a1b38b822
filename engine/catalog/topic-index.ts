// The topics as the rest of the broker sees them: by name, by id, and by what their name collides with. A
// view is never changed, but replaced: who holds one sees one state.
import { type PartitionInfo, type TopicInfo } from './catalog.ts'
import { type StoredTopic } from './state.ts'
import { collisionKey, isInternalTopic } from './topic-rules.ts'

/** Older deletions are forgotten: by then the clients have asked. */
const deletedNamesMax = 10_000

export class TopicIndex {
  readonly #byName = new Map<string, TopicInfo>()
  readonly #byId = new Map<string, TopicInfo>()
  readonly #byCollisionKey = new Map<string, string>() // no two topics share a key
  readonly #deleted = new Set<string>() // names without a topic, the latest last

  byName (name: string): TopicInfo | undefined {
    return this.#byName.get(name)
  }

  byId (id: string): TopicInfo | undefined {
    return this.#byId.get(id)
  }

  all (): Iterable<TopicInfo> {
    return this.#byName.values()
  }

  collidingWith (key: string): string | undefined {
    return this.#byCollisionKey.get(key)
  }

  put (topic: StoredTopic, starts: number): TopicInfo {
    const view = this.view(topic, starts)
    this.#byName.set(view.name, view)
    this.#byId.set(view.id, view)
    this.#deleted.delete(view.name)
    this.#byCollisionKey.set(collisionKey(view.name), view.name)
    return view
  }

  remove (topic: TopicInfo): void {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    this.#byCollisionKey.delete(collisionKey(topic.name))
    this.#deleted.add(topic.name)
    if (this.#deleted.size > deletedNamesMax) this.#deleted.delete(this.#deleted.values().next().value!)
  }

  wasDeleted (name: string): boolean {
    return this.#deleted.has(name)
  }

  view (topic: StoredTopic, starts: number): TopicInfo {
    return {
      name: topic.name,
      id: topic.id,
      internal: isInternalTopic(topic.name),
      partitions: topic.replicas.map((replicas, index): PartitionInfo => ({
        index,
        leader: replicas[0],
        leaderEpoch: starts - topic.born[index],
        replicas: [...replicas],
        isr: [...replicas]
      })),
      config: new Map(Object.entries(topic.config))
    }
  }
}
