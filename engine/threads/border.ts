// The log client, main's side of the border: rows, appends, events, start and close. One for both fillings:
// they differ in how a link reaches its worker. Reads are in reads.ts.
import { assert } from '../base/assert.ts'
import { DiskError } from '../base/disk.ts'
import { checkpointKey } from '../log/log-directory.ts'
import {
  type EpochEndOffset, type LogConfig, type LogIdentity, type Offset, type TimestampOffset
} from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { Arena } from './arena.ts'
import {
  appended, appendKind, command, type FromWorker, type News, type OpenedRow, replyDouble, replyWord
} from './commands.ts'
import { type DiskThread } from './disk-thread.ts'
import { DirectoryKeeper } from './keeper.ts'
import { Link, type LinkEvents, type LinkParts } from './link.ts'
import {
  type AppendOrigin, type AppendWaiter, type FoundLog, type LogClient, type LogEvents, type OpenedLog, type ReadLimit,
  type ReadResult, type Row
} from './log-client.ts'
import { CallRefused } from './log-core.ts'
import { type LogOptions } from './log-options.ts'
import { MainRow } from './main-row.ts'
import { PartitionTable, roles } from './partition-table.ts'
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
}

export interface LinkShared {
  directory: string
  arena: Arena
  table: PartitionTable
}

/** A worker that is silent for so long is reported. */
const silentMsMax = 5_000

export class Border implements LogClient, LinkEvents {
  readonly arena: Arena
  readonly table = new PartitionTable()
  readonly #options: LogOptions
  readonly #filling: Filling
  readonly #keepers: DirectoryKeeper[] = []
  readonly #links: Link[] = []
  readonly #rows: (MainRow | undefined)[] = []
  readonly #freeRows: Row[] = []
  /** Who recovered a log that has no row yet, by folder name. */
  readonly #found = new Map<string, Link>()
  readonly #reads: Reads
  #events: LogEvents = { advanced () {}, directoryFailed () {}, failed () {} }
  /** Rows to tell of when the replies are drained: each once. */
  readonly #advanced: Row[] = []
  readonly #marked = new Uint8Array(this.table.rows)
  readonly #reported = new Set<Link>()
  #failed = false
  #closing = false

  constructor (options: LogOptions, filling: Filling) {
    this.#options = options
    this.#filling = filling
    this.arena = new Arena(options.memoryBytes, options.clock)
    this.#reads = new Reads(this.arena, this.table, row => this.#rows[row], row => this.#keeperOf(row))
  }

