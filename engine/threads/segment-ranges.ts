// One segment file as its readers see it from the main thread: which of its bytes are in memory or on their
// way there, and where the batches begin at which readers will go on.
import { floorEntry } from '../log/offset-index.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type BatchPlace } from '../log/reader.ts'
import { type Offset, type Position } from '../log/types.ts'
import { type Address, cellBytes, cellEnd } from './cells.ts'
import { Chunk, type ChunkHome, type ChunkReader } from './chunk.ts'
import { type PlaceSearch, type RangesRead } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import { type HistoryCache } from './history-cache.ts'

/** Places at which readers go on: one per reader, or few more. */
const placesMax = 256

export class SegmentRanges implements ChunkHome {
  /** The newest of its key. */
  view: SegmentView
  readonly #cache: HistoryCache
  readonly #disk: DiskThread
  readonly #chunks = new Map<number, Chunk>() // by the cell of the file that they lie in
  /** By the offset that a reader asks for. */
  readonly #places = new Map<Offset, BatchPlace>()
  /** To be searched with the next read. */
  #wanted: PlaceSearch[] = []
  /** Searched for last, as a position: readers of the same range want the same. */
  #searched: Position = -1
  #readableUpper: Offset = -1
  #readableEnd: Position = -1
  #forgotten = false

  constructor (cache: HistoryCache, disk: DiskThread, view: SegmentView) {
    this.#cache = cache
    this.#disk = disk
    this.view = view
  }

  /** The batch that holds `offset` or is the first behind it; undefined when it must be looked up. */
  placeOf (offset: Offset): BatchPlace | undefined {
    return this.#places.get(offset)
  }

  /** Somebody may ask for `place.offset` next. */
  learnPlace (place: BatchPlace): void {
    if (this.#forgotten) return
    for (const oldest of this.#places.keys()) {
      if (this.#places.size < placesMax) break
      this.#places.delete(oldest)
    }
    this.#places.set(place.offset, place)
  }

  /** Batches below `upper` end at `end`. */
  learnEnd (upper: Offset, end: Position): void {
    if (end <= this.#readableEnd) return
    this.#readableUpper = upper
    this.#readableEnd = end
  }

  /** Up to where it may be read at least, by who may read below `upper`. */
  readableEnd (upper: Offset): Position {
    return this.#readableUpper <= upper ? this.#readableEnd : -1
  }

  /** The reader whose answer ends at `limit` will want to know where it goes on; batches end at `end`. */
  wantPlace (limit: Position, end: Position): void {
    if (limit >= end || limit === this.#searched) return
    this.#searched = limit
    const { sealedBytes, offsetIndex } = this.view
    const from = sealedBytes < 0 ? floorEntry(offsetIndex, limit) : -1
    this.#wanted.push({ limit, from, end })
  }

  /** What is wanted is not searched yet, and nothing is read meanwhile: now. */
  searchPlaces (): void {
    if (this.#wanted.length > 0) this.#run(0, 0, [], [])
  }

  /** Bytes from `position` on, at most so many and not beyond its cell; they may be read up to `end`. */
  take (position: Position, most: number, end: Position, reader: ChunkReader): void {
    const there = this.#chunks.get(cellOf(position))
    if (there !== undefined && there.holds(position)) return there.give(position, most, reader)
    const chunk = this.#place(position, Math.min(end, cellEnd(position)), -1)
    chunk.give(position, most, reader)
    this.#cache.cells.take((address) => {
      if (address < 0) return chunk.unread()
      chunk.address = address
      this.#run(chunk.from, chunk.to - chunk.from, [chunk], [chunk.target])
    })
  }

  /** Bytes that were read with the search for their place; takes over one count of their cell. */
  adopt (position: Position, bytes: number, address: Address, most: number, reader: ChunkReader): void {
    const there = this.#chunks.get(cellOf(position))
    if (there !== undefined && there.there && there.holds(position)) {
      this.#cache.arena.release(address, 1)
      return there.give(position, most, reader)
    }
    const chunk = this.#place(position, position + bytes, address)
    chunk.give(position, most, reader)
    chunk.filled(bytes)
  }

  /** Reads from `position` on what is not there yet, a few cells at most and up to the one that `limit` lies
   *  in, while memory is not short. It may be read up to `end`. */
  readAhead (position: Position, limit: Position, end: Position): void {
    const { arena, aheadCells } = this.#cache
    const last = Math.min(limit, cellEnd(position) + (aheadCells - 1) * cellBytes)
    let from = position
    while (from < last && this.#has(from, end)) from = cellEnd(from)
    // Enough is on its way: one read brings several cells.
    if (from >= last || from > cellEnd(position)) return
    const chunks: Chunk[] = []
    const targets: Address[] = []
    let to = from
    while (to < last && arena.mayReadAhead && !this.#has(to, end)) {
      const address = arena.takeHistoryCell()
      if (address < 0) break
      const chunk = this.#place(to, Math.min(end, cellEnd(to)), address)
      chunks.push(chunk)
      targets.push(chunk.target)
      to = chunk.to
    }
    if (chunks.length > 0) this.#run(from, to - from, chunks, targets)
  }

  #has (position: Position, end: Position): boolean {
    const chunk = this.#chunks.get(cellOf(position))
    return chunk !== undefined && chunk.holds(position) && chunk.to >= Math.min(end, cellEnd(position))
  }

  #place (from: Position, to: Position, address: Address): Chunk {
    const cell = cellOf(from)
    this.#chunks.get(cell)?.forget()
    const chunk = new Chunk(this.#forgotten ? null : this, this.#cache, from, to, address)
    if (!this.#forgotten) this.#chunks.set(cell, chunk)
    return chunk
  }

  gone (chunk: Chunk): void {
    const cell = cellOf(chunk.from)
    if (this.#chunks.get(cell) === chunk) this.#chunks.delete(cell)
  }

  #run (position: Position, length: number, chunks: Chunk[], targets: Address[]): void {
    const { path, key, baseOffset } = this.view
    const searches = this.#wanted
    this.#wanted = []
    const file = { path, key, baseOffset }
    this.#disk.run({ kind: 'read', file, position, length, targets, searches }).then(
      read => this.#arrived(chunks, read),
      (error: Error) => this.#failed(chunks, error))
  }

  #arrived (chunks: Chunk[], { bytes, places }: RangesRead): void {
    for (const place of places) if (place !== null) this.learnPlace(place)
    let left = bytes
    for (const chunk of chunks) {
      const filled = Math.min(left, chunk.to - chunk.from)
      left -= filled
      chunk.filled(filled)
    }
  }

  /** Whoever asks next looks the place up again, and learns what is the matter. */
  #failed (chunks: Chunk[], error: Error): void {
    this.#places.clear()
    this.#searched = -1
    for (const chunk of chunks) chunk.failed(error)
  }

  /** Not to be found any more; who reads it now reads on. */
  forget (): void {
    this.#forgotten = true
    for (const chunk of [...this.#chunks.values()]) chunk.forget()
    this.#places.clear()
  }
}

function cellOf (position: Position): number {
  return Math.floor(position / cellBytes)
}
