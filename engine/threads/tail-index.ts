// Where the newest batches of one partition still lie in the arena: a small ring, made at the first append,
// grown while the tail is long. A cache: an entry counts only while the arena says that its bytes are still
// those. By the main thread alone.
import { type Offset, type Position } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { type Address } from './cells.ts'

const fields = 7
const nextAt = 1 // the offset behind the entry's last record
const addressAt = 2
const lengthAt = 3
const generationAt = 4
const segmentAt = 5
const positionAt = 6

const entriesMin = 16
/** 16 KB batches fill 64 MB with so many; smaller ones are found further back in the file. */
const entriesMax = 4096

export class TailIndex {
  readonly #arena: Arena
  #ring = new Float64Array(entriesMin * fields)
  #capacity = entriesMin
  #first = 0 // ring place of the oldest entry
  #count = 0 // entries follow each other without a gap in offsets

  constructor (arena: Arena) {
    this.#arena = arena
  }

  get count (): number { return this.#count }

  add (
    base: Offset, next: Offset, address: Address, length: number, segmentBase: Offset, position: Position
  ): void {
    if (this.#count > 0 && this.#get(this.#count - 1, nextAt) !== base) this.clear()
    if (this.#count === this.#capacity) this.#makeRoom()
    const at = this.#place(this.#count++)
    const ring = this.#ring
    ring[at] = base
    ring[at + nextAt] = next
    ring[at + addressAt] = address
    ring[at + lengthAt] = length
    ring[at + generationAt] = this.#arena.generation
    ring[at + segmentAt] = segmentBase
    ring[at + positionAt] = position
    this.#arena.keep(address, length)
  }

  /** The entry that holds the offset and is still there; -1 when none is. */
  find (offset: Offset): number {
    if (this.#count === 0 || offset < this.#ring[this.#first * fields]) return -1
    if (offset >= this.#get(this.#count - 1, nextAt)) return -1
    let low = 0
    let high = this.#count - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#get(middle, 0) <= offset) low = middle
      else high = middle - 1
    }
    return this.intact(low) ? low : -1
  }

  intact (entry: number): boolean {
    return entry < this.#count &&
      this.#arena.intact(this.address(entry), this.length(entry), this.#get(entry, generationAt))
  }

  next (entry: number): Offset { return this.#get(entry, nextAt) }
  address (entry: number): Address { return this.#get(entry, addressAt) }
  length (entry: number): number { return this.#get(entry, lengthAt) }
  segmentBase (entry: number): Offset { return this.#get(entry, segmentAt) }
  position (entry: number): Position { return this.#get(entry, positionAt) }

  /** Where the batches below `upper` end in that segment; -1 unless the newest one does so. */
  endBelow (upper: Offset, segmentBase: Offset): Position {
    const last = this.#count - 1
    if (last < 0 || this.next(last) !== upper || this.segmentBase(last) !== segmentBase) return -1
    return this.position(last) + this.length(last)
  }

  /** The log was cut: what lies at or above `offset` is no more. */
  truncate (offset: Offset): void {
    while (this.#count > 0 && this.#get(this.#count - 1, nextAt) > offset) this.#count--
  }

  clear (): void {
    this.#count = 0
    this.#first = 0
  }

  #place (entry: number): number {
    return (this.#first + entry) % this.#capacity * fields
  }

  #get (entry: number, field: number): number {
    return this.#ring[this.#place(entry) + field]
  }

  /** Forgets the oldest entries when they are gone from the arena, or the ring is as long as it gets; else
   *  grows. */
  #makeRoom (): void {
    if (this.#capacity === entriesMax || !this.intact(0)) {
      this.#first = (this.#first + 1) % this.#capacity
      this.#count--
      return
    }
    const larger = new Float64Array(this.#capacity * 2 * fields)
    const tail = this.#ring.subarray(this.#first * fields)
    larger.set(tail)
    larger.set(this.#ring.subarray(0, this.#first * fields), tail.length)
    this.#ring = larger
    this.#capacity *= 2
    this.#first = 0
  }
}
