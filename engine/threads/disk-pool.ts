// Disk threads that Piscina owns, started at the first job: one for what the device does, another for
// checking records, which needs no device: an fsync does not wait behind it.
//
// Small files are replaced without one, by the threads that Node keeps for such calls: a broker whose clients
// keep up writes nothing but its checkpoints, and a thread takes 15 MB.
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { DiskError } from '../base/disk.ts'
import { replaceFileAside } from '../base/disk-real.ts'
import { type DiskTask } from './disk-entry.ts'
import { type DiskJob, type JobResults } from './disk-jobs.ts'
import { type DiskAnswer, type DiskThread } from './disk-thread.ts'
import { Doorbell } from './doorbell.ts'
import { entryUrl } from './entry-url.ts'

/** Enough to hide the hop, few enough that an fsync does not queue behind many reads. */
const inWorkMax = 2

type ReplaceJob = DiskJob & { kind: 'replace' }

interface Waiting {
  job: DiskJob
  resolve: (value: any) => void
  reject: (error: Error) => void
}

export class PoolDisk implements DiskThread {
  readonly #device: PoolThread
  readonly #checker: PoolThread
  #replaced: Promise<unknown> = Promise.resolve() // what was replaced last; never rejects

  constructor (arena: SharedArrayBuffer) {
    this.#device = new PoolThread(arena)
    this.#checker = new PoolThread(arena)
  }

  run<K extends DiskJob['kind']> (job: DiskJob & { kind: K }): Promise<JobResults[K]> {
    if (job.kind === 'replace') return this.#replace(job as ReplaceJob)
    return (job.kind === 'check' ? this.#checker : this.#device).run(job)
  }

  /** One after the other: of two states of a file the later one stays. */
  #replace (job: ReplaceJob): Promise<any> {
    const { path, bytes } = job
    const done = this.#replaced.then(() =>
      this.#device.idle ? replaceFileAside(path, bytes) : this.#device.run(job))
    this.#replaced = done.catch(() => {})
    return done
  }

  async close (): Promise<void> {
    await this.#replaced
    await Promise.all([this.#device.close(), this.#checker.close()])
  }
}

interface Running {
  readonly pool: Piscina<DiskTask, void>
  readonly jobs: MessagePort
  readonly doorbell: Doorbell
}

class PoolThread {
  readonly #arena: SharedArrayBuffer
  #running: Running | null = null
  readonly #inWork: Waiting[] = [] // answered in this order
  readonly #urgent: Waiting[] = []
  readonly #waiting: Waiting[] = []
  #ended: Error | null = null

  constructor (arena: SharedArrayBuffer) {
    this.#arena = arena
  }

  /** It has not started, and has not ended: there is no thread. */
  get idle (): boolean {
    return this.#running === null && this.#ended === null
  }

  run (job: DiskJob): Promise<any> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      (job.kind === 'sync' ? this.#urgent : this.#waiting).push({ job, resolve, reject })
      this.#next()
    })
  }

  #next (): void {
    while (this.#inWork.length < inWorkMax) {
      const waiting = this.#urgent.shift() ?? this.#waiting.shift()
      if (waiting === undefined) return
      this.#inWork.push(waiting)
      this.#running ??= this.#start()
      this.#running.jobs.postMessage(waiting.job)
      this.#running.doorbell.ring()
    }
  }

  #answered ({ value, failure }: DiskAnswer): void {
    const { resolve, reject } = this.#inWork.shift()!
    if (failure === null) resolve(value)
    else if (failure.code === null) reject(new Error(failure.message))
    else reject(new DiskError(failure.code, 'disk thread', failure.path, failure.message))
    this.#next()
  }

  /** A pool of one: the task is there as long as the thread, and its rejection says that it has ended. */
  #start (): Running {
    const pool = new Piscina<DiskTask, void>({
      filename: entryUrl('disk-entry'),
      name: 'diskThread',
      minThreads: 1,
      maxThreads: 1,
      recordTiming: false
    })
    const { port1, port2 } = new MessageChannel()
    const doorbell = new Doorbell()
    port1.on('message', (answer: DiskAnswer) => this.#answered(answer))
    const task = { arena: this.#arena, doorbell: doorbell.memory, jobs: port2 }
    pool.run(task, { transferList: [port2] }).then(() => {}, (reason: Error) => this.#end(reason))
    return { pool, jobs: port1, doorbell }
  }

  #end (reason: Error): void {
    this.#ended ??= reason
    const left = [this.#inWork, this.#urgent, this.#waiting].flatMap(jobs => jobs.splice(0))
    for (const { reject } of left) reject(this.#ended)
  }

  async close (): Promise<void> {
    this.#running?.jobs.close()
    this.#end(new Error('the disk thread has ended'))
    await this.#running?.pool.destroy()
  }
}
