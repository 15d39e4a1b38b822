// What goes into a classic group and what comes out. Plain data: scripts in tests write it, handlers
// translate it.
import { type Protocol } from './members.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface JoinRequest {
  /** '': not a member yet */
  memberId: string
  instanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocolType: string
  protocols: readonly Protocol[]
  /** The version wants a new dynamic member to come back with the id it is given. */
  idRequired: boolean
  /** The version can tell a returning leader that nothing needs to be assigned. */
  mayKeepAssignment: boolean
}

export interface JoinAnswer {
  errorCode: number
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leader: string
  skipAssignment: boolean
  memberId: string
  members: { memberId: string, groupInstanceId: string | null, metadata: Buffer }[]
}

export interface MemberIdentity {
  memberId: string
  instanceId: string | null
}

export interface SyncRequest extends MemberIdentity {
  generation: number
  /** null where the version has none */
  protocolType: string | null
  protocolName: string | null
  assignments: readonly { memberId: string, assignment: Buffer }[]
}

export interface SyncAnswer {
  errorCode: number
  protocolType: string | null
  protocolName: string | null
  assignment: Buffer
}

export interface HeartbeatRequest extends MemberIdentity {
  generation: number
}

export interface LeaveAnswer {
  errorCode: number
  members: { memberId: string, groupInstanceId: string | null, errorCode: number }[]
}

export type ClassicEvent =
  | { kind: 'join', request: number, join: JoinRequest }
  | { kind: 'sync', request: number, sync: SyncRequest }
  | { kind: 'heartbeat', request: number, heartbeat: HeartbeatRequest }
  | { kind: 'leave', request: number, members: readonly MemberIdentity[] }
  | ClassicTimer

/** What the group asked to be woken with. */
export type ClassicTimer =
  | { kind: 'first-members-came', delayMs: number, remainingMs: number }
  | { kind: 'join-time-over' }
  | { kind: 'sync-time-over', generation: number }
  | { kind: 'session-over', memberId: string }

export interface ClassicSettings {
  readonly membersMax: number
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  /** group.initial.rebalance.delay.ms: an empty group waits so long for more members. */
  readonly firstRebalanceDelayMs: number
}
