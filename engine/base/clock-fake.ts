// A clock that stands still until it is told to move. Timers that are due at the same time fire in the order
// in which they were set, so that a seed replays them.

import { assert } from './assert.ts'
import { type Clock, type Timer } from './clock.ts'

class FakeTimer implements Timer {
  readonly dueMs: number
  readonly due: () => void
  cancelled = false

  constructor (dueMs: number, due: () => void) {
    this.dueMs = dueMs
    this.due = due
  }

  cancel (): void {
    this.cancelled = true
  }
}

export class FakeClock implements Clock {
  #monotonicMs = 0
  #wallMs: number // runs with the monotonic time; setWallMs() lets it jump
  #timers: FakeTimer[] = []
  #soon: (() => void)[] = []

  constructor (wallMs: number = 1_700_000_000_000) {
    this.#wallMs = wallMs
  }

  nowMs (): number { return this.#wallMs }
  monotonicMs (): number { return this.#monotonicMs }

  after (delayMs: number, due: () => void): Timer {
    const timer = new FakeTimer(this.#monotonicMs + Math.max(0, delayMs), due)
    this.#timers.push(timer)
    return timer
  }

  soon (due: () => void): void {
    this.#soon.push(due)
  }

  /** What was put off by soon() and not run yet. */
  get waiting (): number { return this.#soon.length }

  /** When the next timer is due, in monotonic time; null when none is set. */
  get nextDueMs (): number | null { return this.#next(Infinity)?.dueMs ?? null }

  /** Runs what was put off by soon(), not what that puts off again. Returns how many. */
  runSoon (): number {
    const due = this.#soon
    this.#soon = []
    for (const run of due) run()
    return due.length
  }

  /** Lets time pass: fires every timer that comes due on the way, each at its time. */
  advance (ms: number): void {
    assert(ms >= 0, 'time does not run backwards; setWallMs() lets the wall clock jump')
    const target = this.#monotonicMs + ms
    for (let timer = this.#next(target); timer !== null; timer = this.#next(target)) {
      this.#passTo(timer.dueMs)
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      timer.due()
    }
    this.#passTo(target)
  }

  /** The wall clock jumps; timers do not notice. */
  setWallMs (wallMs: number): void {
    this.#wallMs = wallMs
  }

  #passTo (monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  #next (untilMs: number): FakeTimer | null {
    let next: FakeTimer | null = null
    this.#timers = this.#timers.filter((timer) => !timer.cancelled)
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue
      // They stand in the order in which they were set, so the first of those due together stays.
      if (next === null || timer.dueMs < next.dueMs) next = timer
    }
    return next
  }
}
