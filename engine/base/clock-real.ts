// The machine's clock. Timers keep no process alive: a broker lives by its sockets, a tool by its requests.

import { type Clock, type Timer } from './clock.ts'

/** Longer delays overflow the 32-bit milliseconds of setTimeout and would fire at once. */
const sleepMsMax = 2 ** 31 - 1

class RealTimer implements Timer {
  #dueMs: number
  #due: () => void
  #handle: NodeJS.Timeout

  constructor (delayMs: number, due: () => void) {
    this.#dueMs = performance.now() + delayMs
    this.#due = due
    this.#handle = this.#arm(delayMs)
  }

  cancel (): void {
    clearTimeout(this.#handle)
  }

  #arm (leftMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#fire(), Math.max(0, Math.min(Math.ceil(leftMs), sleepMsMax))).unref()
  }

  // setTimeout counts whole milliseconds of the loop's own clock and may be a little early.
  #fire (): void {
    const leftMs = this.#dueMs - performance.now()
    if (leftMs > 0) this.#handle = this.#arm(leftMs)
    else this.#due()
  }
}

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, due) => new RealTimer(delayMs, due),
  soon (due) { setImmediate(due) }
}
