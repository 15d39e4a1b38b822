// The transactions of one partition that a reader of committed records must still wait for: undecided ones,
// and decided ones whose marker may not be everywhere yet (it lies at or above the high watermark, and could
// be lost with the leader). Offsets only: whose they are is the producers' state.
import { assert } from '../base/assert.ts'
import { type Offset } from './types.ts'

export class Transactions {
  /** First offset -> producer id. Transactions begin at rising offsets, so the first key is the oldest. */
  #open = new Map<Offset, number>()
  /** Pairs (first offset, marker), in the order of the markers. */
  readonly #decided: Offset[] = []

  get openCount (): number { return this.#open.size }

  /** Of the oldest one without a marker; -1 when all are decided. */
  get firstUndecided (): Offset {
    return this.#open.size === 0 ? -1 : this.#open.keys().next().value!
  }

  /** Of the oldest one that may not be read yet; -1 when there is none. */
  get firstUnstable (): Offset {
    let first = this.firstUndecided
    for (let at = 0; at < this.#decided.length; at += 2) {
      if (first < 0 || this.#decided[at] < first) first = this.#decided[at]
    }
    return first
  }

  /** The newest marker that was at or above the high watermark when last told of; -1 when there is none. */
  get lastMarker (): Offset {
    return this.#decided.length === 0 ? -1 : this.#decided[this.#decided.length - 1]
  }

  begin (first: Offset, producerId: number): void {
    assert(!this.#open.has(first), 'transactions begin at different offsets')
    this.#open.set(first, producerId)
  }

  /** Returns the offset below which everything is decided now: the last stable offset as of this marker. */
  end (first: Offset, marker: Offset): Offset {
    const known = this.#open.delete(first)
    assert(known, 'a transaction ends once')
    this.#decided.push(first, marker)
    return this.#open.size === 0 ? marker + 1 : this.firstUndecided
  }

  undoBegin (first: Offset): void {
    this.#open.delete(first)
  }

  undoEnd (first: Offset, producerId: number): void {
    this.#decided.length -= 2
    this.#open.set(first, producerId)
    this.#sort()
  }

  /** Markers below the high watermark are everywhere. */
  replicated (highWatermark: Offset): void {
    let gone = 0
    while (gone < this.#decided.length && this.#decided[gone + 1] < highWatermark) gone += 2
    if (gone > 0) this.#decided.splice(0, gone)
  }

  /** The decided ones, as begin() and end() were told of them. */
  get decided (): readonly Offset[] { return this.#decided }

  /** After load(): a snapshot at `offset` does not tell that these wait. */
  waitStill (decided: readonly Offset[], offset: Offset): void {
    for (let at = 0; at < decided.length && decided[at + 1] < offset; at += 2) {
      this.#decided.push(decided[at], decided[at + 1])
    }
  }

  /** From a snapshot, in any order. */
  load (open: readonly (readonly [first: Offset, producerId: number])[]): void {
    for (const [first, producerId] of open) this.#open.set(first, producerId)
    this.#sort()
  }

  clear (): void {
    this.#open.clear()
    this.#decided.length = 0
  }

  #sort (): void {
    this.#open = new Map([...this.#open].sort((a, b) => a[0] - b[0]))
  }
}
