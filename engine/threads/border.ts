// The log client, main's side of the border: rows, appends, events, start and close. One for both fillings:
// they differ in how a link reaches its worker. Reads are in reads.ts.
import { assert } from '../base/assert.ts'
import { type VolumeSpace } from '../base/disk.ts'
import { checkpointKey } from '../log/log-directory.ts'
import {
  type EpochEndOffset, type LogConfig, type LogIdentity, type Offset, type TimestampOffset
} from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { Arena } from './arena.ts'
import { Arrivals } from './arrivals.ts'
import { Compactor } from './compactor.ts'
import { appendKind, command, type OpenedRow } from './commands.ts'
import { type DiskThread } from './disk-thread.ts'
import { DirectoryKeeper } from './keeper.ts'
import { Link, type LinkParts, refusedResult } from './link.ts'
import {
  type AppendOrigin, type AppendWaiter, type DirectoryView, type FoundLog, type LogClient, type LogEvents,
  type OpenedLog, type ReadLimit, type ReadResult, type Row
} from './log-client.ts'
import { CallRefused } from './log-core.ts'
import { type LogOptions } from './log-options.ts'
import { MainRow } from './main-row.ts'
import { openDirectories } from './opening.ts'
import { PartitionTable, roles } from './partition-table.ts'
import { Places } from './places.ts'
import { Reads } from './reads.ts'

/** How main reaches its workers and disk threads. */
export interface Filling {
  /** Workers a directory gets. */
  workersOf (directory: number): number
  diskThread (arena: Arena): DiskThread
  /** Starts a worker; `arrived` is called when replies wait, `ended` when the worker is gone. */
  link (shared: LinkShared, arrived: () => void, ended: (reason: Error) => void): LinkParts
  /** All workers were told to close. */
  close (): Promise<void>
  kill?: () => Promise<void>
}

export interface LinkShared {
  directory: string
  arena: Arena
  table: PartitionTable
}

/** A worker that is silent for so long is reported. */
const silentMsMax = 5_000

export class Border implements LogClient {
  readonly arena: Arena
  readonly table = new PartitionTable()
  readonly #options: LogOptions
  readonly #filling: Filling
  readonly #arrivals: Arrivals
  readonly #links: Link[] = []
  readonly #freeRows: Row[] = []
  /** Who recovered a log that has no row yet, by folder name. */
  readonly #found = new Map<string, Link>()
  readonly #reads: Reads
  readonly #places: Places
  readonly #compactor: Compactor
  /** Where partitions were moving to when the broker ended, by folder name. */
  #moving: ReadonlyMap<string, string> = new Map()
  #closed: Promise<void> | null = null
  readonly #reported = new Set<Link>()

  constructor (options: LogOptions, filling: Filling) {
    this.#options = options
    this.#filling = filling
    this.arena = new Arena(options.memoryBytes, options.clock)
    this.#arrivals = new Arrivals(this.arena, this.table, options.logger)
    const { rows } = this.#arrivals
    this.#reads = new Reads(this.arena, this.table, row => rows[row], row => this.#keeperOf(row))
    this.#arrivals.gone = views => this.#reads.history.forget(views)
    this.#places = new Places(options, this.#arrivals, this.table, this.#reads)
    this.#compactor = new Compactor({ options, links: this.#links, arrivals: this.#arrivals })
  }

