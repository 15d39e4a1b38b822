// One segment file as its readers see it from the main thread: which of its bytes are in memory or on their
// way there, and where the batches begin at which readers will go on.
import { floorEntry } from '../log/offset-index.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type BatchPlace } from '../log/reader.ts'
import { type Offset, type Position } from '../log/types.ts'
import { type Address, cellBytes, cellEnd } from './cells.ts'
import { Chunk, type ChunkHome, type ChunkReader } from './chunk.ts'
import { Comers } from './comers.ts'
import { type PlaceSearch, type RangesRead } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import { type HistoryCache } from './history-cache.ts'

/** Places at which readers go on: one per reader, or few more. */
const placesMax = 256
/** Who is further behind than what one answer brings as a rule does not come along by itself. */
const togetherBytes = 4 * cellBytes
/**
 * How many cells a reader is read ahead of while others are behind who will want the same bytes. They find
 * them in memory and come nearer; read ahead of as if it were alone, the first one leaves them behind for
 * good, and each reads the file for itself: of what eight readers of one range got, 0.2-0.4 was read from
 * the file, and is 0.12 so, which is an eighth.
 */
const aheadCellsOfFirst = 2

interface WantedPlace {
  readonly search: PlaceSearch
  /** An answer of so many bytes follows there, and where that ends is wanted as well. */
  readonly followingBytes: number
}

export class SegmentRanges implements ChunkHome {
  /** The newest of its key. */
  view: SegmentView
  readonly #cache: HistoryCache
  readonly #disk: DiskThread
  readonly #chunks = new Map<number, Chunk>() // by the cell of the file that they lie in
  /** By the offset that a reader asks for. */
  readonly #places = new Map<Offset, BatchPlace>()
  /** By where an answer ends: where its reader goes on; null while that is searched for. */
  readonly #ends = new Map<Position, BatchPlace | null>()
  /** To be searched with the next read. */
  #wanted: WantedPlace[] = []
  readonly #comers = new Comers()
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

  /** Somebody may ask for `place.offset` next: who had an answer that ended at `limit`, if one did. */
  learnPlace (place: BatchPlace, limit: Position = -1): void {
    if (this.#forgotten) return
    put(this.#places, place.offset, place)
    if (limit >= 0) put(this.#ends, limit, place)
  }

  /** A reader has an answer from `place` to `end`. */
  moves (place: BatchPlace, end: Position): void {
    if (end > place.position) this.#comers.moves(place, end)
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

  /**
   * The reader whose answer of so many bytes ends at `limit` will want to know where it goes on, and it asks
   * soon: that is searched one answer ahead. Batches end at `end`.
   */
  wantPlace (limit: Position, end: Position, bytes: number): void {
    const place = this.#ends.get(limit)
    if (place === undefined) this.#want(limit, end, bytes)
    else if (place !== null) this.#want(place.position + bytes, end, 0)
  }

  #want (limit: Position, end: Position, followingBytes: number): void {
    if (limit >= end || this.#forgotten || this.#ends.has(limit)) return
    put(this.#ends, limit, null)
    const { sealedBytes, offsetIndex } = this.view
    const from = sealedBytes < 0 ? floorEntry(offsetIndex, limit) : -1
    this.#wanted.push({ search: { limit, from, end }, followingBytes })
  }

  /** Places are wanted, and not searched yet. */
  get searches (): boolean { return this.#wanted.length > 0 }

  /** Nothing is read meanwhile: they are searched now. */
  searchPlaces (): void {
    if (this.searches) this.#run(0, 0, [], [])
  }

  get mayReadAhead (): boolean { return this.#cache.arena.mayReadAhead }

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
   *  in, while memory is not short. It may be read up to `end`. `atOnce`: even if most of it is there. */
  readAhead (position: Position, limit: Position, end: Position, atOnce: boolean): void {
    const { arena } = this.#cache
    const aheadCells = this.#aheadCells(position)
    const last = Math.min(limit, cellEnd(position) + (aheadCells - 1) * cellBytes)
    let from = position
    while (from < last && this.#has(from, end)) from = cellEnd(from)
    if (from >= last) return
    // Enough is on its way: one read brings several cells.
    if (!atOnce && from - position > (aheadCells >> 1) * cellBytes) return
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

  /** Few for who is ahead of others that may still find in memory what it had. */
  #aheadCells (position: Position): number {
    const { aheadCells, hadBytesMax } = this.#cache
    if (aheadCells <= aheadCellsOfFirst) return aheadCells
    const leads = this.#comers.areBetween(position - hadBytesMax, position - togetherBytes)
    return leads ? aheadCellsOfFirst : aheadCells
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
    const wanted = this.#wanted
    this.#wanted = []
    const searches = wanted.map(({ search }) => search)
    const file = { path, key, baseOffset }
    this.#disk.run({ kind: 'read', file, position, length, targets, searches }).then(
      read => this.#arrived(chunks, wanted, read),
      (error: Error) => this.#failed(chunks, error))
  }

  #arrived (chunks: Chunk[], wanted: WantedPlace[], { bytes, places }: RangesRead): void {
    for (let index = 0; index < wanted.length; index++) this.#found(wanted[index], places[index])
    let left = bytes
    for (const chunk of chunks) {
      const filled = Math.min(left, chunk.to - chunk.from)
      left -= filled
      chunk.filled(filled)
    }
  }

  #found ({ search: { limit, end }, followingBytes }: WantedPlace, place: BatchPlace | null): void {
    if (place === null) {
      this.#ends.delete(limit)
      return
    }
    this.learnPlace(place, limit)
    if (followingBytes > 0) this.#want(place.position + followingBytes, end, 0)
  }

  /** Whoever asks next looks the place up again, and learns what is the matter. */
  #failed (chunks: Chunk[], error: Error): void {
    this.#places.clear()
    this.#ends.clear()
    for (const chunk of chunks) chunk.failed(error)
  }

  /** Not to be found any more; who reads it now reads on. */
  forget (): void {
    this.#forgotten = true
    for (const chunk of [...this.#chunks.values()]) chunk.forget()
    this.#places.clear()
    this.#ends.clear()
  }
}

/** The oldest go for it. */
function put<K, V> (places: Map<K, V>, key: K, value: V): void {
  for (const oldest of places.keys()) {
    if (places.size < placesMax) break
    places.delete(oldest)
  }
  places.set(key, value)
}

function cellOf (position: Position): number {
  return Math.floor(position / cellBytes)
}
