// One piece of shared memory for Produce frames, the hot tail and history reads, with one budget.
//
//   address space (8 x budget): reserved at start, pages cost memory only once touched
//   +--------+--------+--------+--------+--------+--------+----
//   | tail   | tail   |current | free   | run of one     | ...      cells of 256 KB, taken lowest first
//   +--------+--------+--------+--------+--------+--------+----
//
// An address is a byte position in the arena. A cell lives while its count is above zero or the tail keeps
// it. Counts, generations and the budget are written by the main thread alone; other threads only see bytes.
//
// For a socket:  place() for a small frame that is there whole; begin() for one that still arrives.
// For a log:     retain/release around a batch in work, keep() when the tail points at it, intact() to read.
import { assert } from '../base/assert.ts'
import { type Clock } from '../base/clock.ts'
import { copyShared } from '../base/slices.ts'
import { type FrameEvents, Shortage, type MemoryWaiter } from './shortage.ts'
import { type Address, cellBytes, smallFrameBytesMax } from './cells.ts'
import { UnfinishedFrame } from './unfinished-frame.ts'

export { type Address, cellBytes, smallFrameBytesMax } from './cells.ts'

/** Room for runs between what the tail and slow readers hold. Address space costs nothing. */
const addressFactor = 8
/** A frame of socket.request.max.bytes (100 MB) fits even beside a small budget. */
const addressBytesMin = 268_435_456
/** Addresses travel as unsigned 32-bit words. */
const addressBytesMax = 4_294_967_296 - cellBytes

/** Of the budget: what rests may keep from the tail. Were it the first to go, it would push itself out as
 *  soon as the tail is full, what was read ahead before it was had. */
const restingShare = 1 / 4

const free = 0
const taken = 1
const history = 2

/** Has cells that nobody needs at the moment. */
export interface SpareCells {
  /** Frees one that rests; false when none does. */
  giveBack (): boolean
}

export class Arena {
  readonly cellBytes = cellBytes
  readonly budgetBytes: number
  readonly buffer: SharedArrayBuffer
  readonly bytes: Buffer
  readonly cells: number
  readonly #use: Uint8Array
  readonly #counts: Int32Array
  readonly #charged: Uint8Array // 1: the cell is counted in #usedBytes
  readonly #kept: Uint8Array // 1: the hot tail may point into it
  readonly #since: Float64Array // #sequence when it was taken; Infinity while the tail may not read it
  readonly #leases: Int32Array // answers that hold the cell for the tail
  #leasedCells = 0
  readonly #tail: Int32Array // kept cells, oldest first: a ring
  #tailFirst = 0
  #tailCells = 0
  #sequence = 0
  #lowestFree = 0 // no free cell lies below
  #usedBytes = 0 // charged cells and private bytes; above the budget only for the oldest frame
  #historyCells = 0
  #restingCells = 0 // of those; nobody holds them, and what is above their share goes before the tail does
  spare: SpareCells | null = null
  #current = -1 // the cell into which small frames are copied; holds one count of its own
  #position = 0 // in the current cell
  readonly clock: Clock
  readonly #shortage: Shortage

  constructor (budgetBytes: number, clock: Clock) {
    this.clock = clock
    this.budgetBytes = Math.max(budgetBytes, 4 * cellBytes)
    const wanted = Math.max(this.budgetBytes * addressFactor, addressBytesMin)
    this.cells = Math.floor(Math.min(wanted, addressBytesMax) / cellBytes)
    this.buffer = new SharedArrayBuffer(this.cells * cellBytes)
    this.bytes = Buffer.from(this.buffer)
    this.#use = new Uint8Array(this.cells)
    this.#counts = new Int32Array(this.cells)
    this.#charged = new Uint8Array(this.cells)
    this.#kept = new Uint8Array(this.cells)
    this.#since = new Float64Array(this.cells).fill(Infinity)
    this.#leases = new Int32Array(this.cells)
    this.#tail = new Int32Array(this.cells)
    this.#shortage = new Shortage(clock, () => this.#canCharge())
  }

