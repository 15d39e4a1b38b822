// Reads: from the hot tail at once, else from the files. The size of an answer is fixed when it is made.
import { DiskError } from '../base/disk.ts'
import { type Offset, type Position, type TimestampOffset } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Arena } from './arena.ts'
import { wholeBatches } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import {
  collectPieces, continueHistory, type HistoryPieces, HistoryRange, type HistoryRequest, isGone, readHistory,
  TailSlice
} from './history.ts'
import { HistoryCache } from './history-cache.ts'
import { type ReadLimit, type ReadResult, type Row } from './log-client.ts'
import { type MainRow } from './main-row.ts'
import { type PartitionTable, roles } from './partition-table.ts'
import { type Piece } from './pieces.ts'
import { type TailIndex } from './tail-index.ts'

/** What an answer holds of the tail: the usual max.partition.fetch.bytes. */
const leaseBytesMax = 1_048_576

/** The disk side of a row. */
export interface RowDisk {
  readonly thread: DiskThread
  /** The device cannot be read: the directory goes offline. */
  failed (error: Error): void
  /** A batch there cannot be read; the device can. */
  damaged (path: string, position: Position): void
}

const noPieces: HistoryPieces = { bytes: 0, pieces: [], aborted: [] }
const noAborted: ReadResult['aborted'] = []
/** The log was removed, or never was. */
const notThere: ReadResult = {
  errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  records: noPieces,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  aborted: noAborted
}
const nothingFound: TimestampOffset = { offset: -1, timestampMs: -1, leaderEpoch: -1 }

export class Reads {
  readonly #arena: Arena
  readonly #table: PartitionTable
  readonly #rowOf: (row: Row) => MainRow | undefined
  readonly #diskOf: (row: Row) => RowDisk
  readonly history: HistoryCache

  constructor (
    arena: Arena, table: PartitionTable,
    rowOf: (row: Row) => MainRow | undefined, diskOf: (row: Row) => RowDisk
  ) {
    this.#arena = arena
    this.#table = table
    this.#rowOf = rowOf
    this.#diskOf = diskOf
    this.history = new HistoryCache(arena)
  }

  read (
    row: Row, offset: Offset, limit: ReadLimit, maxBytes: number, minOneBatch: boolean
  ): ReadResult | Promise<ReadResult> {
    const open = this.#rowOf(row)
    if (open === undefined) return notThere
    if (this.#table.role(row) === roles.offline) {
      return this.#result(row, errorCodes.KAFKA_STORAGE_ERROR, noPieces)
    }
    if (offset < this.#table.logStart(row) || offset > this.#table.end(row)) {
      return this.#result(row, errorCodes.OFFSET_OUT_OF_RANGE, noPieces)
    }
    const upper = this.#upper(row, limit)
    if (offset >= upper || maxBytes < 0 || (maxBytes === 0 && !minOneBatch)) {
      return this.#result(row, errorCodes.NONE, noPieces)
    }
    // Aborted transactions are found by the index beside the files.
    if (limit !== 'last-stable' || offset > this.#table.lastAborted(row)) {
      const pieces = this.#readTail(open, offset, upper, maxBytes, minOneBatch)
      if (pieces !== null) return this.#result(row, errorCodes.NONE, pieces)
    }
    const abortedUpTo = limit === 'last-stable' ? this.#table.end(row) : -1
    const request = { offset, upper, maxBytes, minOneBatch, abortedUpTo }
    const { thread } = this.#diskOf(row)
    const pieces = continueHistory(this.history, thread, open.views, request, open.tail)
    return pieces === null ? this.#readFiles(open, request) : this.#result(row, errorCodes.NONE, pieces)
  }

