// Drives compaction from the main thread: asks the workers for the dirtiest log, lets the disk thread of its
// directory rewrite it in small steps with pauses for the I/O limit, has its worker swap in each rewritten
// group, and notes in the directory's checkpoint how far it got.
import { type Clock, type Timer } from '../base/clock.ts'
import { DiskError } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { encodeOffsets, type OffsetCheckpoint, readOffsets } from '../log/checkpoints.ts'
import { checkpointKey } from '../log/log-directory.ts'
import { keySecretBytes } from '../log/compaction/key-hash.ts'
import { type CompactionProgress } from '../log/compaction/plan.ts'
import { fileNames } from '../log/names.ts'
import { type Offset } from '../log/types.ts'
import { type Arrivals } from './arrivals.ts'
import { type DirectoryKeeper } from './keeper.ts'
import { type Link } from './link.ts'
import { type CleanerSettings, type LogOptions } from './log-options.ts'
import { CallRefused } from './log-core.ts'
import { type MainRow } from './main-row.ts'
import { type FoundCompaction } from './worker-compaction.ts'

export interface CompactorParts {
  readonly options: LogOptions
  readonly links: readonly Link[]
  readonly arrivals: Arrivals
}

interface Run {
  readonly open: MainRow
  readonly link: Link
  readonly keeper: DirectoryKeeper
  readonly id: number
  readonly found: FoundCompaction
  stopping: boolean
  ended: Promise<void>
}

/** How soon a changed setting or the end of a compaction is noticed. */
const pollMs = 250

/** Codes that say nothing of the device: the next try may go well. */
const passing = new Set(['ENOENT', 'ENOSPC', 'EMFILE', 'ENFILE'])

export class Compactor {
  readonly #parts: CompactorParts
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #runs = new Map<MainRow, Run>()
  readonly #checkpoints = new Map<DirectoryKeeper, OffsetCheckpoint>()
  #looking: Promise<void> | null = null
  #lookAtMs = 0
  #ids = 0
  #closed = false
  #timer: Timer | null = null
  /** Waits of the I/O limit: each is let go early at the end. */
  readonly #pauses = new Set<() => void>()

  constructor (parts: CompactorParts) {
    this.#parts = parts
    this.#clock = parts.options.clock
    this.#logger = parts.options.logger
  }

