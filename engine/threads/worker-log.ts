// The filling with threads: one long-lived Piscina task per log worker, fed over rings, and a disk thread per
// log directory.
import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { type LogConfig } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { Border, type Filling, type LinkShared } from './border.ts'
import { type FromWorker, type ToWorker } from './commands.ts'
import { PoolDisk } from './disk-pool.ts'
import { type DiskThread } from './disk-thread.ts'
import { Doorbell, Wake } from './doorbell.ts'
import { entryUrl } from './entry-url.ts'
import { type LinkParts } from './link.ts'
import { type LogOptions, optionDefaults } from './log-options.ts'
import { portChannel } from './port-channel.ts'
import { ringMemory, RingReader, RingWriter } from './ring.ts'

export type { LogOptions } from './log-options.ts'

export function createWorkerLog (options: LogOptions): Border {
  return new Border(options, new WorkerFilling(options))
}

/** What a worker is started with. */
export interface WorkerTask {
  directory: string
  commands: SharedArrayBuffer
  replies: SharedArrayBuffer
  doorbell: SharedArrayBuffer
  wake: SharedArrayBuffer
  arena: SharedArrayBuffer
  table: SharedArrayBuffer
  /** Objects, both ways; never listened to: records announce them. */
  objects: MessagePort
  /** One empty message when replies wait that main does not know of. */
  alarm: MessagePort
  defaults: LogConfig
  retentionCheckMs: number
  retentionDelayMs: number
}

class WorkerFilling implements Filling {
  readonly #options: LogOptions
  readonly #pools: Piscina<WorkerTask, void>[] = []
  readonly #tasks: Promise<void>[] = []
  readonly #ports: MessagePort[] = []

  constructor (options: LogOptions) {
    this.#options = options
  }

  workersOf (directory: number): number {
    const directories = this.#options.directories.length
    const wanted = this.#options.workers ?? availableParallelism() - 1
    const all = Math.max(directories, wanted)
    return Math.floor(all / directories) + (directory < all % directories ? 1 : 0)
  }

  diskThread (arena: Arena): DiskThread {
    return new PoolDisk(arena.buffer)
  }

  link (
    { directory, arena, table }: LinkShared, arrived: () => void, ended: (reason: Error) => void
  ): LinkParts {
    const commands = ringMemory()
    const replies = ringMemory()
    const doorbell = new Doorbell()
    const wake = new Wake()
    const objects = new MessageChannel()
    const alarm = new MessageChannel()
    alarm.port1.on('message', () => {
      wake.taken()
      arrived()
    })
    this.#ports.push(objects.port1, alarm.port1)
    this.#run({
      directory,
      commands,
      replies,
      doorbell: doorbell.memory,
      wake: wake.memory,
      arena: arena.buffer,
      table: table.buffer,
      objects: objects.port2,
      alarm: alarm.port2,
      defaults: this.#options.defaults,
      retentionCheckMs: this.#options.retentionCheckMs ?? optionDefaults.retentionCheckMs,
      retentionDelayMs: this.#options.retentionDelayMs ?? optionDefaults.retentionDelayMs
    }, arrived, ended)
    return {
      commands: new RingWriter(commands),
      replies: new RingReader(replies),
      channel: portChannel<FromWorker, ToWorker>(objects.port1),
      ring: () => doorbell.ring()
    }
  }

  /** A pool of one: the task is there as long as the worker, and its rejection says that the worker has
   *  ended. */
  #run (task: WorkerTask, arrived: () => void, ended: (reason: Error) => void): void {
    const pool = new Piscina<WorkerTask, void>({
      filename: entryUrl('worker-entry'),
      name: 'logWorker',
      minThreads: 1,
      maxThreads: 1,
      recordTiming: false
    })
    this.#pools.push(pool)
    const done = pool.run(task, { transferList: [task.objects, task.alarm] })
    // What it still answered counts; only the rest fails.
    this.#tasks.push(done.then(() => {
      arrived()
      ended(new Error('the log worker has closed'))
    }, (reason: Error) => {
      arrived()
      ended(reason)
    }))
  }

  async close (): Promise<void> {
    await Promise.all(this.#tasks)
    await Promise.all(this.#pools.map(pool => pool.destroy()))
    for (const port of this.#ports) port.close()
  }

  /** For tests: ends a thread from outside, as a crash of it would. */
  async kill (): Promise<void> {
    await this.#pools[0].threads[0].terminate()
  }
}
