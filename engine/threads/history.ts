// Reads from segment files: one hop to a disk thread finds the batch and reads the first bytes into an arena
// cell; what follows is read when the socket gets there.
import { DiskError } from '../base/disk.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type AbortedRange, type AbortedSearch, abortedSearch } from '../log/aborted-reader.ts'
import { segmentAt } from '../log/reader.ts'
import { type Offset, type Position } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { type Address, cellBytes } from './cells.ts'
import { type Located, type SegmentFile } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import { type ArenaPiece, type BytesPiece, type FilePiece, type Piece } from './pieces.ts'

/** What was read from a file into a cell of its own. */
export class ArenaSlice implements ArenaPiece {
  readonly kind = 'arena'
  readonly bytes: Buffer
  readonly #arena: Arena
  readonly #address: Address
  #held = true

  /** Takes over one count. */
  constructor (arena: Arena, address: Address, length: number) {
    this.#arena = arena
    this.#address = address
    this.bytes = arena.slice(address, length)
  }

  release (): void {
    if (!this.#held) return
    this.#held = false
    this.#arena.release(this.#address, Math.max(1, this.bytes.length))
  }
}

/** Arena bytes of the hot tail, held for an answer. */
export class TailSlice implements ArenaPiece {
  readonly kind = 'arena'
  readonly bytes: Buffer
  readonly #arena: Arena
  readonly #address: Address
  #held = true

  constructor (arena: Arena, address: Address, length: number) {
    arena.lease(address, length)
    this.#arena = arena
    this.#address = address
    this.bytes = arena.slice(address, length)
  }

  release (): void {
    if (!this.#held) return
    this.#held = false
    this.#arena.endLease(this.#address, this.bytes.length)
  }
}

/** Who reads gives a cell back within a moment; who has not taken its bytes by then may never do. */
const patienceMs = 5
/** Read privately when there is no cell: little, for there may be thousands who do not take it. */
const privateBytesMax = 32_768

/** Hands out history cells in turn. */
export class HistoryCells {
  readonly arena: Arena
  /** Those who have the cells keep them: nobody waits for one until one was free again. */
  #stuck = false

  constructor (arena: Arena) {
    this.arena = arena
  }

  /** Calls at once when a cell is free; with -1 when none is, for too long. */
  take (taken: (address: Address) => void): void {
    const address = this.arena.takeHistoryCell()
    if (address >= 0) this.#stuck = false
    if (address >= 0 || this.#stuck) taken(address)
    else this.#wait(taken)
  }

  #wait (taken: (address: Address) => void): void {
    const waiter = {
      memoryFree: (): void => {
        const address = this.arena.takeHistoryCell()
        if (address < 0) return this.arena.whenMemory(waiter)
        patience.cancel()
        this.#stuck = false
        taken(address)
      }
    }
    const patience = this.arena.clock.after(patienceMs, () => {
      this.#stuck = true
      this.arena.waitNoMore(waiter)
      taken(-1)
    })
    this.arena.whenMemory(waiter)
  }
}

/** A part of a segment. The file may be deleted while it waits: then it fails, and the connection closes. */
export class HistoryRange implements FilePiece {
  readonly kind = 'file'
  readonly length: number
  readonly #cells: HistoryCells
  readonly #disk: DiskThread
  readonly #file: SegmentFile
  readonly #position: Position
  /** The range behind the one that was asked for last, on its way. */
  #ahead: { offset: number, bytes: Promise<ArenaSlice | BytesPiece> } | null = null
  #released = false

  constructor (cells: HistoryCells, disk: DiskThread, view: SegmentView, position: Position, length: number) {
    this.#cells = cells
    this.#disk = disk
    this.#file = { path: view.path, key: view.key }
    this.#position = position
    this.length = length
  }

  read (
    offset: number, length: number,
    done: (piece: ArenaPiece | BytesPiece) => void, failed: (reason: Error) => void
  ): void {
    const ahead = this.#ahead
    this.#ahead = null
    const expected = ahead !== null && ahead.offset === offset
    if (ahead !== null && !expected) drop(ahead.bytes)
    const bytes = expected ? ahead.bytes : this.#fetch(offset, length)
    bytes.then((slice) => {
      const count = slice.bytes.length
      if (count === length || (slice.kind === 'bytes' && count === privateBytesMax)) return done(slice)
      if (slice.kind === 'arena') slice.release()
      failed(new Error(`read ${count} of ${length} bytes`))
    }, failed)
    this.#readAhead(offset + length, length)
  }

  /** One more, while memory is not short: the socket asks for the same length again, or for what is left. */
  #readAhead (offset: number, length: number): void {
    const left = this.length - offset
    if (left <= 0 || this.#released || !this.#cells.arena.mayReadAhead) return
    this.#ahead = { offset, bytes: this.#fetch(offset, Math.min(length, left)) }
    this.#ahead.bytes.catch(() => {})
  }