  async start (events: LogEvents): Promise<FoundLog[]> {
    this.#events = events
    const { directories } = this.#options
    directories.forEach((_, index) => {
      const thread = this.#filling.diskThread(this.arena)
      const keeper = new DirectoryKeeper(index, this.#options, thread, this.table)
      this.#keepers.push(keeper)
      for (let worker = 0; worker < this.#filling.workersOf(index); worker++) this.#startLink(keeper)
    })
    const found = await Promise.all(this.#keepers.map(keeper => this.#openDirectory(keeper)))
    assert(this.#links.length > 0, 'a log has at least one worker')
    return found.flat()
  }

  #startLink (keeper: DirectoryKeeper): void {
    const shared = { directory: keeper.path, arena: this.arena, table: this.table }
    const parts = this.#filling.link(shared, () => this.#drain(link), reason => this.#workerEnded(link, reason))
    const link = new Link(keeper.index, parts, this)
    this.#links.push(link)
    keeper.links.push(link)
  }

  async #openDirectory (keeper: DirectoryKeeper): Promise<FoundLog[]> {
    try {
      const found = await keeper.open()
      return found.map(({ topic, topicId, partition }) => {
        const log = { topic, topicId, partition, directory: keeper.path }
        this.#found.set(checkpointKey(log), keeper.linkOf(topicId, partition))
        return log
      })
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#directoryFailed(keeper, error as Error)
      return []
    }
  }

  async open (identity: LogIdentity, config: LogConfig): Promise<OpenedLog> {
    const key = checkpointKey(identity)
    const found = this.#found.get(key)
    const link = found ?? this.#emptiest()?.linkOf(identity.topicId, identity.partition)
    if (link === undefined) return { row: -1, errorCode: errorCodes.KAFKA_STORAGE_ERROR }
    const row = this.#freeRows.pop() ?? this.#rows.length
    this.table.clear(row)
    this.#rows[row] = new MainRow(row, identity, link, config)
    if (found === undefined) this.#keepers[link.directory].partitions++
    try {
      const opened: OpenedRow = await link.call({ kind: 'open', row, identity, config })
      this.#found.delete(key)
      this.table.setHighWatermark(row, opened.highWatermark)
      return { row, errorCode: errorCodes.NONE }
    } catch (error) {
      this.#freeRow(row)
      if (found === undefined) this.#keepers[link.directory].partitions--
      return { row: -1, errorCode: refusalOf(error) }
    }
  }

  #emptiest (): DirectoryKeeper | undefined {
    const serving = this.#keepers.filter(keeper => keeper.failure === null)
    return serving.sort((a, b) => a.partitions - b.partitions)[0]
  }

  #freeRow (row: Row): void {
    this.#rows[row]?.tail?.clear()
    this.#rows[row] = undefined
    this.table.clear(row)
    this.#freeRows.push(row)
  }

  async becomeLeader (row: Row, leaderEpoch: number): Promise<void> {
    const { link } = this.#row(row)
    await link.call({ kind: 'lead', row, epoch: leaderEpoch })
    this.table.setRole(row, roles.leader, leaderEpoch)
    // Alone: what is durable is committed.
    this.#raise(row, this.table.durableEnd(row))
    this.#tellAdvanced()
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
    const { link, config } = this.#row(row)
    this.table.setRole(row, roles.none, -1)
    const path: string | null = await link.call({ kind: 'remove', row })
    const keeper = this.#keepers[link.directory]
    keeper.partitions--
    if (path !== null) keeper.doom(path, this.#options.clock.nowMs() + config.fileDeleteDelayMs)
    this.#freeRow(row)
  }

  async discard (found: FoundLog): Promise<void> {
    const key = checkpointKey(found)
    const link = this.#found.get(key)
    if (link === undefined) return
    this.#found.delete(key)
    this.#keepers[link.directory].partitions--
    const { topic, topicId, partition } = found
    await link.call({ kind: 'discard', identity: { topic, topicId, partition } })
  }

  async truncateTo (row: Row, offset: Offset): Promise<void> {
    const open = this.#row(row)
    const end: Offset = await open.link.call({ kind: 'truncate', row, offset })
    open.tail?.truncate(end)
    if (this.table.highWatermark(row) > end) this.table.setHighWatermark(row, end)
    this.#mark(row)
    this.#tellAdvanced()
  }

  append (row: Row, records: Buffer, origin: AppendOrigin, waiter: AppendWaiter, token: number): boolean {
    const kind = origin.kind === 'client' ? appendKind.client : appendKind.coordinator
    return this.#append(command.append, row, records, origin.leaderEpoch, kind, waiter, token)
  }

  appendAsFollower (row: Row, records: Buffer, waiter: AppendWaiter, token: number): boolean {
    return this.#append(command.appendAsFollower, row, records, -1, appendKind.client, waiter, token)
  }

  #append (
    what: number, row: Row, records: Buffer, leaderEpoch: number, kind: number, waiter: AppendWaiter, token: number
  ): boolean {
    const { link } = this.#row(row)
    if (!link.hasRoom()) return false
    let address = records.byteOffset
    // One count until the answer, whatever the caller does meanwhile.
    if (this.arena.holds(records)) this.arena.retain(address, records.length)
    else address = this.arena.placeOwn(records)
    const taken = link.append(what, row, address, records.length, leaderEpoch, kind, waiter, token)
    assert(taken, 'there was room')
    return true
  }