  async start (events: LogEvents): Promise<FoundLog[]> {
    this.#arrivals.events = events
    const { directories } = this.#options
    directories.forEach((_, index) => {
      const thread = this.#filling.diskThread(this.arena)
      const keeper = new DirectoryKeeper(index, this.#options, thread, this.table)
      keeper.failed = error => this.#arrivals.directoryFailed(keeper, error)
      this.#arrivals.keepers.push(keeper)
      for (let worker = 0; worker < this.#filling.workersOf(index); worker++) this.#startLink(keeper)
    })
    assert(this.#links.length > 0, 'a log has at least one worker')
    const { keepers } = this.#arrivals
    const { disk, logger } = this.#options
    const { found, moving } = await openDirectories({
      disk, logger, keepers, failed: (keeper, error) => this.#arrivals.directoryFailed(keeper, error)
    })
    this.#moving = moving
    this.#compactor.start()
    return found.map(({ log: { topic, topicId, partition }, keeper }) => {
      const log = { topic, topicId, partition, directory: keeper.path }
      this.#found.set(checkpointKey(log), keeper.linkOf(topicId, partition))
      return log
    })
  }

  #startLink (keeper: DirectoryKeeper): void {
    const shared = { directory: keeper.path, arena: this.arena, table: this.table }
    const arrived = (): void => this.#arrivals.drain(link)
    const parts = this.#filling.link(shared, arrived, reason => this.#arrivals.workerEnded(link, reason))
    const link = new Link(keeper.index, parts, this.#arrivals)
    this.#links.push(link)
    keeper.links.push(link)
  }

  async open (identity: LogIdentity, config: LogConfig, create = true): Promise<OpenedLog> {
    const key = checkpointKey(identity)
    const found = this.#found.get(key)
    const place = create ? this.#places.forNew(key) : undefined
    const link = found ?? place?.linkOf(identity.topicId, identity.partition)
    if (link === undefined) return { row: -1, errorCode: errorCodes.KAFKA_STORAGE_ERROR }
    const row = this.#freeRows.pop() ?? this.#arrivals.rows.length
    this.table.clear(row)
    this.#arrivals.rows[row] = new MainRow(row, identity, link, config)
    if (found === undefined) this.#arrivals.keepers[link.directory].partitions++
    try {
      const opened: OpenedRow = await link.call({ kind: 'open', row, identity, config })
      this.#found.delete(key)
      this.#arrivals.keepers[link.directory].settled(key)
      this.table.setHighWatermark(row, opened.highWatermark)
      this.#places.resume(this.#row(row), this.#moving.get(key))
      return { row, errorCode: errorCodes.NONE }
    } catch (error) {
      this.#freeRow(row)
      if (found === undefined) this.#arrivals.keepers[link.directory].partitions--
      return { row: -1, errorCode: refusalOf(error) }
    }
  }

  #freeRow (row: Row): void {
    const open = this.#arrivals.rows[row]
    open?.tail?.clear()
    if (open !== undefined) this.#reads.history.forget(open.views)
    this.#arrivals.rows[row] = undefined
    this.table.clear(row)
    this.#freeRows.push(row)
  }

  async becomeLeader (row: Row, leaderEpoch: number): Promise<void> {
    const { link } = this.#row(row)
    const durableEnd: Offset = await link.call({ kind: 'lead', row, epoch: leaderEpoch })
    this.table.setRole(row, roles.leader, leaderEpoch)
    // Alone: what is durable is committed.
    this.#arrivals.raise(row, durableEnd)
    this.#arrivals.tellAdvanced()
  }

  async becomeFollower (row: Row, leaderEpoch: number): Promise<void> {
    await this.#row(row).link.call({ kind: 'follow', row, epoch: leaderEpoch })
    this.table.setRole(row, roles.follower, leaderEpoch)
  }

  configure (row: Row, config: LogConfig): void {
    const open = this.#row(row)
    open.config = config
    // Settings that do not arrive belong to a log that does not serve any more.
    open.link.call({ kind: 'configure', row, config }).catch(() => {})
  }

  async remove (row: Row): Promise<void> {
    await this.#places.stay(row)
    await this.#compactor.leave(this.#row(row), -1)
    const { link, config } = this.#row(row)
    const keeper = this.#arrivals.keepers[link.directory]
    this.table.setRole(row, roles.none, -1)
    const path: string | null = await link.call({ kind: 'remove', row }).catch((error: unknown) => {
      // Its files stay in a directory that has failed; the catalog knows that they are nobody's.
      if (keeper.failure === null) throw error
      return null
    })
    keeper.partitions--
    if (path !== null) keeper.doom(path, this.#options.clock.nowMs() + config.fileDeleteDelayMs)
    this.#freeRow(row)
    await keeper.forget(() => this.#openRows())
  }

  async discard (found: FoundLog): Promise<void> {
    const key = checkpointKey(found)
    const link = this.#found.get(key)
    if (link === undefined) return
    this.#found.delete(key)
    const keeper = this.#arrivals.keepers[link.directory]
    keeper.partitions--
    const { topic, topicId, partition } = found
    await link.call({ kind: 'discard', identity: { topic, topicId, partition } })
    keeper.settled(key)
    await keeper.forget(() => this.#openRows())
  }

  async truncateTo (row: Row, offset: Offset): Promise<void> {
    const open = this.#row(row)
    await this.#compactor.leave(open, offset)
    const end: Offset = await open.link.call({ kind: 'truncate', row, offset })
    open.tail?.truncate(end)
    // Also what was read while the file was being cut.
    this.#reads.history.forget(open.views)
    if (this.table.highWatermark(row) > end) this.table.setHighWatermark(row, end)
    this.#arrivals.mark(row)
    this.#arrivals.tellAdvanced()
    await this.#arrivals.keepers[open.link.directory].saveRecoveryPoints(() => this.#openRows())
  }

  async deleteRecords (row: Row, offset: Offset): Promise<Offset> {
    await new Promise<void>(resolve => this.#row(row).whenFree(resolve))
    const { link } = this.#row(row)
    const start: Offset = await link.call({ kind: 'delete-records', row, offset })
    await this.#arrivals.keepers[link.directory].saveLogStarts(() => this.#openRows())
    return start
  }

  append (row: Row, records: Buffer, origin: AppendOrigin, waiter: AppendWaiter, token: number): boolean {
    const kind = origin.kind === 'client' ? appendKind.client : appendKind.coordinator
    return this.#append(command.append, row, records, origin.leaderEpoch, kind, waiter, token)
  }

  appendAsFollower (row: Row, records: Buffer, waiter: AppendWaiter, token: number): boolean {
    return this.#append(command.appendAsFollower, row, records, -1, appendKind.client, waiter, token)
  }

  #append (
    what: number, row: Row, records: Buffer, leaderEpoch: number, kind: number,
    waiter: AppendWaiter, token: number
  ): boolean {
    const { link, held } = this.#row(row)
    if (held) return false
    if (link.ended !== null) {
      this.#options.clock.soon(() => waiter.appended(token, refusedResult(errorCodes.KAFKA_STORAGE_ERROR)))
      return true
    }
    if (!link.hasRoom()) return false
    let address = records.byteOffset
    // One count until the answer, whatever the caller does meanwhile.
    if (this.arena.holds(records)) this.arena.retain(address, records.length)
    else address = this.arena.placeOwn(records)
    const taken = link.append(what, row, address, records.length, leaderEpoch, kind, waiter, token)
    assert(taken, 'there was room')
    this.#reads.history.appended = true
    return true
  }

  whenRoom (row: Row, room: () => void): void {
    const open = this.#row(row)
    if (open.held) open.whenFree(room)
    else open.link.whenRoom(room)
  }

  read (
    row: Row, offset: Offset, limit: ReadLimit, maxBytes: number, minOneBatch: boolean
  ): ReadResult | Promise<ReadResult> {
    return this.#reads.read(row, offset, limit, maxBytes, minOneBatch)
  }

  readBytes (row: Row, offset: Offset, limit: ReadLimit, maxBytes: number): Promise<Buffer> {
    return this.#reads.readBytes(row, offset, limit, maxBytes)
  }

  offsetForTime (row: Row, timestampMs: number, limit: ReadLimit): Promise<TimestampOffset> {
    return this.#reads.offsetForTime(row, timestampMs, limit)
  }

  offsetOfMaxTimestamp (row: Row): Promise<TimestampOffset> {
    return this.#reads.offsetOfMaxTimestamp(row)
  }

  endOffsetForEpoch (row: Row, leaderEpoch: number): Promise<EpochEndOffset> {
    return this.#row(row).link.call({ kind: 'epoch-end', row, epoch: leaderEpoch })
  }

  async epochAt (row: Row, offset: Offset): Promise<number> {
    return this.#row(row).epochAt(offset)
  }

  size (row: Row): number {
    return this.table.sizeBytes(row)
  }

  directories (): DirectoryView[] {
    return this.#places.views()
  }

  directorySpace (path: string): Promise<VolumeSpace | null> {
    return this.#places.space(path)
  }

  moveTo (topic: string, partition: number, row: Row, path: string): Promise<number> {
    return this.#places.moveTo(topic, partition, row, path)
  }

  poll (): void {
    for (let index = 0; index < this.#links.length; index++) {
      const link = this.#links[index]
      if (link.parts.replies.filled()) this.#arrivals.drain(link)
    }
  }

  tick (nowMs: number): void {
    const monotonicMs = this.#options.clock.monotonicMs()
    this.#arrivals.tick()
    this.#reads.history.tick()
    for (const link of this.#links) {
      this.#watch(link, monotonicMs)
      link.tick(nowMs, monotonicMs)
    }
    const rows = this.#openRows()
    for (const keeper of this.#arrivals.keepers) keeper.tick(nowMs, rows)
  }

  #watch (link: Link, monotonicMs: number): void {
    const silent = link.tickSentMs >= 0 && monotonicMs - link.tickSentMs >= silentMsMax
    if (!silent) {
      this.#reported.delete(link)
    } else if (!this.#reported.has(link)) {
      this.#reported.add(link)
      const { path } = this.#arrivals.keepers[link.directory]
      const silentMs = monotonicMs - link.tickSentMs
      this.#options.logger.error({ directory: path, silentMs }, 'a log worker does not answer')
    }
  }

  close (clean: boolean): Promise<void> {
    this.#closed ??= this.#close(clean)
    return this.#closed
  }

  async #close (clean: boolean): Promise<void> {
    await this.#places.close()
    await this.#compactor.close()
    this.#arrivals.closing = true
    const rows = this.#openRows()
    const orderly = clean && !this.#arrivals.failed
    await Promise.all(this.#arrivals.keepers.map(keeper => keeper.close(orderly, rows)))
    await this.#filling.close()
    // Reads that ended with their thread give their cells back by promises: those run before this one.
    await new Promise<void>(resolve => this.#options.clock.soon(resolve))
    for (const row of rows) row.tail?.clear()
    this.#reads.history.close()
    this.arena.close()
    assert(!orderly || this.arena.heldCells === 0, 'whoever held arena memory has given it back')
  }

  #openRows (): MainRow[] {
    return this.#arrivals.rows.filter(row => row !== undefined)
  }

  #row (row: Row): MainRow {
    const open = this.#arrivals.rows[row]
    assert(open !== undefined, 'the row is open')
    return open
  }

  #keeperOf (row: Row): DirectoryKeeper {
    return this.#arrivals.keepers[this.#row(row).link.directory]
  }

  // For tests.

  /** Ends a worker in the middle of its work, by an error of its own. */
  breakWorker (row: Row): Promise<void> {
    return this.#row(row).link.call({ kind: 'break' })
  }

  /** Ends a worker from outside, as a crash of its thread would. */
  async killWorker (): Promise<void> {
    await this.#filling.kill?.()
  }

  /** What the row has in the tail must be read from its files. */
  dropTail (row: Row): void {
    this.#row(row).tail?.clear()
  }
}

function refusalOf (error: unknown): number {
  return error instanceof CallRefused ? error.errorCode : errorCodes.UNKNOWN_SERVER_ERROR
}
