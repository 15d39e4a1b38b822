// Time is handed in. `nowMs` is wall time (record timestamps, retention); `monotonicMs` never jumps
// (time-outs, sessions).

export interface Timer {
  cancel (): void
}

export interface Clock {
  /** Milliseconds since the epoch; may jump. */
  nowMs (): number
  /** Milliseconds since some start; never goes back. May have a fraction. */
  monotonicMs (): number
  /**
   * Calls `due` once, not before `delayMs` of monotonic time have passed. Keeps no process alive by itself.
   */
  after (delayMs: number, due: () => void): Timer
  /**
   * Calls `due` after what is running now and the input that is already there: setImmediate's place in the
   * loop.
   */
  soon (due: () => void): void
}