  whenRoom (row: Row, room: () => void): void {
    this.#row(row).link.whenRoom(room)
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

  tick (nowMs: number): void {
    const monotonicMs = this.#options.clock.monotonicMs()
    for (const link of this.#links) {
      this.#watch(link, monotonicMs)
      link.tick(nowMs, monotonicMs)
    }
    const rows = this.#openRows()
    for (const keeper of this.#keepers) keeper.tick(nowMs, rows)
  }

  #watch (link: Link, monotonicMs: number): void {
    const silent = link.tickSentMs >= 0 && monotonicMs - link.tickSentMs >= silentMsMax
    if (!silent) {
      this.#reported.delete(link)
    } else if (!this.#reported.has(link)) {
      this.#reported.add(link)
      const { path } = this.#keepers[link.directory]
      const silentMs = monotonicMs - link.tickSentMs
      this.#options.logger.error({ directory: path, silentMs }, 'a log worker does not answer')
    }
  }

  async close (clean: boolean): Promise<void> {
    this.#closing = true
    const rows = this.#openRows()
    await Promise.all(this.#keepers.map(keeper => keeper.close(clean && !this.#failed, rows)))
    await this.#filling.close()
    for (const row of rows) row.tail?.clear()
    this.arena.close()
  }

  #openRows (): MainRow[] {
    return this.#rows.filter(row => row !== undefined)
  }

  #row (row: Row): MainRow {
    const open = this.#rows[row]
    assert(open !== undefined, 'the row is open')
    return open
  }

