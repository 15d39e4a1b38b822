// Fetch sessions (KIP-227): the broker remembers which partitions a client reads and answers only what has
// changed.
//
//   session id   epoch     means
//   any          0         full: forget that session; the answer may found a new one
//   any          -1        full: forget that session and found none
//   id           n > 0     incremental: the n-th of its session, only what changes in it is named
import { type Random } from '../../base/random.ts'
import { type Clock } from '../../base/clock.ts'
import { errorCodes } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/uuid.ts'

export const initialEpoch = 0
export const finalEpoch = -1
const epochMax = 2 ** 31 - 1

/** A session may be pushed out by another once it was not used for so long (as in Kafka). */
const evictionMs = 120_000

/** One partition that somebody wants to read. */
export interface WantedPartition {
  readonly key: string
  /** '' while only the id is known and nobody knows the topic. */
  topic: string
  /** Zero when the client speaks names. */
  topicId: string
  partition: number
  currentLeaderEpoch: number
  fetchOffset: number
  lastFetchedEpoch: number
  maxBytes: number
  // What the client was told last; of sessions only.
  highWatermark: number
  logStartOffset: number
}

export interface ToldPartition {
  errorCode: number
  highWatermark: number
  logStartOffset: number
  recordBytes: number
  diverging: boolean
}

/** A partition's key among the wanted ones: the id where there is one. */
export function wantedKey (topic: string, topicId: string, partition: number): string {
  return topicId === zeroUuid ? `${topic}/${partition}` : `${topicId}:${partition}`
}

export class FetchSession {
  readonly id: number
  /** Version 13 on: clients that speak names and those that speak ids do not share sessions. */
  readonly byTopicId: boolean
  /** The epoch the next request must carry. */
  epoch = 1
  usedMs: number
  readonly createdMs: number
  /**
   * In the order in which they are read: those that gave something go to the end, so that all get their
   * turn.
   */
  readonly wanted: Map<string, WantedPartition>

  constructor (id: number, byTopicId: boolean, nowMs: number, wanted: Map<string, WantedPartition>) {
    this.id = id
    this.byTopicId = byTopicId
    this.createdMs = nowMs
    this.usedMs = nowMs
    this.wanted = wanted
  }
}

/** What of an answer an incremental fetch must carry; remembers what it carries. */
export function mustTell (session: FetchSession, wanted: WantedPartition, told: ToldPartition): boolean {
  let must = told.recordBytes > 0 || told.diverging || wanted.highWatermark !== told.highWatermark ||
    wanted.logStartOffset !== told.logStartOffset
  wanted.highWatermark = told.highWatermark
  wanted.logStartOffset = told.logStartOffset
  if (told.errorCode !== errorCodes.NONE) {
    must = true
    // When the error is gone, that must be told too.
    wanted.highWatermark = -1
  }
  if (told.recordBytes > 0) {
    session.wanted.delete(wanted.key)
    session.wanted.set(wanted.key, wanted)
  }
  return must
}

export class FetchSessions {
  readonly #clock: Clock
  readonly #random: Random
  readonly #slots: () => number
  // In the order of their last use, oldest first.
  readonly #sessions = new Map<number, FetchSession>()

  constructor (clock: Clock, random: Random, slots: () => number) {
    this.#clock = clock
    this.#random = random
    this.#slots = slots
  }

  get size (): number { return this.#sessions.size }

  forget (id: number): void {
    this.#sessions.delete(id)
  }

  /** The session an incremental request continues, or the code of what is wrong with it. */
  resume (id: number, epoch: number, byTopicId: boolean): FetchSession | number {
    const session = this.#sessions.get(id)
    if (session === undefined) return errorCodes.FETCH_SESSION_ID_NOT_FOUND
    if (session.epoch !== epoch) return errorCodes.INVALID_FETCH_SESSION_EPOCH
    if (session.byTopicId !== byTopicId) return errorCodes.FETCH_SESSION_TOPIC_ID_ERROR
    session.epoch = session.epoch === epochMax ? 1 : session.epoch + 1
    session.usedMs = this.#clock.monotonicMs()
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
    return session
  }

  /** null when there is no slot for it: the client goes on without. */
  found (byTopicId: boolean, wanted: Map<string, WantedPartition>): FetchSession | null {
    const nowMs = this.#clock.monotonicMs()
    if (this.#sessions.size >= this.#slots() && !this.#evict(wanted.size, nowMs)) return null
    const session = new FetchSession(this.#newId(), byTopicId, nowMs, wanted)
    this.#sessions.set(session.id, session)
    return session
  }

  /** The one not used for longest, if it is stale; else a smaller one that is no longer new. */
  #evict (partitions: number, nowMs: number): boolean {
    const oldest: FetchSession | undefined = this.#sessions.values().next().value
    if (oldest === undefined) return false
    if (nowMs - oldest.usedMs > evictionMs) return this.#sessions.delete(oldest.id)
    let smallest: FetchSession | null = null
    for (const session of this.#sessions.values()) {
      if (nowMs - session.createdMs <= evictionMs) continue
      if (smallest === null || session.wanted.size < smallest.wanted.size) smallest = session
    }
    return smallest !== null && smallest.wanted.size < partitions && this.#sessions.delete(smallest.id)
  }

  #newId (): number {
    for (;;) {
      const id = 1 + this.#random.below(2 ** 31 - 2)
      if (!this.#sessions.has(id)) return id
    }
  }
}