  #fetch (offset: number, length: number): Promise<ArenaSlice | BytesPiece> {
    return new Promise((resolve, reject) => {
      this.#cells.take((address) => {
        const position = this.#position + offset
        if (address < 0) return this.#fetchPrivately(position, length).then(resolve, reject)
        this.#disk.run({ kind: 'read', file: this.#file, position, length, address }).then(
          count => resolve(filledSlice(this.#cells.arena, address, count)),
          (error: Error) => {
            this.#cells.arena.release(address, 1)
            reject(error)
          })
      })
    })
  }

  async #fetchPrivately (position: Position, wanted: number): Promise<BytesPiece> {
    const length = Math.min(wanted, privateBytesMax)
    return { kind: 'bytes', bytes: await this.#disk.run({ kind: 'copy', file: this.#file, position, length }) }
  }

  release (): void {
    if (this.#released) return
    this.#released = true
    if (this.#ahead !== null) drop(this.#ahead.bytes)
    this.#ahead = null
  }
}

function drop (bytes: Promise<ArenaSlice | BytesPiece>): void {
  bytes.then((slice) => { if (slice.kind === 'arena') slice.release() }, () => {})
}

/** A slice over the first bytes of a cell that was taken whole. */
function filledSlice (arena: Arena, address: Address, bytes: number): ArenaSlice {
  return new ArenaSlice(arena, address, Math.min(bytes, cellBytes))
}

export interface HistoryRequest {
  offset: Offset
  upper: Offset
  maxBytes: number
  minOneBatch: boolean
  /** Where the log ends, for readers who are to be told of aborted transactions; -1 for others. */
  abortedUpTo: Offset
}

export interface HistoryPieces {
  bytes: number
  pieces: Piece[]
  aborted: readonly AbortedRange[]
}

const nothing: HistoryPieces = { bytes: 0, pieces: [], aborted: [] }

/** Whole batches from the segment that holds the offset (the next one when it ends before), as pieces. */
export async function readHistory (
  cells: HistoryCells, disk: DiskThread, views: readonly SegmentView[], request: HistoryRequest
): Promise<HistoryPieces> {
  for (let at = Math.max(0, segmentAt(views, request.offset)); at < views.length; at++) {
    const view = views[at]
    if (view.baseOffset >= request.upper) break
    const { abortedUpTo } = request
    const aborted = abortedUpTo < 0 ? null : abortedSearch(views, at, abortedUpTo)
    const pieces = await readSegment(cells, disk, view, request, aborted)
    if (pieces !== null) return pieces
  }
  return nothing
}

/** null: the segment holds nothing from the offset on. */
async function readSegment (
  cells: HistoryCells, disk: DiskThread, view: SegmentView, request: HistoryRequest,
  aborted: AbortedSearch | null
): Promise<HistoryPieces | null> {
  const { arena } = cells
  // Without a free cell nothing is read now: the answer is made, and waits for memory when its turn comes.
  const address = arena.takeHistoryCell()
  let found: Located
  try {
    const { offset, upper, maxBytes, minOneBatch } = request
    found = await disk.run({ kind: 'locate', view, address, offset, upper, maxBytes, minOneBatch, aborted })
  } catch (error) {
    if (address >= 0) arena.release(address, 1)
    throw error
  }
  const { position, bytes, firstBytes } = found
  const pieces: Piece[] = []
  if (firstBytes > 0) pieces.push(filledSlice(arena, address, firstBytes))
  else if (address >= 0) arena.release(address, 1)
  if (bytes === 0) return position < 0 ? null : nothing
  if (bytes > firstBytes) {
    pieces.push(new HistoryRange(cells, disk, view, position + firstBytes, bytes - firstBytes))
  }
  return { bytes, pieces, aborted: found.aborted }
}

/** All of it as private bytes; the pieces are released. */
export async function collectPieces (pieces: readonly Piece[], bytes: number): Promise<Buffer> {
  const target = Buffer.allocUnsafe(bytes)
  let at = 0
  try {
    for (const piece of pieces) {
      if (piece.kind !== 'file') {
        target.set(piece.bytes, at)
        at += piece.bytes.length
        continue
      }
      for (let offset = 0; offset < piece.length;) {
        const part = await readPart(piece, offset, Math.min(cellBytes, piece.length - offset))
        target.set(part.bytes, at)
        at += part.bytes.length
        offset += part.bytes.length
        if (part.kind === 'arena') part.release()
      }
    }
  } finally {
    for (const piece of pieces) if (piece.kind !== 'bytes') piece.release()
  }
  return target
}

function readPart (piece: FilePiece, offset: number, length: number): Promise<ArenaPiece | BytesPiece> {
  return new Promise((resolve, reject) => piece.read(offset, length, resolve, reject))
}

/** The file is not there any more: the segment was deleted meanwhile. */
export function isGone (error: unknown): boolean {
  return error instanceof DiskError && error.code === 'ENOENT'
}
