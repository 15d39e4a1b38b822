// Disk threads that Piscina owns, started at the first job: one for what the device does, another for
// checking records, which needs no device: an fsync does not wait behind it.
import { Piscina } from 'piscina'
import { DiskError } from '../base/disk.ts'
import { type DiskJob, type JobResults } from './disk-jobs.ts'
import { type DiskAnswer, type DiskThread } from './disk-thread.ts'
import { entryUrl } from './entry-url.ts'

/** Enough to hide the hop, few enough that an fsync does not queue behind many reads. */
const inWorkMax = 2

interface Waiting {
  job: DiskJob
  resolve: (value: any) => void
  reject: (error: Error) => void
}

export class PoolDisk implements DiskThread {
  readonly #device: PoolThread
  readonly #checker: PoolThread

  constructor (arena: SharedArrayBuffer) {
    this.#device = new PoolThread(arena)
    this.#checker = new PoolThread(arena)
  }

  run<K extends DiskJob['kind']> (job: DiskJob & { kind: K }): Promise<JobResults[K]> {
    return (job.kind === 'check' ? this.#checker : this.#device).run(job)
  }

  async close (): Promise<void> {
    await Promise.all([this.#device.close(), this.#checker.close()])
  }
}

class PoolThread {
  readonly #arena: SharedArrayBuffer
  #pool: Piscina<DiskJob, DiskAnswer> | null = null
  #inWork = 0
  readonly #urgent: Waiting[] = []
  readonly #waiting: Waiting[] = []
  #closed = false

  constructor (arena: SharedArrayBuffer) {
    this.#arena = arena
  }

  run (job: DiskJob): Promise<any> {
    if (this.#closed) return Promise.reject(new Error('the disk thread has ended'))
    return new Promise((resolve, reject) => {
      (job.kind === 'sync' ? this.#urgent : this.#waiting).push({ job, resolve, reject })
      this.#next()
    })
  }

  #next (): void {
    while (this.#inWork < inWorkMax) {
      const waiting = this.#urgent.shift() ?? this.#waiting.shift()
      if (waiting === undefined) return
      this.#inWork++
      this.#start().run(waiting.job).then(
        ({ value, failure }) => {
          this.#inWork--
          if (failure === null) waiting.resolve(value)
          else waiting.reject(new DiskError(failure.code, 'disk thread', failure.path, failure.message))
          this.#next()
        },
        (error: Error) => {
          this.#inWork--
          waiting.reject(error)
          this.#next()
        })
    }
  }

  #start (): Piscina<DiskJob, DiskAnswer> {
    this.#pool ??= new Piscina({
      filename: entryUrl('disk-entry'),
      name: 'diskJob',
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: inWorkMax,
      recordTiming: false,
      workerData: { arena: this.#arena }
    })
    return this.#pool
  }

  async close (): Promise<void> {
    this.#closed = true
    const ended = new Error('the disk thread has ended')
    for (const { reject } of [...this.#urgent.splice(0), ...this.#waiting.splice(0)]) reject(ended)
    await this.#pool?.destroy()
  }
}
