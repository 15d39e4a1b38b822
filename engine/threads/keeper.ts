// One log directory as the main thread sees it: its workers, its disk thread, the small files that speak for
// all of its logs.
import { type FolderLock } from '../base/folder-lock.ts'
import { DiskError, isOutOfFiles } from '../base/disk.ts'
import { encodeOffsets } from '../log/checkpoints.ts'
import {
  checkpointDirectory, checkpointKey, type FoundPartition, markClean, type OpenedDirectory, openDirectory
} from '../log/log-directory.ts'
import { fileNames } from '../log/names.ts'
import { type Offset, type Position } from '../log/types.ts'
import { type ClosedLogs } from './commands.ts'
import { type DiskJob } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import { type Link } from './link.ts'
import { type LogOptions, optionDefaults } from './log-options.ts'
import { type MainRow } from './main-row.ts'
import { type PartitionTable } from './partition-table.ts'

/** A crash in between costs no more than reading again what came meanwhile. */
const movedPointsMs = 500

type Entry = [folder: string, offset: Offset]
type ReplaceJob = { kind: 'replace', path: string, bytes: Buffer }

export class DirectoryKeeper {
  readonly index: number
  readonly path: string
  readonly thread: DiskThread
  readonly links: Link[] = []
  /** Logs that lie here: where the next new one goes depends on it. */
  partitions = 0
  failure: Error | null = null
  /** directory.id of its meta.properties; '' when that could not be read. */
  id = ''
  /** The directory goes offline: set by who tells the others. */
  failed: (error: Error) => void = () => {}
  /** Much was flushed since the recovery points were written: they are worth writing. */
  pointsMoved = false
  readonly #options: LogOptions
  readonly #table: PartitionTable
  #lock: FolderLock | null = null
  #recoveryPointsAtMs: number
  #highWatermarksAtMs: number
  /** Folders that wait until their readers are done. */
  readonly #doomed: { path: string, dueMs: number }[] = []
  /** Logs that were found and have no row yet, by folder name: what the checkpoints say of them stays. */
  readonly #unopened = new Map<string, FoundPartition>()
  #writing = 0
  /** What the checkpoints hold, by path, where it is known: an idle broker needs no disk thread for them. */
  readonly #filed = new Map<string, Buffer>()
  readonly #startsSaved = new SharedWrite()
  readonly #pointsSaving = new SharedWrite()
  readonly #allSaved = new SharedWrite()

  constructor (index: number, options: LogOptions, thread: DiskThread, table: PartitionTable) {
    this.index = index
    this.path = options.directories[index]
    this.thread = thread
    this.#options = options
    this.#table = table
    this.#recoveryPointsAtMs = this.#highWatermarksAtMs = options.clock.nowMs()
  }

  damaged (path: string, position: Position): void {
    this.#options.logger.error({ path, position }, 'a batch of the log is damaged')
  }

  async lock (): Promise<void> {
    const { lock } = this.#options
    this.#lock = lock === undefined ? null : await lock(this.path)
  }

  /** Looks what is in the directory. */
  open (): OpenedDirectory {
    const { disk, brokerId, clusterId, logger, random } = this.#options
    const { path } = this
    const opened = openDirectory({ disk, path, nodeId: brokerId, clusterId, logger, random })
    this.id = opened.directoryId
    this.partitions = opened.partitions.length
    for (const name of [fileNames.highWatermarks, fileNames.recoveryPoints, fileNames.logStarts]) {
      const file = `${path}/${name}`
      this.#filed.set(file, disk.status(file) === null ? encodeOffsets([]) : disk.readFile(file))
    }
    return opened
  }