  /** null: the tail does not have it. The first bytes are held in the arena, what follows is a range of the
   *  file: what a slow reader may keep in memory is bounded. */
  #readTail (
    open: MainRow, offset: Offset, upper: Offset, maxBytes: number, minOneBatch: boolean
  ): HistoryPieces | null {
    const { tail } = open
    if (tail === null) return null
    let entry = tail.find(offset)
    // The limit may lie within what was appended as one: the files know where its batches end.
    if (entry < 0 || tail.next(entry) > upper) return null
    let left = maxBytes
    if (tail.length(entry) > left) left = minOneBatch ? tail.length(entry) : 0
    const pieces: Piece[] = []
    let bytes = 0
    const leaseBytes = this.#arena.mayLease ? Math.min(left, leaseBytesMax) : 0
    for (; bytes < leaseBytes && tail.intact(entry) && tail.next(entry) <= upper; entry++) {
      // As Kafka: what still fits of the last batch comes along.
      const length = Math.min(tail.length(entry), left - bytes)
      pieces.push(new TailSlice(this.#arena, tail.address(entry), length))
      bytes += length
    }
    if (bytes < left) bytes += this.#addRange(open, tail, entry, upper, left - bytes, pieces)
    return bytes === 0 && left > 0 ? null : { bytes, pieces, aborted: noAborted }
  }

  /** From that entry on as a range of its segment's file; returns how many bytes. */
  #addRange (
    open: MainRow, tail: TailIndex, entry: number, upper: Offset, maxBytes: number, pieces: Piece[]
  ): number {
    if (entry >= tail.count) return 0
    const base = tail.segmentBase(entry)
    const position = tail.position(entry)
    const view = open.view(base)
    if (view === undefined) return 0
    let end = position
    for (; entry < tail.count && tail.next(entry) <= upper && end - position < maxBytes; entry++) {
      if (tail.segmentBase(entry) !== base || tail.position(entry) !== end) break
      end += tail.length(entry)
    }
    const length = Math.min(end - position, maxBytes)
    const { thread } = this.#diskOf(open.row)
    if (length > 0) {
      pieces.push(new HistoryRange(thread, this.history.of(thread, view), position, length, end))
    }
    return length
  }

  async #readFiles (open: MainRow, request: HistoryRequest): Promise<ReadResult> {
    const { row, views } = open
    const { offset } = request
    try {
      const { thread } = this.#diskOf(row)
      const pieces = await readHistory(this.history, thread, views, request)
      return this.#result(row, errorCodes.NONE, pieces)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (error.code === 'EIO') this.#diskOf(row).failed(error)
      // Retention or a deletion of the topic was quicker.
      if (this.#rowOf(row) !== open) return notThere
      const deleted = isGone(error) && offset < this.#table.logStart(row)
      if (isGone(error) && !deleted && (open.held || open.views !== views)) {
        // The log moves to another directory, or other segments took the place of those.
        await new Promise<void>(resolve => open.whenFree(resolve))
        return await this.#readFiles(open, request)
      }
      const errorCode = deleted ? errorCodes.OFFSET_OUT_OF_RANGE : errorCodes.KAFKA_STORAGE_ERROR
      return this.#result(row, errorCode, noPieces)
    }
  }

  #result (row: Row, errorCode: number, records: HistoryPieces): ReadResult {
    return {
      errorCode,
      records,
      highWatermark: this.#table.highWatermark(row),
      lastStableOffset: this.#table.lastStable(row),
      logStartOffset: this.#table.logStart(row),
      aborted: records.aborted
    }
  }

  #upper (row: Row, limit: ReadLimit): Offset {
    if (limit === 'high-watermark') return this.#table.highWatermark(row)
    return limit === 'last-stable' ? this.#table.lastStable(row) : this.#table.end(row)
  }

  async readBytes (row: Row, offset: Offset, limit: ReadLimit, maxBytes: number): Promise<Buffer> {
    const { errorCode, records } = await this.read(row, offset, limit, maxBytes, true)
    if (errorCode !== errorCodes.NONE) throw new ReadRefused(errorCode)
    const bytes = await collectPieces(records.pieces as readonly Piece[], records.bytes)
    return bytes.subarray(0, wholeBatches(bytes))
  }

  async offsetForTime (row: Row, timestampMs: number, limit: ReadLimit): Promise<TimestampOffset> {
    const open = this.#rowOf(row)
    if (open === undefined) return nothingFound
    const from = this.#table.logStart(row)
    const upper = this.#upper(row, limit)
    const { thread } = this.#diskOf(row)
    return this.#sound(row, await thread.run({ kind: 'time', views: open.views, timestampMs, from, upper }))
  }

  async offsetOfMaxTimestamp (row: Row): Promise<TimestampOffset> {
    const open = this.#rowOf(row)
    if (open === undefined) return nothingFound
    const from = this.#table.logStart(row)
    const upper = this.#upper(row, 'high-watermark')
    const { thread } = this.#diskOf(row)
    return this.#sound(row, await thread.run({ kind: 'newest', views: open.views, from, upper }))
  }

  #sound (row: Row, found: TimestampOffset): TimestampOffset {
    if (found.damaged === undefined) return found
    this.#diskOf(row).damaged(found.damaged.path, found.damaged.position)
    throw new ReadRefused(errorCodes.CORRUPT_MESSAGE)
  }
}

/** readBytes has no answer for errors; `errorCode` is Kafka's. */
export class ReadRefused extends Error {
  readonly errorCode: number
  constructor (errorCode: number) {
    super(`the log cannot be read there: error ${errorCode}`)
    this.errorCode = errorCode
  }
}
