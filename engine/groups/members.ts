// Who is in a classic group: members and their protocols, static members by instance, those who were given
// an id but have not joined, those who joined but have not synced, and the leader among them.
import { assert } from '../base/assert.ts'

export interface Protocol {
  readonly name: string
  /** What the member tells the leader under this protocol: for consumers, topics and owned partitions. */
  readonly metadata: Buffer
}

export interface Member {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly Protocol[]
  assignment: Buffer
  /**
   * Joined for the first time and not answered yet: it cannot send heartbeats, so its time runs even while
   * it waits.
   */
  isNew: boolean
  /** The JoinGroup that waits for the rebalance, 0: none. */
  joinRequest: number
  /** The SyncGroup that waits for the leader, 0: none. */
  syncRequest: number
}

export const noBytes: Buffer = Buffer.alloc(0)

export function metadataOf (member: Member, protocol: string | null): Buffer {
  return member.protocols.find(({ name }) => name === protocol)?.metadata ?? noBytes
}

/** Same protocols, in the same order, with the same metadata. */
export function sameProtocols (member: Member, protocols: readonly Protocol[]): boolean {
  return member.protocols.length === protocols.length && member.protocols.every(({ name, metadata }, at) =>
    name === protocols[at].name && metadata.equals(protocols[at].metadata))
}

export class Members {
  readonly #byId = new Map<string, Member>()
  /** Instance id -> member id; each names a member in #byId. */
  readonly #instances = new Map<string, string>()
  /** Given an id, not joined yet; none of them in #byId. */
  readonly pendingJoin = new Set<string>()
  /** Answered in this generation, not synced yet; all of them in #byId. */
  readonly pendingSync = new Set<string>()
  /** Protocol -> how many members know it. */
  readonly #known = new Map<string, number>()
  /** Members with a joinRequest. */
  #awaitingJoin = 0
  leader: string | null = null

  get size (): number { return this.#byId.size }
  get awaitingJoin (): number { return this.#awaitingJoin }
  get (id: string): Member | undefined { return this.#byId.get(id) }
  has (id: string): boolean { return this.#byId.has(id) }
  all (): IterableIterator<Member> { return this.#byId.values() }
  instance (instanceId: string): string | undefined { return this.#instances.get(instanceId) }

  /** Nobody is missing who could still join. */
  get allJoined (): boolean { return this.#byId.size === this.#awaitingJoin && this.pendingJoin.size === 0 }

  get rebalanceTimeoutMs (): number {
    let ms = 0
    for (const member of this.#byId.values()) ms = Math.max(ms, member.rebalanceTimeoutMs)
    return ms
  }

  add (member: Member): void {
    assert(!this.#byId.has(member.id), 'a member joins once')
    if (member.instanceId !== null) {
      assert(!this.#instances.has(member.instanceId), 'an instance has one member')
      this.#instances.set(member.instanceId, member.id)
    }
    this.#byId.set(member.id, member)
    this.#count(member, 1)
    if (member.joinRequest !== 0) this.#awaitingJoin++
    this.leader ??= member.id
    this.pendingJoin.delete(member.id)
  }

  /** Also forgets an id that was only given. The caller has answered what the member waited for. */
  remove (id: string): void {
    const member = this.#byId.get(id)
    if (member !== undefined) {
      this.#byId.delete(id)
      this.#count(member, -1)
      if (member.joinRequest !== 0) this.#awaitingJoin--
      if (member.instanceId !== null) this.#instances.delete(member.instanceId)
    }
    if (this.leader === id) this.leader = this.#byId.keys().next().value ?? null
    this.pendingJoin.delete(id)
    this.pendingSync.delete(id)
  }

  /**
   * A static member came back under a new id: everything else stays. The caller has answered what the old
   * one waited for.
   */
  replace (oldId: string, newId: string): Member {
    const old = this.#byId.get(oldId)
    assert(old !== undefined && old.instanceId !== null, 'only a static member is replaced')
    assert(old.joinRequest === 0 && old.syncRequest === 0, 'what it waited for is answered')
    const member: Member = { ...old, id: newId, isNew: false }
    this.#byId.delete(oldId)
    this.#byId.set(newId, member)
    this.#instances.set(old.instanceId, newId)
    this.pendingSync.delete(oldId)
    if (this.leader === oldId) this.leader = newId
    return member
  }

  update (member: Member, change: {
    protocols: readonly Protocol[], rebalanceTimeoutMs: number, sessionTimeoutMs: number
  }): void {
    this.#count(member, -1)
    member.protocols = change.protocols
    this.#count(member, 1)
    member.rebalanceTimeoutMs = change.rebalanceTimeoutMs
    member.sessionTimeoutMs = change.sessionTimeoutMs
  }

  waitForJoin (member: Member, request: number): void {
    assert(this.#byId.get(member.id) === member, 'a member of this group')
    if (member.joinRequest !== 0) this.#awaitingJoin--
    member.joinRequest = request
    if (request !== 0) this.#awaitingJoin++
  }

  #count (member: Member, by: number): void {
    for (const { name } of member.protocols) {
      const count = (this.#known.get(name) ?? 0) + by
      if (count === 0) this.#known.delete(name)
      else this.#known.set(name, count)
    }
  }

  /** A protocol that all members know is among them. */
  supportsAny (protocols: readonly Protocol[]): boolean {
    return protocols.some(({ name }) => (this.#known.get(name) ?? 0) === this.#byId.size)
  }

  /** Of the protocols that all know, the one that most members prefer. */
  electProtocol (): string {
    const votes = new Map<string, number>()
    for (const member of this.#byId.values()) {
      const choice = member.protocols.find(({ name }) => this.#known.get(name) === this.#byId.size)
      assert(choice !== undefined, 'members that share no protocol are not let in')
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let best = ''
    let most = 0
    for (const [name, count] of votes) {
      if (count > most) [best, most] = [name, count]
    }
    return best
  }

  /** Keeps a leader that has joined again, else makes one of those who have. False when nobody has. */
  electJoinedLeader (): boolean {
    if (this.leader === null) return false
    if (this.#byId.get(this.leader)?.joinRequest !== 0) return true
    for (const member of this.#byId.values()) {
      if (member.joinRequest === 0) continue
      this.leader = member.id
      return true
    }
    return false
  }
}
