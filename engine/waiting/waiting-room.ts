// Parked requests: until data, acks, or a deadline. One timer wheel for all deadlines; wake-ups come by
// partition row.
import { type Row } from '../threads/log-client.ts'

export interface Parked {
  /** Looks again after one of its rows advanced; true when it is done and must be forgotten. */
  check (): boolean
  /** The deadline passed, or the room closes. Called at most once and never after check() returned true. */
  expire (): void
}

export interface WaitingRoom {
  /**
   * Parks until check() is true, the deadline (monotonic, ms from now) passes, or leave(). The caller has
   * already seen check() false.
   */
  park (rows: readonly Row[], waitMs: number, parked: Parked): Ticket
  /** Wakes who waits for that row (LogEvents.advanced). */
  advanced (row: Row): void
  /** A deadline without rows: group sessions, rebalances. */
  after (waitMs: number, due: () => void): Ticket
  /** Expires everyone. */
  close (): void
  readonly size: number
}

export interface Ticket {
  /** Forgets the parked request without calling it. */
  leave (): void
}
