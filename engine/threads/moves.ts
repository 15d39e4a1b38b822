// Partitions on their way to another log directory, while they serve. A copy grows there in bounded steps,
// like a follower's; when it has nearly all, appends wait for the moment it takes to copy the rest and to
// swap the folders (see log/future-folder.ts for what a crash leaves).
import { assert } from '../base/assert.ts'
import { type Clock } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { checkpointKey } from '../log/log-directory.ts'
import { fileNames } from '../log/names.ts'
import { type Offset } from '../log/types.ts'
import { readInt64 } from '../protocol/record-batch.ts'
import { type Arrivals } from './arrivals.ts'
import { type FutureState, type LogCall } from './commands.ts'
import { type DirectoryKeeper } from './keeper.ts'
import { type Link } from './link.ts'
import { type Row } from './log-client.ts'
import { CallRefused } from './log-core.ts'
import { type MainRow } from './main-row.ts'
import { type PartitionTable, roles } from './partition-table.ts'
import { type Reads } from './reads.ts'

/** A step: the worker is back at its ring in a few milliseconds. */
const stepBytes = 1_048_576
/** So much may wait for the disk: the fsync before the swap, for which appends wait, is then short. */
const unsyncedBytesMax = 16 * stepBytes
/** Who is slowed down looks so often whether it is still wanted. */
const patienceMs = 500

export interface MovesParts {
  clock: Clock
  logger: Logger
  table: PartitionTable
  arrivals: Arrivals
  reads: Reads
  /** replica.alter.log.dirs.io.max.bytes.per.second */
  bytesPerSecond: () => number
}

export class Move {
  readonly open: MainRow
  readonly from: DirectoryKeeper
  readonly to: DirectoryKeeper
  readonly link: Link
  readonly key: string
  /** Where the copy ends; -1 before it begins. */
  end: Offset = -1
  bytes = 0
  /** Of the file that is being written; '' while nothing was. */
  path = ''
  unsyncedBytes = 0
  cancelled = false
  done: Promise<void> = Promise.resolve()

  constructor (open: MainRow, from: DirectoryKeeper, to: DirectoryKeeper) {
    this.open = open
    this.from = from
    this.to = to
    this.link = to.linkOf(open.identity.topicId, open.identity.partition)
    this.key = checkpointKey(open.identity)
  }
}

class Cancelled extends Error {}

export class Moves {
  readonly #parts: MovesParts
  readonly #moves = new Map<Row, Move>()
  /** Those that copy; the others wait for their turn. */
  #copying = 0
  readonly #turns: (() => void)[] = []
  #closing = false

  constructor (parts: MovesParts) {
    this.#parts = parts
  }

  of (row: Row): Move | undefined {
    return this.#moves.get(row)
  }

  all (): Iterable<Move> {
    return this.#moves.values()
  }

  start (open: MainRow, to: DirectoryKeeper): void {
    if (this.#closing) return
    const move = new Move(open, this.#parts.arrivals.keepers[open.link.directory], to)
    this.#moves.set(open.row, move)
    move.done = this.#run(move)
  }

  /** Resolves when nothing of it is left, or when it was too late. */
  async cancel (row: Row): Promise<void> {
    const move = this.#moves.get(row)
    if (move === undefined) return
    move.cancelled = true
    for (const turn of this.#turns.splice(0)) turn()
    await move.done
  }

  async close (): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#moves.keys()].map(row => this.cancel(row)))
  }

  async #run (move: Move): Promise<void> {
    const { logger } = this.#parts
    const fields = { partition: move.key, from: move.from.path, to: move.to.path }
    try {
      await this.#begin(move, this.#parts.table.logStart(move.open.row))
      await this.#copyAll(move)
      logger.info(fields, 'a partition has moved to another log directory')
    } catch (error) {
      if (!(error instanceof Cancelled)) {
        logger.error({ ...fields, reason: (error as Error).message }, 'a partition could not be moved')
      }
      // What is left of it goes, but at the end stays for the next start, which begins anew.
      if (!this.#closing) await move.link.call({ kind: 'future-drop', key: move.key }).catch(() => {})
    } finally {
      this.#moves.delete(move.open.row)
    }
  }

  async #copyAll (move: Move): Promise<void> {
    await this.#turn(move)
    this.#copying++
    try {
      // The rest is copied while appends wait: it should be less than a step.
      while (await this.#step(move) >= stepBytes) this.#mayGoOn(move)
      await this.#sync(move)
      await this.#swap(move)
    } finally {
      this.#copying--
      this.#turns.shift()?.()
    }
  }

  /** One at a time for each directory that is written. */
  async #turn (move: Move): Promise<void> {
    while (this.#copying >= this.#parts.arrivals.keepers.length) {
      await new Promise<void>(resolve => this.#turns.push(resolve))
      this.#mayGoOn(move)
    }
    this.#mayGoOn(move)
  }

  #mayGoOn (move: Move): void {
    if (move.cancelled || this.#parts.arrivals.closing) throw new Cancelled()
    if (move.from.failure !== null) throw move.from.failure
  }

  async #begin (move: Move, start: Offset): Promise<void> {
    const { identity, config } = move.open
    this.#took(move, await move.link.call({ kind: 'future-open', identity, config, start }))
  }

  /** Copies some. Returns how many bytes. */
  async #step (move: Move): Promise<number> {
    const { table, reads } = this.#parts
    const { row } = move.open
    const from = Math.max(move.end, table.logStart(row))
    if (from >= table.end(row)) {
      if (move.end < from) await this.#begin(move, from)
      return 0
    }
    const bytes = await reads.readBytes(row, from, 'end', stepBytes)
    if (bytes.length === 0) return 0
    // The log may start within a batch, and may have lost its oldest segments since the copy began.
    const base = Math.min(from, readInt64(bytes, 0))
    if (move.end < from || move.end > base) await this.#begin(move, base)
    const { length } = bytes
    this.#took(move, await move.link.call({ kind: 'future-append', key: move.key, bytes }))
    move.unsyncedBytes += length
    if (move.unsyncedBytes >= unsyncedBytesMax) await this.#sync(move)
    if (!move.open.held) await this.#slowDown(move, length)
    return length
  }

