// What is in memory of segment files: one file read serves all who read there. Chunks that nobody holds rest
// here until their memory is wanted; those that somebody has had go first, for the others were read ahead of
// a reader who is about to come.
//
// A cache of files that do not change: a segment is named by its key, and whoever cuts or removes one says so
// (forget).
import { type SegmentView } from '../log/partition-log.types.ts'
import { type Arena } from './arena.ts'
import { cellBytes } from './cells.ts'
import { type Chunk, type RestingPlace } from './chunk.ts'
import { type DiskThread } from './disk-thread.ts'
import { HistoryCells } from './history-cells.ts'
import { SegmentRanges } from './segment-ranges.ts'

/** Of the budget, for chunks that were had. */
const hadShare = 1 / 8
/** For chunks read ahead. */
const aheadShare = 1 / 4
/** Segments that lagging readers of all partitions stand in; what is known of others is found again. */
const segmentsMax = 256
/** How far a reader is read ahead of: what two requests of the usual size bring. */
const aheadCells = 8
/**
 * The same while somebody appends. A disk thread that reads 2 MB at once keeps its processor for 1-5 ms, and
 * on few of them the log worker or the main thread waits for it: in pieces of one cell a producer's p99 is
 * about 0.8 of that (0.7-1.2 by the run), and a reader from a disk gets no less.
 */
const aheadCellsBesideAppends = 1

export class HistoryCache implements RestingPlace {
  readonly arena: Arena
  readonly cells: HistoryCells
  readonly #segments = new Map<string, SegmentRanges>() // by path; the oldest used first
  readonly #had = new Set<Chunk>() // oldest first
  readonly #ahead = new Set<Chunk>()
  readonly #hadMax: number
  readonly #aheadMax: number
  /** Something was appended since the last tick. */
  appended = false
  #appendedBefore = false

  constructor (arena: Arena) {
    this.arena = arena
    this.cells = new HistoryCells(arena)
    this.#hadMax = Math.floor(arena.budgetBytes * hadShare / cellBytes)
    this.#aheadMax = Math.floor(arena.budgetBytes * aheadShare / cellBytes)
    arena.spare = this
  }

  /** What is known of that segment; undefined when nothing is. */
  known (view: SegmentView): SegmentRanges | undefined {
    const ranges = this.#segments.get(view.path)
    if (ranges === undefined || ranges.view.key !== view.key) return undefined
    ranges.view = view
    return ranges
  }

  of (disk: DiskThread, view: SegmentView): SegmentRanges {
    const known = this.known(view)
    if (known !== undefined) return known
    this.#drop(view.path)
    for (const path of this.#segments.keys()) {
      if (this.#segments.size < segmentsMax) break
      this.#drop(path)
    }
    const ranges = new SegmentRanges(this, disk, view)
    this.#segments.set(view.path, ranges)
    return ranges
  }

  /** They were cut, or are no more: what is read from now on is read anew. */
  forget (views: readonly SegmentView[]): void {
    for (const view of views) if (this.known(view) !== undefined) this.#drop(view.path)
  }

  #drop (path: string): void {
    this.#segments.get(path)?.forget()
    this.#segments.delete(path)
  }

  /**
   * How many cells to read ahead: few where there are many readers, who must not push each other out. Half of
   * what is left: 16 readers come to rest at four or five each beside the usual budget, an answer of 1 MB. At
   * an eighth it was three, and every answer took three jobs.
   */
  get aheadCells (): number {
    if (this.appended || this.#appendedBefore) return aheadCellsBesideAppends
    const left = this.#aheadMax - this.#ahead.size
    return Math.max(1, Math.min(aheadCells, Math.floor(left / 2)))
  }

  /** Who is that far behind another may still find what that one had. */
  get hadBytesMax (): number { return this.#hadMax * cellBytes }

  tick (): void {
    this.#appendedBefore = this.appended
    this.appended = false
  }

  rest (chunk: Chunk): void {
    const resting = chunk.used ? this.#had : this.#ahead
    chunk.resting = true
    resting.add(chunk)
    this.arena.rest(chunk.address)
    if (this.#had.size > this.#hadMax) this.#end(this.#had)
    if (this.#ahead.size > this.#aheadMax) this.#end(this.#ahead)
  }

  wake (chunk: Chunk): void {
    chunk.resting = false
    this.#had.delete(chunk)
    this.#ahead.delete(chunk)
    this.arena.wake(chunk.address)
  }

  /** False: nothing rests. */
  giveBack (): boolean {
    return this.#end(this.#had) || this.#end(this.#ahead)
  }

  #end (resting: Set<Chunk>): boolean {
    const { value: oldest } = resting.values().next()
    oldest?.forget()
    return oldest !== undefined
  }

  close (): void {
    for (const path of this.#segments.keys()) this.#drop(path)
  }
}