  /** Lets the workers recover what is theirs. */
  async recover ({ clean, partitions }: OpenedDirectory): Promise<void> {
    const { defaults, settingsAtStart } = this.#options
    const configOf = partitions.length === 0 ? () => defaults : settingsAtStart?.() ?? (() => defaults)
    if (!clean && partitions.length > 0) {
      const fields = { directory: this.path, partitions: partitions.length }
      this.#options.logger.info(fields, 'not closed cleanly: recovering logs')
    }
    for (const one of partitions) this.#unopened.set(checkpointKey(one), one)
    await Promise.all(this.links.map((link) => {
      const own = partitions.filter(({ topicId, partition }) => this.linkOf(topicId, partition) === link)
      return link.call({ kind: 'start', clean, partitions: own, configs: own.map(({ topic }) => configOf(topic)) })
    }))
  }

  /** The found log has a row, or is gone. */
  settled (key: string): void {
    this.#unopened.delete(key)
  }

  /** Fixed for the process's life: partitions of one topic are spread, and so are topics. */
  linkOf (topicId: string, partition: number): Link {
    return this.links[(hashOf(topicId) + partition) % this.links.length]
  }

  /** Removes a folder that was set aside, when its readers had time to finish. */
  doom (path: string, dueMs: number): void {
    this.#doomed.push({ path, dueMs })
  }

  remove (path: string): void {
    this.#write({ kind: 'remove', path }).catch(() => {})
  }

  tick (nowMs: number, rows: Iterable<MainRow>): void {
    if (this.failure !== null) return
    while (this.#doomed.length > 0 && this.#doomed[0].dueMs <= nowMs) this.remove(this.#doomed.shift()!.path)
    const { recoveryPointMs, highWatermarkMs } = this.#options
    // One after the other: a slow disk skips a turn.
    if (this.#writing > 0) return
    if (nowMs - this.#highWatermarksAtMs >= (highWatermarkMs ?? optionDefaults.highWatermarkMs)) {
      this.#highWatermarksAtMs = nowMs
      this.#replace(fileNames.highWatermarks, this.#highWatermarks(rows))
    }
    const sinceMs = nowMs - this.#recoveryPointsAtMs
    const soon = this.pointsMoved && sinceMs >= movedPointsMs
    if (soon || sinceMs >= (recoveryPointMs ?? optionDefaults.recoveryPointMs)) {
      this.pointsMoved = false
      this.#recoveryPointsAtMs = nowMs
      this.#replace(fileNames.recoveryPoints, this.#recoveryPoints(rows))
      this.#replace(fileNames.logStarts, this.#logStarts(rows))
    }
  }

  #entries (
    rows: Iterable<MainRow>, offsetOf: (row: MainRow) => Offset, foundOf: (found: FoundPartition) => Offset
  ): Entry[] {
    const entries: Entry[] = []
    for (const row of rows) {
      if (row.link.directory === this.index) entries.push([checkpointKey(row.identity), offsetOf(row)])
    }
    for (const [key, found] of this.#unopened) if (foundOf(found) >= 0) entries.push([key, foundOf(found)])
    return entries
  }

  #highWatermarks (rows: Iterable<MainRow>): Entry[] {
    return this.#entries(rows, row => this.#table.highWatermark(row.row), found => found.highWatermark)
  }

  #recoveryPoints (rows: Iterable<MainRow>): Entry[] {
    return this.#entries(rows, row => this.#table.recoveryPoint(row.row), found => found.recoveryPoint)
  }

  /** Only of logs that start above their first segment. */
  #logStarts (rows: Iterable<MainRow>): Entry[] {
    const above: MainRow[] = []
    for (const row of rows) {
      if (row.views.length > 0 && this.#table.logStart(row.row) > row.views[0].baseOffset) above.push(row)
    }
    return this.#entries(
      above, row => this.#table.logStart(row.row), ({ logStart }) => logStart > 0 ? logStart : -1)
  }

  /** Resolves when the log starts as they are now are on the device. */
  saveLogStarts (rowsOf: () => Iterable<MainRow>): Promise<void> {
    return this.#startsSaved.ask(() =>
      this.#write(this.#replacing(fileNames.logStarts, this.#logStarts(rowsOf()))))
  }