  /** By a timer of its own: the broker's first tick may come late, and short backoffs are meant. */
  start (): void {
    if (this.#closed || this.#parts.options.cleaner === undefined) return
    this.#timer = this.#clock.after(pollMs, () => {
      this.#poll()
      this.start()
    })
  }

  #poll (): void {
    const settings = this.#parts.options.cleaner?.()
    if (settings === undefined || !settings.enabled || this.#closed || this.#looking !== null) return
    if (this.#runs.size >= settings.threads || this.#clock.monotonicMs() < this.#lookAtMs) return
    this.#looking = this.#look(settings).catch((error: Error) => this.#unexpected(error))
      .finally(() => { this.#looking = null })
  }

  async #look (settings: CleanerSettings): Promise<void> {
    const { links, arrivals: { keepers, rows } } = this.#parts
    let found = false
    for (const link of links) {
      const keeper = keepers[link.directory]
      if (this.#closed || keeper.failure !== null || this.#runs.size >= settings.threads) continue
      const known = [...this.#checkpointOf(keeper)]
      const one: FoundCompaction | null = await link.call({ kind: 'compaction-find', known })
      const open = one === null ? undefined : rows[one.row]
      if (one === null || open === undefined) continue
      found = true
      this.#begin(open, link, keeper, one, settings)
    }
    if (!found) this.#lookAtMs = this.#clock.monotonicMs() + settings.backoffMs
  }

  #begin (
    open: MainRow, link: Link, keeper: DirectoryKeeper, found: FoundCompaction, settings: CleanerSettings
  ): void {
    const stopping = this.#closed
    const run: Run = { open, link, keeper, id: ++this.#ids, found, stopping, ended: Promise.resolve() }
    this.#runs.set(open, run)
    run.ended = this.#run(run, settings).catch((error: Error) => this.#unexpected(error))
      .finally(() => { this.#runs.delete(open) })
  }

  async #run (run: Run, settings: CleanerSettings): Promise<void> {
    const { keeper, id, found } = run
    const { key } = found.plan
    let end = { cleanedTo: -1, corrupt: false }
    try {
      const bounds = {
        mapBytes: Math.floor(settings.mapBytes / Math.max(1, settings.threads)),
        loadFactor: settings.loadFactor,
        bufferBytes: settings.bufferBytes,
        secret: this.#parts.options.random.bytes(keySecretBytes)
      }
      await keeper.thread.run({ kind: 'compact', id, plan: found.plan, bounds })
      end = await this.#steps(run)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (!passing.has(error.code)) this.#parts.arrivals.directoryFailed(keeper, error)
      else if (error.code !== 'ENOENT') this.#logger.error({ partition: key, reason: error.message }, 'a compaction was given up')
    } finally {
      // Half-written files go, whatever happened.
      await keeper.thread.run({ kind: 'compact-stop', id }).catch(() => {})
      await run.link.call({ kind: 'compaction-end', row: run.open.row, key, end }).catch(() => {})
    }
    if (end.cleanedTo >= 0) this.#note(run, end.cleanedTo)
  }

  async #steps (run: Run): Promise<{ cleanedTo: Offset, corrupt: boolean }> {
    const { keeper, link, open, id, found } = run
    const { key } = found.plan
    while (!run.stopping) {
      const beganMs = this.#clock.monotonicMs()
      const progress: CompactionProgress = await keeper.thread.run({ kind: 'compact-step', id })
      if (progress.kind === 'group') {
        const { group } = progress
        const swapped = run.stopping
          ? false
          : await link.call({ kind: 'compaction-swap', row: open.row, key, group }).catch(refused)
        if (swapped !== true) {
          await keeper.thread.run({ kind: 'compact-dismiss', id, group })
          break
        }
      } else if (progress.kind === 'done') {
        this.#logger.info({ partition: key, cleanedTo: progress.cleanedTo, ...progress.counts }, 'compacted')
        return { cleanedTo: progress.cleanedTo, corrupt: false }
      } else if (progress.kind === 'corrupt') {
        this.#logger.error({ partition: key, reason: progress.reason }, 'damage in a log: it is not compacted any more')
        return { cleanedTo: -1, corrupt: true }
      }
      await this.#pause(progress.bytes, beganMs)
    }
    return { cleanedTo: -1, corrupt: false }
  }

  /** Until so many bytes are within the limit. */
  #pause (bytes: number, beganMs: number): Promise<void> | undefined {
    const perSecond = this.#parts.options.cleaner?.().bytesPerSecond ?? Infinity
    const waitMs = bytes / perSecond * 1000 - (this.#clock.monotonicMs() - beganMs)
    if (!(waitMs >= 1) || this.#closed) return undefined
    return new Promise(resolve => {
      const done = (): void => {
        timer.cancel()
        this.#pauses.delete(done)
        resolve()
      }
      const timer: Timer = this.#clock.after(waitMs, done)
      this.#pauses.add(done)
    })
  }

  #checkpointOf (keeper: DirectoryKeeper): OffsetCheckpoint {
    let offsets = this.#checkpoints.get(keeper)
    if (offsets === undefined) {
      offsets = readOffsets(this.#parts.options.disk, keeper.path, fileNames.cleanerOffsets)
      this.#checkpoints.set(keeper, offsets)
    }
    return offsets
  }

  #note ({ open, keeper, found }: Run, cleanedTo: Offset): void {
    if (this.#parts.arrivals.rows[open.row] !== open) return
    this.#checkpointOf(keeper).set(found.plan.key, cleanedTo)
    this.#write(keeper)
  }

  #write (keeper: DirectoryKeeper): void {
    const path = `${keeper.path}/${fileNames.cleanerOffsets}`
    const bytes = encodeOffsets(this.#checkpointOf(keeper))
    keeper.thread.run({ kind: 'replace', path, bytes }).catch((error: Error) => {
      this.#logger.error({ path, reason: error.message }, 'the compaction checkpoint could not be written')
    })
  }

  /** The log is about to be cut at `end`, or removed (-1): a compaction of it ends first. */
  async leave (open: MainRow, end: Offset): Promise<void> {
    const run = this.#runs.get(open)
    if (run !== undefined) {
      run.stopping = true
      for (const done of [...this.#pauses]) done()
      await run.ended
    }
    const keeper = this.#parts.arrivals.keepers[open.link.directory]
    if (this.#parts.options.cleaner === undefined || keeper.failure !== null) return
    const offsets = this.#checkpointOf(keeper)
    const key = checkpointKey(open.identity)
    const known = offsets.get(key)
    if (known === undefined || (end >= 0 && known <= end)) return
    if (end < 0) offsets.delete(key)
    else offsets.set(key, end)
    this.#write(keeper)
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    for (const run of this.#runs.values()) run.stopping = true
    for (const done of [...this.#pauses]) done()
    await this.#looking
    await Promise.all([...this.#runs.values()].map(run => run.ended))
  }

  /** Threads that have ended, or a directory that has failed, are told of elsewhere. */
  #unexpected (error: Error): void {
    if (this.#closed || error instanceof CallRefused) return
    if (this.#parts.links.some(link => link.ended !== null)) return
    this.#parts.arrivals.broken(error)
  }
}

function refused (error: Error): false {
  if (error instanceof CallRefused) return false
  throw error
}
