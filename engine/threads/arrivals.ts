// What comes from the workers: answers fill the tail index and raise the high watermark before anyone is
// told; news keeps main's view of segments; wishes for fsync go to the disk thread, and its completion back
// to the worker.
import { assert } from '../base/assert.ts'
import { DiskError, isOutOfFiles } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { segmentAt } from '../log/reader.ts'
import { type Offset } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Arena } from './arena.ts'
import { checkFor } from './checks.ts'
import { appended, command, type FromWorker, type News, replyDouble, replyWord } from './commands.ts'
import { isGone } from './history.ts'
import { type DirectoryKeeper } from './keeper.ts'
import { type Link, type LinkEvents } from './link.ts'
import { type LogEvents, type Row } from './log-client.ts'
import { type MainRow } from './main-row.ts'
import { type PartitionTable, roles } from './partition-table.ts'

export class Arrivals implements LinkEvents {
  readonly rows: (MainRow | undefined)[] = []
  readonly keepers: DirectoryKeeper[] = []
  events: LogEvents = { advanced () {}, directoryFailed () {}, failed () {} }
  /** Segments were removed or replaced. */
  gone: (views: readonly SegmentView[]) => void = () => {}
  failed = false
  closing = false
  readonly #arena: Arena
  readonly #table: PartitionTable
  readonly #logger: Logger
  /** Rows to tell of when the replies are drained: each once. */
  readonly #advanced: Row[] = []
  readonly #marked: Uint8Array
  /** What found no descriptor to fsync through, to be tried again. */
  #unsynced: (() => void)[] = []

  constructor (arena: Arena, table: PartitionTable, logger: Logger) {
    this.#arena = arena
    this.#table = table
    this.#logger = logger
    this.#marked = new Uint8Array(table.rows)
  }

  drain (link: Link): void {
    link.drain()
    this.tellAdvanced()
  }

  written (row: Row, link: Link, slot: number, at: number): void {
    const { words, doubles } = link.parts.replies
    const half = at >> 1
    const address = link.addresses[slot]
    const length = link.lengths[slot]
    const open = this.rows[row]
    if (open !== undefined && words[at + replyWord.error] === errorCodes.NONE) {
      if ((words[at + replyWord.flags] & appended.inArena) !== 0) {
        open.tailIndex(this.#arena).add(
          doubles[half + replyDouble.baseOffset], doubles[half + replyDouble.lastOffset] + 1, address, length,
          doubles[half + replyDouble.segmentBase], doubles[half + replyDouble.position])
      }
      this.raise(row, doubles[half + replyDouble.durableEnd])
    }
    this.#arena.release(address, length)
  }

  logStart (row: Row): Offset {
    return this.#table.logStart(row)
  }

  moved (row: Row, durableEnd: Offset): void {
    if (this.rows[row] !== undefined) this.raise(row, durableEnd)
  }

  /** Alone, the high watermark is the durable end; a follower's comes from its leader. */
  raise (row: Row, durableEnd: Offset): void {
    if (this.#table.role(row) === roles.leader && durableEnd > this.#table.highWatermark(row)) {
      this.#table.setHighWatermark(row, durableEnd)
    }
    this.mark(row)
  }

