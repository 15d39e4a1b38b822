// The filling with threads: one long-lived Piscina task per log worker, fed over rings, and a disk thread per
// log directory.
import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { type LogConfig } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { Border, type Filling, type LinkShared } from './border.ts'
import { type FromWorker, type ToWorker } from './commands.ts'
import { PoolDisk } from './disk-pool.ts'
import { type DiskThread } from './disk-thread.ts'
import { Doorbell, Wake } from './doorbell.ts'
import { type LinkParts } from './link.ts'
import { type LogOptions, optionDefaults } from './log-options.ts'
import { LogThreads } from './log-threads.ts'
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
  readonly #threads: LogThreads
  readonly #tasks: Promise<void>[] = []
  readonly #ports: MessagePort[] = []

  constructor (options: LogOptions) {
    this.#options = options
    this.#threads = options.threads ?? new LogThreads()
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

  #run (task: WorkerTask, arrived: () => void, ended: (reason: Error) => void): void {
    const done = this.#threads.run(task)
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
    await this.#threads.close()
    for (const port of this.#ports) port.close()
  }

  async kill (): Promise<void> {
    await this.#threads.kill()
  }
}