  #keeperOf (row: Row): DirectoryKeeper {
    return this.#keepers[this.#row(row).link.directory]
  }

  // What comes from the workers.

  #drain (link: Link): void {
    link.drain()
    this.#tellAdvanced()
  }

  written (row: Row, link: Link, slot: number, at: number): void {
    const { words, doubles } = link.parts.replies
    const half = at >> 1
    const address = link.addresses[slot]
    const length = link.lengths[slot]
    const open = this.#rows[row]
    if (open !== undefined && words[at + replyWord.error] === errorCodes.NONE) {
      if ((words[at + replyWord.flags] & appended.inArena) !== 0) {
        open.tailIndex(this.arena).add(
          doubles[half + replyDouble.baseOffset], doubles[half + replyDouble.lastOffset] + 1, address, length,
          doubles[half + replyDouble.segmentBase], doubles[half + replyDouble.position])
      }
      this.#raise(row, doubles[half + replyDouble.durableEnd])
    }
    this.arena.release(address, length)
  }

  logStart (row: Row): Offset {
    return this.table.logStart(row)
  }

  moved (row: Row, durableEnd: Offset): void {
    if (this.#rows[row] !== undefined) this.#raise(row, durableEnd)
  }

  /** Alone, the high watermark is the durable end; a follower's comes from its leader. */
  #raise (row: Row, durableEnd: Offset): void {
    if (this.table.role(row) === roles.leader && durableEnd > this.table.highWatermark(row)) {
      this.table.setHighWatermark(row, durableEnd)
    }
    this.#mark(row)
  }

  #mark (row: Row): void {
    if (this.#marked[row] === 1) return
    this.#marked[row] = 1
    this.#advanced.push(row)
  }

  #tellAdvanced (): void {
    for (let index = 0; index < this.#advanced.length; index++) {
      const row = this.#advanced[index]
      this.#marked[row] = 0
      this.#events.advanced(row)
    }
    this.#advanced.length = 0
  }

  /** One fsync per row at a time; it covers everything written before it began. */
  syncWanted (row: Row, segmentBase: Offset, end: Offset): void {
    const open = this.#rows[row]
    if (open === undefined) return
    open.syncWantedBase = segmentBase
    open.syncWantedEnd = end
    if (!open.syncing) this.#sync(open)
  }

  #sync (open: MainRow): void {
    const view = open.view(open.syncWantedBase)
    const end = open.syncWantedEnd
    assert(view !== undefined, 'a segment is told of before its fsync is asked for')
    open.syncing = true
    this.#keepers[open.link.directory].thread.run({ kind: 'sync', path: view.path }).then(() => {
      open.syncing = false
      if (this.#rows[open.row] !== open) return
      open.link.synced(command.synced, open.row, end)
      if (open.syncWantedEnd > end) this.#sync(open)
    }, (error: Error) => this.#syncFailed(open, error))
  }

  /** Sealed segments are flushed when the disk has time: the recovery point follows. */
  #syncSealed (open: MainRow, path: string, baseOffset: Offset): void {
    this.#keepers[open.link.directory].thread.run({ kind: 'sync', path }).then(
      () => {
        if (this.#rows[open.row] === open) open.link.synced(command.sealedSynced, open.row, baseOffset)
      },
      (error: Error) => this.#syncFailed(open, error))
  }

  /** Never tried again: what the device lost, it has lost. */
  #syncFailed (open: MainRow, error: Error): void {
    if (this.#closing || this.#rows[open.row] !== open) return
    const keeper = this.#keepers[open.link.directory]
    if (error instanceof DiskError) this.#directoryFailed(keeper, error)
    else this.#fail(error)
  }

  told (link: Link, object: FromWorker): void {
    if (object.kind === 'news') this.#heard(object.news)
    else if (object.kind === 'disk-failed') {
      const error = new DiskError(object.code, 'use', this.#keepers[link.directory].path, object.message)
      this.#directoryFailed(this.#keepers[link.directory], error)
    } else if (object.kind === 'progress') {
      const { recovered, found } = object
      this.#options.logger.info({ directory: this.#keepers[link.directory].path, recovered, found }, 'recovering logs')
    }
  }

  #heard (news: News): void {
    for (const { level, fields, message } of news.lines) this.#options.logger[level](fields, message)
    for (const one of news.rows) {
      const open = this.#rows[one.row]
      if (open === undefined) continue
      const { thread } = this.#keepers[open.link.directory]
      for (const view of open.heard(one)) thread.run({ kind: 'forget', view }).catch(() => {})
      for (const view of one.sealed) this.#syncSealed(open, view.path, view.baseOffset)
    }
    for (const { row, durableEnd } of news.moved) this.moved(row, durableEnd)
  }

  #directoryFailed (keeper: DirectoryKeeper, error: Error): void {
    if (keeper.failure !== null || this.#closing) return
    keeper.failure = error
    for (const link of keeper.links) link.call({ kind: 'offline', reason: error.message }).catch(() => {})
    for (const open of this.#rows) {
      if (open?.link.directory !== keeper.index) continue
      this.table.setRole(open.row, roles.offline, this.table.leaderEpoch(open.row))
      this.#mark(open.row)
    }
    this.#events.directoryFailed(keeper.path, error)
    this.#tellAdvanced()
  }

  #workerEnded (link: Link, reason: Error): void {
    if (link.ended !== null) return
    link.end(reason, (slot) => this.arena.release(link.addresses[slot], link.lengths[slot]))
    if (!this.#closing) this.#fail(reason)
  }

  #fail (reason: Error): void {
    if (this.#failed) return
    this.#failed = true
    this.#events.failed(reason)
  }

  /** For tests: ends a worker in the middle of its work. */
  breakWorker (row: Row): Promise<void> {
    return this.#row(row).link.call({ kind: 'break' })
  }
}

function isDiskFailure (error: unknown): boolean {
  if (error instanceof DiskError) return true
  return error instanceof CallRefused && error.errorCode === errorCodes.KAFKA_STORAGE_ERROR
}

function refusalOf (error: unknown): number {
  return error instanceof CallRefused ? error.errorCode : errorCodes.UNKNOWN_SERVER_ERROR
}