  async #slowDown (move: Move, bytes: number): Promise<void> {
    const { clock, bytesPerSecond } = this.#parts
    for (let leftMs = bytes * 1000 / bytesPerSecond(); leftMs >= 1; leftMs -= patienceMs) {
      this.#mayGoOn(move)
      await new Promise<void>(resolve => clock.after(Math.min(leftMs, patienceMs), resolve))
    }
  }

  #took (move: Move, { end, bytes, path }: FutureState): void {
    move.end = end
    move.bytes = bytes
    move.path = path
  }

  async #sync (move: Move): Promise<void> {
    move.unsyncedBytes = 0
    if (move.path !== '') await move.to.thread.run({ kind: 'sync', path: move.path })
  }

  async #swap (move: Move): Promise<void> {
    const { open, key } = move
    open.held = true
    try {
      const { start, end }: { start: Offset, end: Offset } =
        await open.link.call({ kind: 'settle', row: open.row })
      do this.#mayGoOn(move)
      while (move.end < end && await this.#step(move) > 0)
      this.#took(move, await move.link.call({ kind: 'future-finish', key, start, end }))
      assert(move.end === end, 'a copy ends where its partition does')
      await this.#change(move, start)
    } finally {
      open.release()
    }
  }

  async #change (move: Move, start: Offset): Promise<void> {
    const { open, from, to } = move
    const { row, identity, config, link: departed, views } = open
    const aside: string = await departed.call({ kind: 'depart', row })
    try {
      await this.#take(open, move.link, { kind: 'arrive', row, identity, config, start })
    } catch (error) {
      if (!(error instanceof CallRefused)) throw error
      await this.#take(open, departed, { kind: 'return', row, identity, config, aside })
      throw error
    }
    from.partitions--
    to.partitions++
    from.doom(aside, this.#parts.clock.nowMs() + open.config.fileDeleteDelayMs)
    for (const view of views) from.thread.run({ kind: 'forget', view }).catch(() => {})
    await this.#settleStart(move)
  }

  /** The row goes on in that worker's hands. */
  async #take (open: MainRow, link: Link, call: LogCall): Promise<void> {
    const { table, arrivals } = this.#parts
    const { row } = open
    const epoch = table.leaderEpoch(row)
    open.movedTo(link)
    await link.call(call)
    await link.call({ kind: table.role(row) === roles.leader ? 'lead' : 'follow', row, epoch })
    // It may have changed meanwhile.
    await link.call({ kind: 'configure', row, config: open.config })
    arrivals.raise(row, table.durableEnd(row))
    arrivals.tellAdvanced()
  }

  /** The mark that the copy brought along is needed until the directory's checkpoint knows its start. */
  async #settleStart ({ open, to, key }: Move): Promise<void> {
    const { arrivals } = this.#parts
    await to.saveLogStarts(() => arrivals.rows.filter(row => row !== undefined))
    if (arrivals.rows[open.row] !== open) return
    await to.thread.run({ kind: 'remove', path: `${to.path}/${key}/${fileNames.copied}` })
  }
}
