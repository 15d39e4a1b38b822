// Rows that wait for a disk thread: the first append of such a row is being checked there, and what came for
// the row behind it, appends and calls alike, keeps its order here. Other rows go on meanwhile.
//
//   row 7:  append (with the disk thread) | append | call | append ...
import { assert } from '../base/assert.ts'
import { type CheckedRecords } from '../log/types.ts'
import { commandWord, type ToWorker } from './commands.ts'
import { recordWords } from './ring.ts'

export class Waiting {
  /** The append's ring record; empty for a call. */
  readonly words: Int32Array
  readonly call: ToWorker | null
  /** Whether a disk thread has been asked. */
  asked = false
  checked: CheckedRecords | null = null

  constructor (words: Int32Array, call: ToWorker | null) {
    this.words = words
    this.call = call
  }

  /** It is its turn as soon as it is the first. */
  get ready (): boolean { return !this.asked || this.checked !== null }
}

const noWords = new Int32Array(0)

export class WaitingRows {
  readonly #rows = new Map<number, Waiting[]>()
  /** Rows whose first may go on, in the order in which they could. */
  readonly #ready: number[] = []
  /** Calls that concern every row: after all that waits. */
  readonly #last: ToWorker[] = []

  get empty (): boolean { return this.#rows.size === 0 && this.#last.length === 0 }
  get anyReady (): boolean {
    return this.#ready.length > 0 || (this.#rows.size === 0 && this.#last.length > 0)
  }

  holds (row: number): boolean {
    return this.#rows.size > 0 && this.#rows.has(row)
  }

  /** Takes an append whose ring record starts at `at`, behind what waits on its row. */
  add (words: Int32Array, at: number): void {
    this.#push(words[at + commandWord.row], new Waiting(words.slice(at, at + recordWords), null))
  }

  /** True: the call waits, for its row or for all. */
  addCall (message: ToWorker): boolean {
    const { call } = message
    if (this.empty) return false
    if (call.kind === 'close') {
      this.#last.push(message)
      return true
    }
    if (!('row' in call) || !this.#rows.has(call.row)) return false
    this.#push(call.row, new Waiting(noWords, message))
    return true
  }

  #push (row: number, waiting: Waiting): void {
    const queue = this.#rows.get(row)
    if (queue === undefined) this.#rows.set(row, [waiting])
    else queue.push(waiting)
  }

  /** A disk thread was asked about this append, the row's first: behind it the row waits. */
  ask (words: Int32Array, at: number): void {
    const row = words[at + commandWord.row]
    if (!this.#rows.has(row)) this.add(words, at)
    this.#first(row).asked = true
  }

  answered (row: number, checked: CheckedRecords): void {
    const first = this.#first(row)
    assert(first.asked && first.checked === null, 'the first of a row is checked, once')
    first.checked = checked
    this.#ready.push(row)
  }

  #first (row: number): Waiting {
    const queue = this.#rows.get(row)
    assert(queue !== undefined, 'the row waits')
    return queue[0]
  }

  /** What may go on now; null when nothing may. The same until done() or ask() was called for it. */
  next (): Waiting | null {
    return this.#ready.length > 0 ? this.#first(this.#ready[0]) : null
  }

  /** What next() named was dealt with: it is through, or has just been asked about. */
  done (): void {
    const row = this.#ready[0]
    const queue = this.#rows.get(row)!
    if (queue[0].ready) queue.shift()
    if (queue.length === 0) this.#rows.delete(row)
    if (queue.length === 0 || !queue[0].ready) this.#ready.shift()
  }

  /** The next of the calls that concern every row, when nothing waits any more. */
  takeLast (): ToWorker | undefined {
    return this.#rows.size === 0 ? this.#last.shift() : undefined
  }
}
