// Reads from segment files: one hop to a disk thread finds the batch and reads the first bytes into an arena
// cell; what follows is read when the socket gets there. Who goes on where somebody has been needs no hop.
import { DiskError } from '../base/disk.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type AbortedRange, abortedSearch } from '../log/aborted-reader.ts'
import { segmentAt } from '../log/reader.ts'
import { type Offset, type Position } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { type Address, cellBytes, cellEnd } from './cells.ts'
import { type ChunkReader, type ChunkSlice } from './chunk.ts'
import { type Located } from './disk-jobs.ts'
import { type DiskThread } from './disk-thread.ts'
import { type HistoryCache } from './history-cache.ts'
import { type ArenaPiece, type BytesPiece, type FilePiece, type Piece, pieceBytes } from './pieces.ts'
import { type SegmentRanges } from './segment-ranges.ts'
import { type TailIndex } from './tail-index.ts'

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

/** Read privately when there is no cell: little, for there may be thousands who do not take it. */
const privateBytesMax = 32_768

/** A part of a segment. The file may be deleted while it waits: then it fails, and the connection closes. */
export class HistoryRange implements FilePiece, ChunkReader {
  readonly kind = 'file'
  readonly length: number
  readonly #disk: DiskThread
  readonly #ranges: SegmentRanges
  readonly #position: Position
  /** Batches may be read up to there, by whoever asks for what follows. */
  readonly #readableEnd: Position
  readonly #followed: boolean
  #aheadEnd: Position
  #done: (piece: ArenaPiece | BytesPiece) => void = () => {}
  #failed: (reason: Error) => void = () => {}

  /** `followed`: its reader goes on from one answer to the next. */
  constructor (
    disk: DiskThread, ranges: SegmentRanges, position: Position, length: number, readableEnd: Position,
    followed = false
  ) {
    this.#disk = disk
    this.#ranges = ranges
    this.#position = position
    this.length = length
    this.#readableEnd = readableEnd
    this.#followed = followed
    this.#aheadEnd = position + length
  }

  get mayRunAhead (): boolean { return this.#ranges.mayReadAhead }

  read (
    offset: number, length: number,
    done: (piece: ArenaPiece | BytesPiece) => void, failed: (reason: Error) => void
  ): void {
    const position = this.#position + offset
    this.#done = done
    this.#failed = failed
    this.#ranges.take(position, length, this.#readableEnd, this)
    const next = cellEnd(position)
    const isLast = offset + length >= this.length
    if (next < this.#aheadEnd) {
      this.#ranges.readAhead(next, this.#aheadEnd, this.#readableEnd, isLast && this.#ranges.searches)
    }
    if (isLast) this.#ranges.searchPlaces()
  }

  prepare (): void {
    this.#ranges.readAhead(this.#position, this.#aheadEnd, this.#readableEnd, true)
  }

  goesOn (): void {
    if (this.#followed) this.#aheadEnd = this.#readableEnd
  }

  arrived (slice: ChunkSlice): void {
    this.#done(slice)
  }

  failed (reason: Error): void {
    this.#failed(reason)
  }

  without (position: Position, most: number): void {
    const length = Math.min(most, privateBytesMax)
    const { path, key } = this.#ranges.view
    const failed = this.#failed
    this.#disk.run({ kind: 'copy', file: { path, key }, position, length }).then((bytes) => {
      if (bytes.length === length) this.#done({ kind: 'bytes', bytes })
      else failed(new Error(`read ${bytes.length} of ${length} bytes`))
    }, failed)
  }

  release (): void {}
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
  cache: HistoryCache, disk: DiskThread, views: readonly SegmentView[], request: HistoryRequest
): Promise<HistoryPieces> {
  for (let at = Math.max(0, segmentAt(views, request.offset)); at < views.length; at++) {
    if (views[at].baseOffset >= request.upper) break
    const pieces = await readSegment(cache, disk, views, at, request)
    if (pieces !== null) return pieces
  }
  return nothing
}

/** null: the segment holds nothing from the offset on. */
async function readSegment (
  cache: HistoryCache, disk: DiskThread, views: readonly SegmentView[], at: number, request: HistoryRequest
): Promise<HistoryPieces | null> {
  const { arena } = cache
  const view = views[at]
  const { offset, upper, maxBytes, minOneBatch, abortedUpTo } = request
  const ranges = cache.of(disk, view)
  const aborted = abortedUpTo < 0 ? null : abortedSearch(views, at, abortedUpTo)
  const end = wholeEnd(views, at, upper)
  // Without a free cell nothing is read now: the answer is made, and waits for memory when its turn comes.
  const address = arena.takeHistoryCell()
  let found: Located
  try {
    found = await disk.run({ kind: 'locate', view, address, offset, upper, maxBytes, minOneBatch, end, aborted })
  } catch (error) {
    if (address >= 0) arena.release(address, 1)
    throw error
  }
  const { position, bytes, firstBytes, batchBytes } = found
  const pieces: Piece[] = []
  if (position >= 0) {
    const place = { offset, position, bytes: batchBytes }
    ranges.learnPlace(place)
    ranges.moves(place, position + bytes)
    ranges.learnEnd(upper, found.end)
    if (found.next !== null) ranges.learnPlace(found.next, position + bytes)
    ranges.wantPlace(position + bytes, found.end, bytes)
  }
  if (firstBytes > 0) {
    ranges.adopt(position, firstBytes, address, bytes, {
      arrived: slice => pieces.push(slice), failed () {}, without () {}
    })
  } else if (address >= 0) arena.release(address, 1)
  if (bytes === 0) return position < 0 ? null : nothing
  const had = pieces.length === 0 ? 0 : pieceBytes(pieces[0])
  if (bytes > had) pieces.push(new HistoryRange(disk, ranges, position + had, bytes - had, found.end))
  return { bytes, pieces, aborted: found.aborted }
}

/** Of a sealed segment that may be read whole: its end, else -1. */
function wholeEnd (views: readonly SegmentView[], at: number, upper: Offset): Position {
  const { sealedBytes } = views[at]
  return sealedBytes >= 0 && at + 1 < views.length && views[at + 1].baseOffset <= upper ? sealedBytes : -1
}

/**
 * The same at once, for a reader who goes on where somebody has been; null when the files must be asked.
 */
export function continueHistory (
  cache: HistoryCache, disk: DiskThread, views: readonly SegmentView[], request: HistoryRequest,
  tail: TailIndex | null
): HistoryPieces | null {
  const { offset, upper, maxBytes, minOneBatch, abortedUpTo } = request
  const at = segmentAt(views, offset)
  if (at < 0) return null
  const ranges = cache.known(views[at])
  const place = ranges?.placeOf(offset)
  if (ranges === undefined || place === undefined) return null
  if (abortedUpTo >= 0 && abortedSearch(views, at, abortedUpTo) !== null) return null
  const { position } = place
  let end = wholeEnd(views, at, upper)
  if (end < 0 && tail !== null) end = tail.endBelow(upper, views[at].baseOffset)
  if (end < 0) {
    // Of a log that grows: enough when all that was asked for lies before it.
    end = ranges.readableEnd(upper)
    if (position + Math.max(maxBytes, place.bytes) > end) return null
  }
  let bytes = Math.min(end - position, maxBytes)
  if (bytes < place.bytes) bytes = minOneBatch ? place.bytes : 0
  if (bytes <= 0) return nothing
  ranges.wantPlace(position + bytes, end, bytes)
  ranges.moves(place, position + bytes)
  return { bytes, pieces: [new HistoryRange(disk, ranges, position, bytes, end, true)], aborted: [] }
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
