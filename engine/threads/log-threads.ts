// The threads of the log workers, each a pool of one whose only task lasts as long as the worker. A thread
// takes about as long to start as the rest of a broker to load, so both happen at once: it is started before
// anybody knows what to tell it.
import { Piscina } from 'piscina'
import { threadEnvironment } from '../base/compiled.ts'
import { entryUrl } from './entry-url.ts'
import type { WorkerTask } from './worker-log.ts'

/** A log worker makes little garbage, and has no idle moment in which its heap would shrink again: what a
 *  burst makes it grow to stays resident. */
const youngMegabytesMax = 6

export class LogThreads {
  readonly #pools: Piscina<WorkerTask, void>[] = []
  #taken = 0 // pools that have their task, the first ones

  constructor (count = 0) {
    while (this.#pools.length < count) this.#start()
  }

  #start (): void {
    this.#pools.push(new Piscina({
      filename: entryUrl('worker-entry'),
      name: 'logWorker',
      minThreads: 1,
      maxThreads: 1,
      recordTiming: false,
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytesMax },
      env: threadEnvironment()
    }))
  }

  /** Resolves when the worker has closed; a rejection says that it has ended. */
  run (task: WorkerTask): Promise<void> {
    if (this.#taken === this.#pools.length) this.#start()
    const pool = this.#pools[this.#taken++]
    return pool.run(task, { transferList: [task.objects, task.alarm] })
  }

  /** Those that still work end as well. */
  async close (): Promise<void> {
    await Promise.all(this.#pools.map(pool => pool.destroy()))
  }

  /** For tests: ends a thread from outside, as a crash of it would. */
  async kill (): Promise<void> {
    await this.#pools[0].threads[0].terminate()
  }
}
