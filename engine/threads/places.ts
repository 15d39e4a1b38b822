// Which log directory a partition is in, gets, or moves to.
import { type VolumeSpace } from '../base/disk.ts'
import { mayHaveFuture } from '../log/future-folder.ts'
import { partitionFolder } from '../log/names.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Arrivals } from './arrivals.ts'
import { type DirectoryKeeper } from './keeper.ts'
import { type DirectoryLog, type DirectoryView, type Row } from './log-client.ts'
import { type LogOptions } from './log-options.ts'
import { type MainRow } from './main-row.ts'
import { Moves } from './moves.ts'
import { type PartitionTable } from './partition-table.ts'
import { type Reads } from './reads.ts'

/** Wishes for partitions that do not exist may never be asked for again. */
const wishesMax = 10_000

export class Places {
  readonly #options: LogOptions
  readonly #arrivals: Arrivals
  readonly #table: PartitionTable
  readonly #moves: Moves
  /** Directories that partitions without a log shall be made in, by folder name. */
  readonly #wishes = new Map<string, string>()

  constructor (options: LogOptions, arrivals: Arrivals, table: PartitionTable, reads: Reads) {
    const { clock, logger, moveBytesPerSecond = () => Infinity } = options
    this.#options = options
    this.#arrivals = arrivals
    this.#table = table
    this.#moves = new Moves({ clock, logger, table, arrivals, reads, bytesPerSecond: moveBytesPerSecond })
  }

  /** The directory that was wished for, else the one with the fewest partitions; undefined: all have failed.
   *  */
  forNew (key: string): DirectoryKeeper | undefined {
    const serving = this.#arrivals.keepers.filter(keeper => keeper.failure === null)
    const wish = this.#wishes.get(key)
    this.#wishes.delete(key)
    const wished = serving.find(({ path }) => path === wish)
    if (wished !== undefined) return wished
    const free = serving.filter(({ path }) => !this.#cordoned(path))
    return (free.length > 0 ? free : serving).sort((a, b) => a.partitions - b.partitions)[0]
  }

  #cordoned (path: string): boolean {
    const cordoned = this.#options.cordoned?.() ?? []
    return cordoned.includes('*') || cordoned.includes(path)
  }

  async moveTo (topic: string, partition: number, row: Row, path: string): Promise<number> {
    if (!mayHaveFuture(topic, partition)) return errorCodes.INVALID_TOPIC_EXCEPTION
    const { keepers, rows } = this.#arrivals
    const to = keepers.find(keeper => keeper.path === path)
    if (to === undefined) return errorCodes.LOG_DIR_NOT_FOUND
    if (to.failure !== null) return errorCodes.KAFKA_STORAGE_ERROR
    const open = rows[row]
    if (open === undefined) {
      if (this.#wishes.size < wishesMax) this.#wishes.set(partitionFolder(topic, partition), path)
      return errorCodes.NONE
    }
    if (this.#moves.of(row)?.to === to) return errorCodes.NONE
    await this.#moves.cancel(row)
    if (rows[row] !== open || open.link.directory === to.index) return errorCodes.NONE
    // Where a directory is missing nobody knows whether the partition has another copy there.
    if (keepers.some(keeper => keeper.failure !== null)) return errorCodes.KAFKA_STORAGE_ERROR
    this.#moves.start(open, to)
    return errorCodes.NONE
  }

  /** The move that the last end of the broker interrupted. */
  resume (open: MainRow, path: string | undefined): void {
    const to = this.#arrivals.keepers.find(keeper => keeper.path === path)
    if (to === undefined || to.failure !== null || to.index === open.link.directory) return
    this.#moves.start(open, to)
  }

  /** Ends a move of that partition. */
  stay (row: Row): Promise<void> {
    return this.#moves.cancel(row)
  }

  close (): Promise<void> {
    return this.#moves.close()
  }

  views (): DirectoryView[] {
    const logs = new Map<number, DirectoryLog[]>(this.#arrivals.keepers.map(({ index }) => [index, []]))
    for (const open of this.#arrivals.rows) {
      if (open === undefined) continue
      const { topic, partition } = open.identity
      const sizeBytes = this.#table.sizeBytes(open.row)
      logs.get(open.link.directory)!.push({ topic, partition, sizeBytes, offsetLag: 0, future: false })
    }
    for (const { open, to, bytes, end } of this.#moves.all()) {
      if (end < 0 || open.link.directory === to.index) continue
      const { topic, partition } = open.identity
      const offsetLag = this.#table.end(open.row) - end
      logs.get(to.index)!.push({ topic, partition, sizeBytes: bytes, offsetLag, future: true })
    }
    return this.#arrivals.keepers.map(({ index, path, id, failure }) => {
      return { path, id, failure, cordoned: this.#cordoned(path), logs: logs.get(index)! }
    })
  }

  async space (path: string): Promise<VolumeSpace | null> {
    const keeper = this.#arrivals.keepers.find(keeper => keeper.path === path)
    return keeper === undefined ? null : await keeper.thread.run({ kind: 'space', path })
  }
}
