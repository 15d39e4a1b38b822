// A Produce frame on its way in. Up to 64 KB it gets its place beside others when a good part of it is there
// at once, as where a read has cut it in two; else it is collected privately. A larger one gets neighbouring
// cells of its own. The budget is charged as bytes arrive, so an announcement alone costs nothing but address
// space, and one that is out of proportion not even that.
import { assert } from '../base/assert.ts'
import { copyShared } from '../base/slices.ts'
import { type Arena } from './arena.ts'
import { type Address, cellBytes, smallFrameBytesMax } from './cells.ts'
import { type FrameEvents, type Shortage, type Unfinished } from './shortage.ts'

/** A larger announcement must bring its first 64 KB before address space is reserved for it. */
const trustedRunBytes = 4 * cellBytes
const privateBytesMin = 4096
/** A frame that has a place holds its whole cell until it is complete: a smaller one is not worth that, */
const placedBytesMin = 8192
/** and no client gets it for less than this part of the frame. */
const placedShare = 1 / 8

export class UnfinishedFrame implements Unfinished {
  readonly announcedBytes: number
  readonly events: FrameEvents
  readonly #arena: Arena
  readonly #shortage: Shortage
  #filled = 0
  #private: Buffer | null = null // holds [0, #filled) while the frame has no address
  #chargedBytes = 0 // for the private bytes
  #address: Address = -1
  #complete = false
  #ended = false

  constructor (arena: Arena, shortage: Shortage, announcedBytes: number, events: FrameEvents) {
    assert(announcedBytes > 0, 'a frame has bytes')
    this.#arena = arena
    this.#shortage = shortage
    this.announcedBytes = announcedBytes
    this.events = events
    shortage.began(this)
  }

  get filledBytes (): number { return this.#filled }

  /** The oldest, while others wait: something always finishes and gives its memory back. */
  get #mayExceed (): boolean {
    return this.#shortage.mayExceed(this) && this.#arena.mayExceed(this.#heldBytes)
  }

  get #heldBytes (): number {
    if (this.#address < 0 || this.#filled === 0) return this.#chargedBytes
    const last = Math.floor((this.#address + this.#filled - 1) / cellBytes)
    return (last + 1) * cellBytes - this.#address
  }

  get complete (): boolean { return this.#complete }

  /** Where the complete frame lies; whoever took it there holds one count over all of it: release(address,
   *  announcedBytes). */
  get address (): Address {
    assert(this.#complete, 'an unfinished frame has no address')
    return this.#address
  }

  /** Takes bytes [start, end) of the chunk, as many as the frame lacks and memory allows; returns how many.
   *  When it neither took all it lacks of them nor is complete, memory is short: events.resume() comes later;
   *  take() again then, be it with no bytes. */
  take (chunk: Buffer, start: number, end: number): number {
    assert(!this.#ended, 'the frame has ended')
    const stop = Math.min(end, start + this.announcedBytes - this.#filled)
    let at = start
    if (this.#address < 0 && this.#filled === 0) this.#placeAtOnce(stop - start)
    for (;;) {
      if (!this.#ready()) {
        this.#shortage.wait(this)
        break
      }
      if (this.#complete || at === stop) break
      const count = this.#address >= 0 ? this.#intoRun(chunk, at, stop) : this.#intoPrivate(chunk, at, stop)
      if (count === 0) {
        this.#shortage.wait(this)
        break
      }
      at += count
      this.#filled += count
    }
    return at - start
  }

  /** The connection is gone. */
  abandon (): void {
    if (this.#ended) return
    this.#end()
    if (this.#address >= 0) this.#arena.release(this.#address, this.announcedBytes)
    this.#dropPrivate()
  }

  memoryFree (): void {
    this.events.resume()
  }

  /** Takes the steps that are due between two copies; false when one needs memory that is not there. */
  #ready (): boolean {
    if (this.#address >= 0) {
      if (this.#filled === this.announcedBytes) this.#finish()
      return true
    }
    if (this.announcedBytes <= smallFrameBytesMax) {
      return this.#filled < this.announcedBytes || this.#settle()
    }
    const due = this.#filled >= smallFrameBytesMax
    if (!due && (this.#filled > 0 || this.announcedBytes > trustedRunBytes)) return true
    return this.#startRun() || !due
  }

  /** Where memory is short nothing changes: the frame is collected. */
  #placeAtOnce (there: number): void {
    const { announcedBytes } = this
    if (announcedBytes > smallFrameBytesMax || announcedBytes < placedBytesMin) return
    if (there >= announcedBytes * placedShare) this.#address = this.#arena.reserve(announcedBytes)
  }

  #settle (): boolean {
    const source = this.#private ?? Buffer.alloc(0)
    let address = this.#arena.place(source, 0, this.#filled)
    if (address < 0) {
      if (!this.#mayExceed) return false
      address = this.#arena.placeOwn(source.subarray(0, this.#filled))
    }
    this.#address = address
    this.#dropPrivate()
    this.#finish()
    return true
  }

  #startRun (): boolean {
    // Who waits for memory takes no addresses: those that are free were used before, and cost nothing new.
    if (!this.#arena.hasRoom(cellBytes) && !this.#mayExceed) return false
    const address = this.#arena.reserveRun(this.announcedBytes)
    if (address < 0) return false
    if (this.#filled > 0) {
      this.#arena.chargeCell(address, true)
      copyShared(this.#private!, 0, this.#filled, this.#arena.bytes, address)
      this.#dropPrivate()
    }
    this.#address = address
    return true
  }

  #intoRun (chunk: Buffer, at: number, stop: number): number {
    const target = this.#address + this.#filled
    if (!this.#arena.chargeCell(target, this.#mayExceed)) return 0
    const count = Math.min(stop - at, cellBytes - target % cellBytes)
    copyShared(chunk, at, at + count, this.#arena.bytes, target)
    return count
  }

  #intoPrivate (chunk: Buffer, at: number, stop: number): number {
    const most = Math.min(this.announcedBytes, smallFrameBytesMax)
    const count = Math.min(stop - at, most - this.#filled)
    if (!this.#arena.charge(count, this.#mayExceed)) return 0
    this.#chargedBytes += count
    this.#growTo(this.#filled + count, most)
    chunk.copy(this.#private!, this.#filled, at, at + count)
    return count
  }

  #growTo (bytes: number, most: number): void {
    const old = this.#private
    if (old !== null && old.length >= bytes) return
    const wanted = Math.max(bytes, (old?.length ?? 0) * 2, privateBytesMin)
    this.#private = Buffer.allocUnsafeSlow(Math.min(most, wanted))
    old?.copy(this.#private, 0, 0, this.#filled)
  }

  #finish (): void {
    this.#complete = true
    this.#end()
  }

  #end (): void {
    this.#ended = true
    this.#shortage.ended(this)
  }

  #dropPrivate (): void {
    this.#private = null
    if (this.#chargedBytes > 0) this.#arena.uncharge(this.#chargedBytes)
    this.#chargedBytes = 0
  }
}
