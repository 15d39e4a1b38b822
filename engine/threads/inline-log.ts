// The inline filling: the worker's drain() on the caller's thread, after what is running now, so that the
// appends of one turn share a write. For embedded use in memory, tests and the simulator; also for a small
// broker on one core (millrace.log.workers=0).
import { type Disk } from '../base/disk.ts'
import { type Arena } from './arena.ts'
import { Border, type Filling, type LinkShared } from './border.ts'
import { type FromWorker, type ToWorker } from './commands.ts'
import { type DiskThread, inlineDiskThread } from './disk-thread.ts'
import { type LinkParts } from './link.ts'
import { LogCore } from './log-core.ts'
import { type LogOptions, optionDefaults } from './log-options.ts'
import { ringMemory, RingReader, RingWriter } from './ring.ts'
import { WorkerLogs } from './worker-logs.ts'

export type { LogOptions } from './log-options.ts'

export function createInlineLog (options: LogOptions): Border {
  return new Border(options, new InlineFilling(options))
}

class InlineFilling implements Filling {
  readonly #options: LogOptions
  readonly #disk: Disk

  constructor (options: LogOptions) {
    this.#options = options
    this.#disk = options.disk
  }

  workersOf (): number { return 1 }

  diskThread (arena: Arena): DiskThread {
    return inlineDiskThread(this.#disk, this.#options.clock, arena.bytes)
  }

  link (
    { directory, arena, table }: LinkShared, arrived: () => void, ended: (reason: Error) => void
  ): LinkParts {
    const { clock, random, defaults } = this.#options
    const commands = ringMemory()
    const replies = ringMemory()
    const toWorker = new Queue<ToWorker>()
    const fromWorker = new Queue<FromWorker>()
    const core = new LogCore({
      commands: new RingReader(commands),
      replies: new RingWriter(replies),
      channel: { send: object => fromWorker.add(object), receive: () => toWorker.take() },
      table,
      arenaBytes: arena.bytes,
      alert () {},
      waitsForAnswers: () => false
    })
    const retentionCheckMs = this.#options.retentionCheckMs ?? optionDefaults.retentionCheckMs
    const retentionDelayMs = this.#options.retentionDelayMs ?? optionDefaults.retentionDelayMs
    core.serve(new WorkerLogs(core, {
      directory, disk: this.#disk, clock, random, defaults, retentionCheckMs, retentionDelayMs
    }))
    const pump = new Pump(this.#options, core, arrived, ended)
    return {
      commands: new RingWriter(commands),
      replies: new RingReader(replies),
      channel: { send: object => toWorker.add(object), receive: () => fromWorker.take() },
      ring: () => pump.soon()
    }
  }

  async close (): Promise<void> {}
}

/** Runs the core once per turn in which something was asked of it. */
class Pump {
  readonly #options: LogOptions
  readonly #core: LogCore
  readonly #arrived: () => void
  readonly #ended: (reason: Error) => void
  #due = false

  constructor (options: LogOptions, core: LogCore, arrived: () => void, ended: (reason: Error) => void) {
    this.#options = options
    this.#core = core
    this.#arrived = arrived
    this.#ended = ended
  }

  soon (): void {
    if (this.#due) return
    this.#due = true
    this.#options.clock.soon(() => this.#run())
  }

  #run (): void {
    this.#due = false
    try {
      this.#core.drain(this.#options.clock.nowMs())
    } catch (error) {
      this.#core.closed = true
      this.#arrived()
      this.#ended(error as Error)
      return
    }
    this.#arrived()
    // The replies' ring was too full to go on; it is empty now.
    if (!this.#core.closed && !this.#core.idle()) this.soon()
  }
}

/** First in, first out. */
class Queue<T> {
  readonly #items: T[] = []
  add (item: T): void { this.#items.push(item) }
  take (): T | undefined { return this.#items.shift() }
}