  get usedBytes (): number { return this.#usedBytes }
  get tailBytes (): number { return this.#tailCells * cellBytes }
  get waiting (): number { return this.#shortage.waiting }

  holds (bytes: Uint8Array): boolean { return bytes.buffer === this.buffer }
  slice (address: Address, length: number): Buffer { return this.bytes.subarray(address, address + length) }

  // frames

  /** Copies a whole small frame into the current cell; the caller holds one count of it. -1: memory is short,
   *  begin() one instead. */
  place (source: Buffer, start: number, end: number): Address {
    const address = this.reserve(end - start)
    if (address >= 0) copyShared(source, start, end, this.bytes, address)
    return address
  }

  /** Room for a small frame in the current cell, for place() and for a frame of which enough has arrived. The
   *  caller holds one count of it. -1: memory is short. */
  reserve (length: number): Address {
    assert(length <= smallFrameBytesMax, 'only small frames share cells')
    if (this.#current < 0 || this.#position + length > cellBytes) {
      if (this.#shortage.waiting > 0 || !this.#turnCell(false)) return -1
    }
    return this.#nextPlace(length)
  }

  /** A frame that still arrives, or has to wait. null: it is larger than the whole address space. */
  begin (announcedBytes: number, events: FrameEvents): UnfinishedFrame | null {
    if (announcedBytes > this.buffer.byteLength) return null
    return new UnfinishedFrame(this, this.#shortage, announcedBytes, events)
  }

  /** Copies bytes of the broker's own making in, past the budget if need be. The caller holds one count. */
  placeOwn (source: Buffer): Address {
    if (source.length <= smallFrameBytesMax) {
      if (this.#current < 0 || this.#position + source.length > cellBytes) {
        assert(this.#turnCell(true), 'the address space is full')
      }
      const address = this.#nextPlace(source.length)
      copyShared(source, 0, source.length, this.bytes, address)
      return address
    }
    const address = this.reserveRun(source.length)
    assert(address >= 0, 'the address space is full')
    for (let at = 0; at < source.length; at += cellBytes) this.chargeCell(address + at, true)
    copyShared(source, 0, source.length, this.bytes, address)
    return address
  }

  #nextPlace (length: number): Address {
    const address = this.#current * cellBytes + this.#position
    this.#position += length
    this.#counts[this.#current]++
    return address
  }

  #turnCell (force: boolean): boolean {
    const cell = this.#takeCell(force, taken)
    if (cell < 0) return false
    this.retireCurrent()
    this.#current = cell
    this.#position = 0
    return true
  }

  /** Lets go of the current cell (also at close). */
  retireCurrent (): void {
    const cell = this.#current
    if (cell < 0) return
    this.#current = -1
    if (this.#kept[cell] === 1) this.#queueTail(cell)
    this.release(cell * cellBytes, 1)
  }

  // counts

  retain (address: Address, length: number): void {
    const last = Math.floor((address + length - 1) / cellBytes)
    for (let cell = Math.floor(address / cellBytes); cell <= last; cell++) {
      assert(this.#use[cell] !== free, 'retained a free cell')
      this.#counts[cell]++
    }
  }

  release (address: Address, length: number): void {
    const last = Math.floor((address + length - 1) / cellBytes)
    for (let cell = Math.floor(address / cellBytes); cell <= last; cell++) {
      assert(this.#counts[cell] > 0, 'released more often than retained')
      if (--this.#counts[cell] === 0 && this.#kept[cell] === 0) this.#freeCell(cell)
    }
  }

  // the hot tail

  /** The tail points into these cells from now on: they stay, count or not, until the budget wants them. */
  keep (address: Address, length: number): void {
    const last = Math.floor((address + length - 1) / cellBytes)
    for (let cell = Math.floor(address / cellBytes); cell <= last; cell++) {
      if (this.#kept[cell] === 1) continue
      this.#kept[cell] = 1
      // The current cell is queued when it is full: it is the last that should go.
      if (cell !== this.#current) this.#queueTail(cell)
    }
  }

  /** Rises with every cell taken; a tail entry remembers it as the generation of its bytes. */
  get generation (): number { return this.#sequence }

  /** True while the bytes are those that lay there at that generation. */
  intact (address: Address, length: number, generation: number): boolean {
    const last = Math.floor((address + length - 1) / cellBytes)
    for (let cell = Math.floor(address / cellBytes); cell <= last; cell++) {
      if (this.#since[cell] > generation) return false
    }
    return true
  }

  /** Answers may hold a quarter of the budget's cells for readers that have not taken them yet: a consumer
   *  that stopped reading must not keep producers waiting. Beyond, they are answered from the files. */
  get mayLease (): boolean {
    return this.#leasedCells * cellBytes * 4 <= this.budgetBytes
  }

  /** Holds bytes of the tail for an answer. */
  lease (address: Address, length: number): void {
    this.retain(address, length)
    const last = Math.floor((address + length - 1) / cellBytes)
    for (let cell = Math.floor(address / cellBytes); cell <= last; cell++) {
      if (this.#leases[cell]++ === 0) this.#leasedCells++
    }
  }

  endLease (address: Address, length: number): void {
    const last = Math.floor((address + length - 1) / cellBytes)
    for (let cell = Math.floor(address / cellBytes); cell <= last; cell++) {
      if (--this.#leases[cell] === 0) this.#leasedCells--
    }
    this.release(address, length)
  }

  #queueTail (cell: number): void {
    this.#tail[(this.#tailFirst + this.#tailCells++) % this.cells] = cell
  }

  #dropOldestTail (): boolean {
    if (this.#tailCells === 0) return false
    const cell = this.#tail[this.#tailFirst]
    this.#tailFirst = (this.#tailFirst + 1) % this.cells
    this.#tailCells--
    this.#kept[cell] = 0
    this.#since[cell] = Infinity
    if (this.#counts[cell] === 0) this.#freeCell(cell)
    return true
  }

  // history reads

  /** A cell to read a file into; the caller holds one count. -1: memory is short, or readers hold half of it:
   *  wait with whenMemory. */
  takeHistoryCell (): Address {
    if ((this.#historyCells + 1) * cellBytes * 2 > this.budgetBytes && !this.#endRest()) return -1
    const cell = this.#takeCell(false, history)
    if (cell < 0) return -1
    this.#historyCells++
    return cell * cellBytes
  }

  /** Readers hold no more than half of what they may: cells for what is not yet asked for are to be had. */
  get mayReadAhead (): boolean {
    const heldBytes = (this.#historyCells - this.#restingCells) * cellBytes
    return this.#shortage.waiting === 0 && heldBytes * 4 <= this.budgetBytes
  }

  /** Who holds the one count of a history cell lets it rest: its bytes stay until the budget wants them. */
  rest (address: Address): void {
    const cell = Math.floor(address / cellBytes)
    assert(this.#use[cell] === history && this.#counts[cell] === 1, 'what rests is held by nobody else')
    this.#counts[cell] = 0
    this.#restingCells++
    this.#shortage.wake()
  }

  /** Holds one count of it again. */
  wake (address: Address): void {
    const cell = Math.floor(address / cellBytes)
    assert(this.#use[cell] === history && this.#counts[cell] === 0, 'it rests')
    this.#counts[cell] = 1
    this.#restingCells--
  }

  #endRest (): boolean {
    return this.#restingCells > 0 && this.spare!.giveBack()
  }

  /** Calls once, in turn, when something was given back. */
  whenMemory (waiter: MemoryWaiter): void {
    this.#shortage.wait(waiter)
  }

  waitNoMore (waiter: MemoryWaiter): void {
    this.#shortage.forget(waiter)
  }

  // cells and budget (also used by unfinished frames)

  /**
   * One frame goes past the budget, not one after the other: whoever did must have given its memory back.
   * `own` is what the asking one holds.
   */
  mayExceed (own: number): boolean {
    return this.#usedBytes - own <= this.budgetBytes
  }

  /** Counts privately collected bytes. */
  charge (bytes: number, force: boolean): boolean {
    if (!this.hasRoom(bytes) && !force) return false
    this.#usedBytes += bytes
    return true
  }

  uncharge (bytes: number): void {
    this.#usedBytes -= bytes
    this.#shortage.wake()
  }

  /** Neighbouring cells for `bytes`, one count each, not charged yet. -1: no such gap. */
  reserveRun (bytes: number): Address {
    const wanted = Math.ceil(bytes / cellBytes)
    let first = this.#use.indexOf(free, this.#lowestFree)
    this.#lowestFree = first < 0 ? this.cells : first
    while (first >= 0 && first + wanted <= this.cells) {
      let have = 1
      while (have < wanted && this.#use[first + have] === free) have++
      if (have === wanted) {
        for (let cell = first; cell < first + wanted; cell++) this.#mark(cell, taken)
        return first * cellBytes
      }
      first = this.#use.indexOf(free, first + have)
    }
    return -1
  }

  /** Charges the reserved cell at that address, once. */
  chargeCell (address: Address, force: boolean): boolean {
    const cell = Math.floor(address / cellBytes)
    if (this.#charged[cell] === 1) return true
    if (!this.charge(cellBytes, force)) return false
    this.#charged[cell] = 1
    return true
  }

  #takeCell (force: boolean, use: number): number {
    if (!this.hasRoom(cellBytes) && !force) return -1
    const cell = this.#use.indexOf(free, this.#lowestFree)
    if (cell < 0) return -1
    this.#lowestFree = cell + 1
    this.#mark(cell, use)
    this.#charged[cell] = 1
    this.#usedBytes += cellBytes
    return cell
  }

  #mark (cell: number, use: number): void {
    this.#use[cell] = use
    this.#counts[cell] = 1
    this.#since[cell] = ++this.#sequence
  }

  #freeCell (cell: number): void {
    if (this.#use[cell] === history) this.#historyCells--
    this.#use[cell] = free
    this.#since[cell] = Infinity
    if (this.#charged[cell] === 1) this.#usedBytes -= cellBytes
    this.#charged[cell] = 0
    if (cell < this.#lowestFree) this.#lowestFree = cell
    this.#shortage.wake()
  }

  /** True when so much may be charged; what rests goes for it while it has its share, then the tail, oldest
   *  first. */
  hasRoom (bytes: number): boolean {
    while (this.#usedBytes + bytes > this.budgetBytes) {
      const restsMuch = this.#restingCells * cellBytes > this.budgetBytes * restingShare
      if (restsMuch && this.#endRest()) continue
      if (!this.#dropOldestTail() && !this.#endRest()) return false
    }
    return true
  }

  #canCharge (): boolean {
    return this.#usedBytes + cellBytes <= this.budgetBytes || this.#tailCells + this.#restingCells > 0
  }

  /** What is still held, besides the tail: nothing, when all readers and writers are gone. */
  get heldCells (): number {
    let held = 0
    for (let cell = 0; cell < this.cells; cell++) held += this.#counts[cell] > 0 ? 1 : 0
    return held
  }

  close (): void {
    this.retireCurrent()
    this.#shortage.close()
  }
}
