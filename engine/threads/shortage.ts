// Who waits when the arena is short, and who may go on. Frames wait unread, in turn; only the oldest
// unfinished one is read on, past the budget if it must be and nobody before it still is, so that something
// always finishes and gives its memory back.
import { type Clock, type Timer } from '../base/clock.ts'

export interface MemoryWaiter {
  /** Something was given back, or this one may go past the budget: try again. */
  memoryFree (): void
}

export interface FrameEvents {
  /** Memory is there again: offer the bytes that were not taken (or none) once more. */
  resume (): void
  /** Others wait for this frame, and it was not complete in time: its connection must be closed. */
  overdue (): void
}

export interface Unfinished extends MemoryWaiter {
  readonly events: FrameEvents
}

/** How long others wait for the oldest unfinished frame. */
export const overdueMs = 30_000

export class Shortage {
  readonly #clock: Clock
  readonly #room: () => boolean
  readonly #unfinished = new Set<Unfinished>() // in the order they began
  #waiters = new Set<MemoryWaiter>() // in the order they came
  #favoured: Unfinished | null = null // may go past the budget; only while someone waits
  #timer: Timer | null = null
  #waking = false

  constructor (clock: Clock, room: () => boolean) {
    this.#clock = clock
    this.#room = room
  }

  get waiting (): number { return this.#waiters.size }

  began (frame: Unfinished): void {
    this.#unfinished.add(frame)
  }

  /** Complete or given up. */
  ended (frame: Unfinished): void {
    this.#unfinished.delete(frame)
    this.#waiters.delete(frame)
    if (this.#favoured === frame) this.#favour(null)
    if (this.#waiters.size > 0) this.#choose()
  }

  mayExceed (frame: Unfinished): boolean {
    return this.#favoured === frame || this.#oldest() === frame
  }

  wait (waiter: MemoryWaiter): void {
    this.#waiters.add(waiter)
    this.#choose()
  }

  /** It does not want memory any more. */
  forget (waiter: MemoryWaiter): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size === 0) this.#favour(null)
  }

  /** Memory was given back. The waiters run later: whoever gives back is in the middle of something. */
  wake (): void {
    if (this.#waking || this.#waiters.size === 0) return
    this.#waking = true
    this.#clock.soon(() => this.#wakeInTurn())
  }

  close (): void {
    this.#favour(null)
    this.#waiters.clear()
    this.#unfinished.clear()
  }

  #wakeInTurn (): void {
    this.#waking = false
    const waiters = this.#waiters
    this.#waiters = new Set()
    for (const waiter of waiters) {
      // Those not reached, and those that wait again, keep their order.
      if (this.#room() || waiter === this.#favoured) waiter.memoryFree()
      else this.#waiters.add(waiter)
    }
    if (this.#waiters.size === 0) this.#favour(null)
    else this.#choose()
  }

  #oldest (): Unfinished | null {
    const { value } = this.#unfinished.values().next()
    return value ?? null
  }

  #choose (): void {
    const oldest = this.#oldest()
    if (oldest === this.#favoured) return
    this.#favour(oldest)
    if (oldest !== null && this.#waiters.has(oldest)) this.wake()
  }

  #favour (frame: Unfinished | null): void {
    this.#favoured = frame
    this.#timer?.cancel()
    this.#timer = null
    if (frame !== null) this.#watch(frame)
  }

  /** A frame that waits itself, for one that went past the budget before it, is not what holds others up. */
  #watch (frame: Unfinished): void {
    this.#timer = this.#clock.after(overdueMs, () => {
      if (this.#waiters.has(frame)) this.#watch(frame)
      else frame.events.overdue()
    })
  }
}