  /** A log was cut: what is appended next must not count as flushed. */
  saveRecoveryPoints (rowsOf: () => Iterable<MainRow>): Promise<void> {
    return this.#pointsSaving.ask(() =>
      this.#write(this.#replacing(fileNames.recoveryPoints, this.#recoveryPoints(rowsOf()))))
  }

  /** A log is gone: what the checkpoints say of it must not count for the next one of its name. */
  async forget (rowsOf: () => Iterable<MainRow>): Promise<void> {
    if (this.failure !== null) return
    await this.#allSaved.ask(async () => {
      const rows = [...rowsOf()]
      const all = [
        this.#replacing(fileNames.recoveryPoints, this.#recoveryPoints(rows)),
        this.#replacing(fileNames.logStarts, this.#logStarts(rows)),
        this.#replacing(fileNames.highWatermarks, this.#highWatermarks(rows))
      ]
      // A directory that refuses goes offline by that: the log is gone all the same.
      await Promise.all(all.map(job => this.#write(job).catch(() => {})))
    })
  }

  #replace (name: string, entries: Entry[]): void {
    const job = this.#replacing(name, entries)
    if (this.#filed.get(job.path)?.equals(job.bytes) !== true) this.#write(job).catch(() => {})
  }

  #replacing (name: string, entries: Entry[]): ReplaceJob {
    return { kind: 'replace', path: `${this.path}/${name}`, bytes: encodeOffsets(entries) }
  }

  /** What cannot be written takes the directory offline; too many open files pass. */
  async #write (job: ReplaceJob | (DiskJob & { kind: 'remove' })): Promise<void> {
    this.#writing++
    this.#filed.delete(job.path)
    try {
      await this.thread.run(job)
      if (job.kind === 'replace') this.#filed.set(job.path, job.bytes)
    } catch (error) {
      const { path, message } = { path: job.path, message: (error as Error).message }
      this.#options.logger.error({ path, reason: message }, 'a file of the log directory could not be written')
      if (error instanceof DiskError && !isOutOfFiles(error)) this.failed(error)
      throw error
    } finally {
      this.#writing--
    }
  }

  /** Flushes and closes the logs, then writes what the next start wants to know. */
  async close (clean: boolean, rows: readonly MainRow[]): Promise<void> {
    const { disk } = this.#options
    const closing = this.links.map(link => link.call({ kind: 'close', clean }).catch(() => null))
    const closed = await Promise.all(closing)
    const whole = closed.every(logs => logs !== null) && this.failure === null
    // Before the files are written here: nobody else writes them at the same time.
    await this.thread.close()
    try {
      if (whole) this.#mark(clean, closed as ClosedLogs[], rows)
      for (const { path } of this.#doomed) disk.removeDirectory(path)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      const fields = { directory: this.path, reason: error.message }
      this.#options.logger.error(fields, 'the log directory could not be closed')
    }
    await this.#lock?.release()
  }

  #mark (clean: boolean, closed: readonly ClosedLogs[], rows: readonly MainRow[]): void {
    const { disk } = this.#options
    checkpointDirectory(disk, this.path, {
      recoveryPoints: new Map(closed.flatMap(logs => logs.recoveryPoints)),
      logStarts: new Map(closed.flatMap(logs => logs.logStarts)),
      highWatermarks: new Map(this.#highWatermarks(rows))
    })
    if (clean) markClean(disk, this.path, -1)
  }
}

/** Writes the same files one after the other; who asks while a write is on its way shares the next one. */
class SharedWrite {
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  ask (write: () => Promise<void>): Promise<void> {
    this.#next ??= this.#last.then(async () => {
      this.#next = null
      const written = write()
      this.#last = written.catch(() => {})
      await written
    })
    return this.#next
  }
}

function hashOf (text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) >>> 0
  return hash
}
