// Background work on the caller's own thread: jobs wait until someone pumps, and then run one by one, in
// order. What may block is then a step of its own, between which a simulator can do other things, or crash.

import { type Background } from './background.ts'

export class InlineBackground implements Background {
  #steps: (() => void)[] = []

  run<T> (job: () => T, done: (value: T) => void, failed: (error: Error) => void): void {
    this.#steps.push(() => {
      let value: T
      try {
        value = job()
      } catch (error) {
        failed(error as Error)
        return
      }
      done(value)
    })
  }

  get waiting (): number { return this.#steps.length }

  /** Runs the oldest job and its callback; false when there is none. */
  step (): boolean {
    const step = this.#steps.shift()
    if (step === undefined) return false
    step()
    return true
  }

  /** Runs all jobs, also those that come meanwhile. Returns how many. */
  pump (): number {
    let ran = 0
    while (this.step()) ran++
    return ran
  }

  /** Forgets what waits: the machine has crashed. */
  drop (): void {
    this.#steps = []
  }
}
