// A group of the classic protocol: its state, its generation, its members. How it moves is in
// classic-group.ts (one event at a time), classic-join.ts, classic-sync.ts and classic-rebalance.ts.
//
//   Empty ──join──> PreparingRebalance ──all joined or time over──> CompletingRebalance ──synced──> Stable
//     ^                 │        ^                                         │                          │
//     └──nobody left────┘        └──────── join, leave, session over, sync time over ─────────────────┘
import { Outcome } from '../coordinator/machine.ts'
import { subscribedTopics } from './subscriptions.ts'
import {
  type ClassicEvent, type ClassicSettings, type ClassicState, type JoinAnswer, type SyncAnswer
} from './classic-types.ts'
import { type Member, Members, metadataOf, noBytes } from './members.ts'

export class ClassicGroup {
  readonly id: string
  readonly settings: ClassicSettings
  /** A member id nobody has had, beginning with that name. */
  readonly newMemberId: (name: string) => string
  readonly members = new Members()
  state: ClassicState = 'Empty'
  previousState: ClassicState = 'Dead'
  /** Since when it is in its state, wall time; -1 unknown (records of old brokers). */
  stateSinceMs: number
  generation = 0
  /** What kind of group it is ('consumer', 'connect'); null until somebody joins. */
  protocolType: string | null = null
  /** The protocol of this generation. */
  protocol: string | null = null
  /** Topics its members read, null: not known. */
  topics: ReadonlySet<string> | null = null
  /** Somebody joined since the empty group began to wait: it waits on. */
  memberAdded = false

  constructor (id: string, settings: ClassicSettings, newMemberId: (name: string) => string, nowMs: number) {
    this.id = id
    this.settings = settings
    this.newMemberId = newMemberId
    this.stateSinceMs = nowMs
  }

  enter (state: ClassicState, nowMs: number): void {
    this.previousState = this.state
    this.state = state
    this.stateSinceMs = nowMs
  }

  /** The next generation has its members; it waits for their leader's assignment, or nobody is left. */
  nextGeneration (nowMs: number): void {
    this.generation++
    this.protocol = this.members.size === 0 ? null : this.members.electProtocol()
    this.learnTopics()
    this.members.pendingSync.clear()
    this.enter(this.members.size === 0 ? 'Empty' : 'CompletingRebalance', nowMs)
  }

  get isConsumers (): boolean { return this.protocolType === 'consumer' }

  learnTopics (): void {
    this.topics = this.isConsumers && (this.protocol !== null || this.members.size === 0)
      ? subscribedTopics([...this.members.all()].map(member => metadataOf(member, this.protocol)))
      : null
  }

  /** Where the topics are not known a consumer group counts as reading every topic: its offsets are kept. */
  reads (topic: string): boolean {
    return this.topics === null ? this.isConsumers : this.topics.has(topic)
  }

  /** The answer for a member of this generation; the leader gets to know everybody. */
  joinAnswer (member: Member): JoinAnswer {
    const leads = this.members.leader === member.id
    return {
      errorCode: 0,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocol,
      leader: this.members.leader ?? '',
      skipAssignment: false,
      memberId: member.id,
      members: leads ? this.memberList() : []
    }
  }

  memberList (): JoinAnswer['members'] {
    return [...this.members.all()].map(member => ({
      memberId: member.id, groupInstanceId: member.instanceId, metadata: metadataOf(member, this.protocol)
    }))
  }

  syncAnswer (member: Member): SyncAnswer {
    return {
      errorCode: 0,
      protocolType: this.protocolType,
      protocolName: this.protocol,
      assignment: member.assignment
    }
  }
}

/** A step of a group in the making. */
export class Turn extends Outcome<ClassicEvent> {
  readonly nowMs: number
  constructor (nowMs: number) {
    super()
    this.nowMs = nowMs
  }

  /** The member has shown that it lives, or could not have. */
  renewSession (member: Member, ms = member.sessionTimeoutMs): void {
    this.wake(sessionTimer(member.id), ms, { kind: 'session-over', memberId: member.id })
  }

  answerJoin (group: ClassicGroup, member: Member, answer: JoinAnswer): void {
    if (member.joinRequest === 0) return
    this.reply(member.joinRequest, answer)
    group.members.waitForJoin(member, 0)
  }

  answerSync (member: Member, answer: SyncAnswer): boolean {
    if (member.syncRequest === 0) return false
    this.reply(member.syncRequest, answer)
    member.syncRequest = 0
    return true
  }
}

export const joinTimer = 'join'
export const syncTimer = 'sync'
export function sessionTimer (memberId: string): string {
  return `session ${memberId}`
}

export function joinRefused (errorCode: number, memberId: string): JoinAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: []
  }
}

export function syncRefused (errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: noBytes }
}
