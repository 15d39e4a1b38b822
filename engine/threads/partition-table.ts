// What everyone may know about every open partition, in shared memory: one row each, two blocks a row, each
// with one writer.
//
//   word 0          1          2              3               4               5             6     7
//   | sequence | log start | end          | durable end    | first unstable | last aborted | size | flushed
//   word 8          9          10             11               12                13            14, 15
//   | sequence | role      | leader epoch | high watermark | first undecided | last marker | -
//     main writes the four of them                           with the first block
//
// Every word is a Float64: exact to 2^53, and a single load or store, where two 32-bit halves would tear. The
// sequence word is odd while its block is being written; who needs several words of one moment reads it
// before and after.
import { assert } from '../base/assert.ts'
import { type Offset } from '../log/types.ts'

export const roles = { none: 0, leader: 1, follower: 2, offline: 3 } as const
export type Role = typeof roles[keyof typeof roles]

const rowWords = 16
/** 8 MB of address space; pages that are never touched cost nothing. */
const rowsDefault = 65_536

const logSequence = 0
const logStart = 1
const end = 2
const durableEnd = 3
const firstUnstable = 4
const lastAborted = 5
const size = 6
const recoveryPoint = 7
const mainSequence = 8
const role = 9
const leaderEpoch = 10
const highWatermark = 11
const firstUndecided = 12
const lastMarker = 13

export interface LogState {
  logStart: Offset
  end: Offset
  durableEnd: Offset
  /**
   * Of the oldest transaction that is undecided, or decided by a marker that was not below the high
   * watermark when the log last looked.
   */
  firstUnstable: Offset
  /** Of the oldest undecided one. */
  firstUndecided: Offset
  /** The newest of those markers; -1 when there is none. */
  lastMarker: Offset
  lastAborted: Offset
  sizeBytes: number
  recoveryPoint: Offset
}

export class PartitionTable {
  readonly buffer: SharedArrayBuffer
  readonly rows: number
  readonly #words: Float64Array

  constructor (from: number | SharedArrayBuffer = rowsDefault) {
    this.buffer = typeof from === 'number' ? new SharedArrayBuffer(from * rowWords * 8) : from
    this.#words = new Float64Array(this.buffer)
    this.rows = this.#words.length / rowWords
  }

  logStart (row: number): Offset { return this.#words[row * rowWords + logStart] }
  end (row: number): Offset { return this.#words[row * rowWords + end] }
  durableEnd (row: number): Offset { return this.#words[row * rowWords + durableEnd] }
  firstUnstable (row: number): Offset { return this.#words[row * rowWords + firstUnstable] }
  /** Last offset of the newest aborted transaction, -1 when there is none. */
  lastAborted (row: number): Offset { return this.#words[row * rowWords + lastAborted] }
  sizeBytes (row: number): number { return this.#words[row * rowWords + size] }
  /** Everything below is on the device. */
  recoveryPoint (row: number): Offset { return this.#words[row * rowWords + recoveryPoint] }
  role (row: number): Role { return this.#words[row * rowWords + role] as Role }
  leaderEpoch (row: number): number { return this.#words[row * rowWords + leaderEpoch] }
  highWatermark (row: number): Offset { return this.#words[row * rowWords + highWatermark] }

  /**
   * Up to here read_committed may see. What a marker at or above the high watermark decided counts as
   * undecided: a new leader may not have the marker. Above the last such marker only the undecided ones
   * count.
   */
  lastStable (row: number): Offset {
    const words = this.#words
    const at = row * rowWords
    const seen = words[at + highWatermark]
    for (;;) {
      const before = words[at + logSequence]
      const first = words[at + (seen > words[at + lastMarker] ? firstUndecided : firstUnstable)]
      if (before % 2 === 0 && words[at + logSequence] === before) return Math.min(seen, first)
    }
  }

  /** The log's own words, all of one moment, on any thread. */
  readLog (row: number, target: LogState): LogState {
    const words = this.#words
    const at = row * rowWords
    for (;;) {
      const before = words[at + logSequence]
      target.logStart = words[at + logStart]
      target.end = words[at + end]
      target.durableEnd = words[at + durableEnd]
      target.firstUnstable = words[at + firstUnstable]
      target.firstUndecided = words[at + firstUndecided]
      target.lastMarker = words[at + lastMarker]
      target.lastAborted = words[at + lastAborted]
      target.sizeBytes = words[at + size]
      target.recoveryPoint = words[at + recoveryPoint]
      if (before % 2 === 0 && words[at + logSequence] === before) return target
    }
  }

  /** By the log's worker only. */
  writeLog (row: number, state: LogState): void {
    const words = this.#words
    const at = row * rowWords
    assert(row < this.rows, 'the partition table is full')
    words[at + logSequence]++
    words[at + logStart] = state.logStart
    words[at + end] = state.end
    words[at + durableEnd] = state.durableEnd
    words[at + firstUnstable] = state.firstUnstable
    words[at + firstUndecided] = state.firstUndecided
    words[at + lastMarker] = state.lastMarker
    words[at + lastAborted] = state.lastAborted
    words[at + size] = state.sizeBytes
    words[at + recoveryPoint] = state.recoveryPoint
    words[at + logSequence]++
  }

  /** By the main thread only, as all below. */
  setRole (row: number, value: Role, epoch: number): void {
    const at = row * rowWords
    this.#words[at + mainSequence]++
    this.#words[at + role] = value
    this.#words[at + leaderEpoch] = epoch
    this.#words[at + mainSequence]++
  }

  setHighWatermark (row: number, value: Offset): void {
    this.#words[row * rowWords + highWatermark] = value
  }

  /** Before a row is handed to a log, while no worker knows it. */
  clear (row: number): void {
    assert(row < this.rows, 'the partition table is full')
    this.#words.fill(0, row * rowWords, (row + 1) * rowWords)
    this.#words[row * rowWords + lastAborted] = -1
    this.#words[row * rowWords + lastMarker] = -1
  }
}