  mark (row: Row): void {
    if (this.#marked[row] === 1) return
    this.#marked[row] = 1
    this.#advanced.push(row)
  }

  tellAdvanced (): void {
    for (let index = 0; index < this.#advanced.length; index++) {
      const row = this.#advanced[index]
      this.#marked[row] = 0
      this.events.advanced(row)
    }
    this.#advanced.length = 0
  }

  /** One fsync per row at a time; it covers everything written before it began. */
  syncWanted (row: Row, segmentBase: Offset, end: Offset): void {
    const open = this.rows[row]
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
    this.keepers[open.link.directory].thread.run({ kind: 'sync', path: view.path }).then(() => {
      open.syncing = false
      if (this.rows[open.row] !== open) return
      open.link.synced(command.synced, open.row, end)
      if (open.syncWantedEnd > end) this.#sync(open)
    }, (error: Error) => this.#syncFailed(open, error, () => this.#sync(open)))
  }

  /** Sealed segments are flushed when the disk has time: the recovery point follows. */
  #syncSegment (open: MainRow, path: string, baseOffset: Offset, end: Offset): void {
    this.keepers[open.link.directory].thread.run({ kind: 'sync-segment', path, end }).then(
      () => {
        this.keepers[open.link.directory].pointsMoved = true
        if (this.rows[open.row] === open) open.link.synced(command.sealedSynced, open.row, baseOffset)
      },
      (error: Error) => this.#syncFailed(open, error, () => this.#syncSegment(open, path, baseOffset, end)))
  }

  /** Never tried again: what the device lost, it has lost. (Where no file could be opened none was.) */
  #syncFailed (open: MainRow, error: Error, again: () => void): void {
    if (isOutOfFiles(error)) {
      this.#unsynced.push(() => { if (this.rows[open.row] === open) again() })
      return
    }
    open.syncing = false
    // A segment that retention or a cut removed meanwhile wants no fsync.
    if (this.closing || this.rows[open.row] !== open || isGone(error)) return
    const keeper = this.keepers[open.link.directory]
    if (error instanceof DiskError) this.directoryFailed(keeper, error)
    else this.#fail(error)
  }

  tick (): void {
    for (const again of this.#unsynced.splice(0)) again()
  }

  told (link: Link, object: FromWorker): void {
    if (object.kind === 'news') this.#heard(object.news)
    else if (object.kind === 'check') {
      const { thread } = this.keepers[link.directory]
      checkFor(link, object, this.#arena, thread, error => this.broken(error))
    } else if (object.kind === 'disk-failed') {
      const error = new DiskError(object.code, 'use', this.keepers[link.directory].path, object.message)
      this.directoryFailed(this.keepers[link.directory], error)
    } else if (object.kind === 'progress') {
      const { recovered, found } = object
      this.#logger.info({ directory: this.keepers[link.directory].path, recovered, found }, 'recovering logs')
    }
  }

  #heard (news: News): void {
    for (const { level, fields, message } of news.lines) this.#logger[level](fields, message)
    for (const one of news.rows) {
      const open = this.rows[one.row]
      if (open === undefined) continue
      const keeper = this.keepers[open.link.directory]
      const { thread } = keeper
      for (const path of one.unlinked) keeper.remove(path)
      const gone = open.heard(one)
      for (const view of gone) thread.run({ kind: 'forget', view }).catch(() => {})
      this.gone(gone)
      if (one.flush !== null) this.#syncSegment(open, one.flush.path, one.flush.base, one.flush.end)
      for (const { path, baseOffset } of one.sealed) {
        const next = open.views[segmentAt(open.views, baseOffset) + 1]
        this.#syncSegment(open, path, baseOffset, next?.baseOffset ?? 0)
      }
    }
    for (const { row, durableEnd } of news.moved) this.moved(row, durableEnd)
  }

  directoryFailed (keeper: DirectoryKeeper, error: Error): void {
    if (keeper.failure !== null || this.closing) return
    keeper.failure = error
    for (const link of keeper.links) link.call({ kind: 'offline', reason: error.message }).catch(() => {})
    for (const open of this.rows) {
      if (open?.link.directory !== keeper.index) continue
      this.#table.setRole(open.row, roles.offline, this.#table.leaderEpoch(open.row))
      this.mark(open.row)
    }
    this.events.directoryFailed(keeper.path, error)
    this.tellAdvanced()
  }

  workerEnded (link: Link, reason: Error): void {
    if (link.ended !== null) return
    link.end(reason, (slot) => this.#arena.release(link.addresses[slot], link.lengths[slot]))
    if (!this.closing) this.#fail(reason)
    link.letIn()
  }

  /** An error of ours on this side of the border. */
  broken (reason: Error): void {
    if (!this.closing) this.#fail(reason)
  }

  #fail (reason: Error): void {
    if (this.failed) return
    this.failed = true
    this.events.failed(reason)
  }
}
