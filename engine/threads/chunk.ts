// A cell's worth of a segment file in the arena, shared by all who read there. All files are cut at the same
// places, so that readers who began anywhere meet in them:
//
//   file   |    0    |    1    |    2    | ...      256 KB each
//   chunk       [from     to)                       what is there of one; the byte at `position` lies in its
//                                                   cell at `position` mod 256 KB
import { assert } from '../base/assert.ts'
import { type Position } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { type Address, cellBytes, cellEnd } from './cells.ts'
import { type ArenaPiece } from './pieces.ts'

/** Who waits for bytes of a chunk that is being read. */
export interface ChunkReader {
  /** It holds one count of the chunk. */
  arrived (slice: ChunkSlice): void
  failed (reason: Error): void
  /** There was no cell to read into. */
  without (position: Position, most: number): void
}

interface Waiting { position: Position, most: number, reader: ChunkReader }

/** Where chunks rest whose readers are gone. */
export interface RestingPlace {
  readonly arena: Arena
  rest (chunk: Chunk): void
  wake (chunk: Chunk): void
}

/** Where a chunk is found. */
export interface ChunkHome {
  /** It must not be found any more. */
  gone (chunk: Chunk): void
}

export class Chunk {
  readonly from: Position
  #to: Position
  /** -1 until it has a cell. */
  address: Address
  /** Somebody has had its last byte: who reads alone does not come back. */
  used = false
  resting = false
  /** null: the bytes are there. */
  #waiting: Waiting[] | null = []
  #readers = 1 // and whoever fills it
  /** null: nobody finds it any more, it goes with its last reader. */
  #home: ChunkHome | null
  readonly #place: RestingPlace

  constructor (home: ChunkHome | null, place: RestingPlace, from: Position, to: Position, address: Address) {
    assert(from < to && to <= cellEnd(from), 'a chunk lies in one cell')
    this.#home = home
    this.#place = place
    this.from = from
    this.#to = to
    this.address = address
  }

  get to (): Position { return this.#to }
  get there (): boolean { return this.#waiting === null }

  /** What the system reads into it, as an address in the arena. */
  get target (): Address { return this.address + this.from % cellBytes }

  holds (position: Position): boolean {
    return position >= this.from && position < this.#to
  }

  /** Bytes from `position` on, at most so many: now, or when they are there. */
  give (position: Position, most: number, reader: ChunkReader): void {
    if (this.#waiting === null) reader.arrived(this.slice(position, most))
    else this.#waiting.push({ position, most, reader })
  }

  slice (position: Position, most: number): ChunkSlice {
    assert(this.there && this.holds(position), 'the bytes are there')
    if (this.resting) this.#place.wake(this)
    this.#readers++
    const length = Math.min(most, this.#to - position)
    if (position + length === this.#to) this.used = true
    return new ChunkSlice(this, this.#place.arena.slice(this.address + position % cellBytes, length))
  }

  /** So many bytes were read: fewer than expected where the file ends before. */
  filled (bytes: number): void {
    const short = this.from + bytes < this.#to
    this.#to = Math.min(this.#to, this.from + bytes)
    if (short) this.#hide()
    for (const { position, most, reader } of this.#ready()) {
      if (this.holds(position)) reader.arrived(this.slice(position, most))
      else reader.failed(new Error(`read ${bytes} bytes from ${this.from} on, wanted those at ${position}`))
    }
    this.letGo()
  }

  failed (reason: Error): void {
    this.#hide()
    for (const { reader } of this.#ready()) reader.failed(reason)
    this.letGo()
  }

  /** No cell was to be had for it. */
  unread (): void {
    this.#hide()
    for (const { position, most, reader } of this.#ready()) reader.without(position, most)
    this.letGo()
  }

  #ready (): Waiting[] {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    return waiting
  }

  letGo (): void {
    if (--this.#readers === 0) this.#leave()
  }

  #leave (): void {
    if (this.#home !== null) this.#place.rest(this)
    else if (this.address >= 0) this.#place.arena.release(this.address, 1)
  }

  #hide (): void {
    this.#home?.gone(this)
    this.#home = null
  }

  /** Another takes its place, its memory is wanted, or the segment is no more. */
  forget (): void {
    this.#hide()
    if (!this.resting) return
    this.#place.wake(this)
    this.#place.arena.release(this.address, 1)
  }
}

/** Bytes of a chunk, held for an answer. */
export class ChunkSlice implements ArenaPiece {
  readonly kind = 'arena'
  readonly bytes: Buffer
  readonly #chunk: Chunk
  #held = true

  constructor (chunk: Chunk, bytes: Buffer) {
    this.#chunk = chunk
    this.bytes = bytes
  }

  release (): void {
    if (!this.#held) return
    this.#held = false
    this.#chunk.letGo()
  }
}
