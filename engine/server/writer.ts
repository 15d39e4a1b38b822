// Answers leave a connection here, piece by piece, in the order in which they were added. Pieces in memory
// go out together, one writev a round; a file range is read when its turn comes, and never far ahead of the
// socket.
import { type Connection } from '../base/network.ts'
import { slicesAfter } from '../base/slices.ts'
import { type ArenaPiece, type BytesPiece, type FilePiece, type Piece, pieceBytes } from '../threads/pieces.ts'

/** What the socket may be behind before we stop handing it bytes: a few round trips on a fast network. */
export const aheadBytesMax = 256 * 1024
export const rangeBytesMax = aheadBytesMax
/** A range is read when the socket has no more than this left: a reader that stalls holds little memory. */
const nextRangeBytesMin = 64 * 1024
/**
 * What may leave for one connection before others have their turn, and what is read for it at a time: less
 * than 0.1 ms. Beside a reader of a history a producer's p50 is 1.4 times the quiet one with it, and 1.8-2.1
 * times with twice as much.
 */
export const turnBytesMax = 131_072
/** The same while nobody produces. */
export const longTurnBytesMax = 1_048_576
/** What a reader may run ahead of whose socket took all at once: an answer of 1 MB leaves by one write. */
const nextRangeBytesMax = longTurnBytesMax

type Lease = { release (): void }

/** Who wants to know how the writing goes. */
export interface WriterEvents {
  /** Nobody waits for the time that much at once takes. */
  readonly mayTakeLong: boolean
  /** So many bytes of all that was ever added have left the process. */
  left (bytes: number): void
  /** Much has left at once, and there is more: calls when others had their turn. */
  rest (goOn: () => void): void
  /** It was behind and no longer is. */
  caughtUp (): void
  /** A range can no longer be read: the connection must close, for the answer's size is already out. */
  unreadable (reason: Error): void
}

export class AnswerWriter {
  readonly #connection: Connection
  readonly #events: WriterEvents
  #queue: Piece[] = []
  #head = 0 // pieces before it are handed over
  #queuedBytes = 0 // of the pieces from #head on, less what is read of the first
  #slices: Uint8Array[] = [] // of the next write
  #leases: Lease[] = [] // let go when the next write has left
  #outstanding: (Lease[] | null)[] = [] // of the writes that have not left, oldest first
  readonly #outstandingBytes: number[] = [] // of the same writes
  #leftBytes = 0
  #restedAt = 0 // #leftBytes when it last rested
  #resting = false
  #range = 0 // bytes read of the file piece at #head
  #reading = false
  #flushing = false
  #nextRangeBytes = nextRangeBytesMin
  #wasBehind = false
  #closed = false
  readonly #written: () => void
  readonly #goOn: () => void

  constructor (connection: Connection, events: WriterEvents) {
    this.#connection = connection
    this.#events = events
    this.#written = () => this.#left()
    this.#goOn = () => {
      this.#resting = false
      this.#restedAt = this.#leftBytes
      this.flush()
    }
  }

  /** True while nothing more should be begun for this connection. */
  get behind (): boolean {
    const is = this.#queuedBytes + this.#connection.pendingBytes >= aheadBytesMax
    if (is) this.#wasBehind = true
    return is
  }

  /** Of all that was ever added. */
  addedBytes = 0

  get idle (): boolean {
    return this.#queuedBytes === 0 && this.#connection.pendingBytes === 0
  }

  add (piece: Piece): void {
    if (this.#closed) {
      if (piece.kind !== 'bytes') piece.release()
      return
    }
    this.#queue.push(piece)
    this.#queuedBytes += pieceBytes(piece)
    this.addedBytes += pieceBytes(piece)
  }

  /** Hands over what there is, as far as the socket keeps up. */
  flush (): void {
    if (this.#flushing || this.#closed) return
    this.#flushing = true
    do this.#gather()
    while (this.#write() && this.#mayGoOn())
    this.#flushing = false
  }

  /** Takes from the queue what the next write is made of. */
  #gather (): void {
    while (!this.#reading && this.#head < this.#queue.length) {
      const piece = this.#queue[this.#head]
      if (piece.kind === 'file') {
        if (this.#pendingBytes() > this.#aheadBytes(piece)) break
        this.#read(piece.length)
      } else {
        if (this.#pendingBytes() >= this.#turnBytes) break
        this.#addSlice(piece.bytes)
        if (piece.kind === 'arena') this.#leases.push(piece)
        this.#pass(piece.bytes.length)
      }
    }
  }

  /**
   * The connection is gone: gives back what is leased. What is being written comes back by its own
   * callback.
   */
  close (): void {
    if (this.#closed) return
    this.#closed = true
    for (const lease of this.#leases) lease.release()
    // What is being read now is given back when the read has come to its end.
    for (let index = this.#reading ? this.#head + 1 : this.#head; index < this.#queue.length; index++) {
      const piece = this.#queue[index]
      if (piece.kind !== 'bytes') piece.release()
    }
    this.#queue = []
    this.#head = 0
    this.#queuedBytes = 0
    this.#slices = []
    this.#leases = []
  }

  #sliceBytes = 0

  /** Small answers lie side by side on one page: they go out as one slice. */
  #addSlice (bytes: Uint8Array): void {
    const last = this.#slices.length - 1
    const before = last < 0 ? null : this.#slices[last]
    const end = before === null ? -1 : before.byteOffset + before.length
    if (before !== null && before.buffer === bytes.buffer && end === bytes.byteOffset) {
      this.#slices[last] = new Uint8Array(before.buffer, before.byteOffset, before.length + bytes.length)
    } else {
      this.#slices.push(bytes)
    }
  }

  get #turnBytes (): number {
    return this.#events.mayTakeLong ? longTurnBytesMax : turnBytesMax
  }

  #aheadBytes (piece: FilePiece): number {
    return piece.mayRunAhead === true && this.#events.mayTakeLong ? this.#nextRangeBytes : nextRangeBytesMin
  }

  #pendingBytes (): number {
    return this.#connection.pendingBytes + this.#sliceBytes
  }

  /** `bytes` of the head went into #slices; the piece itself is done. */
  #pass (bytes: number): void {
    this.#sliceBytes += bytes
    this.#queuedBytes -= bytes
    this.#head++
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  #read (length: number): void {
    const piece = this.#queue[this.#head]
    if (piece.kind !== 'file') return
    this.#reading = true
    const from = this.#range
    const most = Math.min(this.#events.mayTakeLong ? rangeBytesMax : turnBytesMax, length - from)
    if (from === 0) this.#lookAhead(piece)
    piece.read(from, most, part => this.#arrived(piece, part), reason => {
      this.#reading = false
      if (this.#closed) piece.release()
      else this.#events.unreadable(reason)
    })
  }

  /** The disk may work while the socket does. */
  #lookAhead (piece: FilePiece): void {
    for (let index = this.#head + 1; index < this.#queue.length; index++) {
      const next = this.#queue[index]
      if (next.kind === 'file') return next.prepare?.()
    }
    piece.goesOn?.()
  }

  #arrived (piece: FilePiece, part: ArenaPiece | BytesPiece): void {
    if (this.#closed) {
      if (part.kind === 'arena') part.release()
      return piece.release()
    }
    this.#reading = false
    this.#slices.push(part.bytes)
    if (part.kind === 'arena') this.#leases.push(part)
    this.#range += part.bytes.length
    if (this.#range >= piece.length) {
      this.#range = 0
      this.#leases.push(piece)
      this.#pass(part.bytes.length)
    } else {
      this.#sliceBytes += part.bytes.length
      this.#queuedBytes -= part.bytes.length
    }
    if (!this.#flushing) this.flush()
  }

  /** True when all that was gathered has left at once. */
  #write (): boolean {
    // Little before a range that is being read waits for it: one write less.
    if (this.#slices.length === 0 || (this.#reading && this.#sliceBytes <= nextRangeBytesMin)) return false
    const slices = this.#slices
    const bytes = this.#sliceBytes
    const leases = this.#leases.length > 0 ? this.#leases : null
    this.#slices = []
    this.#sliceBytes = 0
    if (leases !== null) this.#leases = []
    const leftBytes = this.#connection.writeNow(slices)
    if (leftBytes === bytes) {
      this.#nextRangeBytes = Math.min(this.#nextRangeBytes * 4, nextRangeBytesMax)
      this.#haveLeft(leases, bytes)
      return true
    }
    this.#nextRangeBytes = nextRangeBytesMin
    this.#outstanding.push(leases)
    this.#outstandingBytes.push(bytes)
    this.#connection.write(leftBytes === 0 ? slices : slicesAfter(slices, leftBytes), this.#written)
    return false
  }

  #left (): void {
    this.#haveLeft(this.#outstanding.shift()!, this.#outstandingBytes.shift()!)
    if (!this.#closed && this.#mayGoOn()) this.flush()
  }

  #haveLeft (leases: Lease[] | null, bytes: number): void {
    if (leases !== null) for (const lease of leases) lease.release()
    this.#leftBytes += bytes
    if (this.#closed) return
    this.#events.left(this.#leftBytes)
    if (this.#wasBehind && !this.behind) {
      this.#wasBehind = false
      this.#events.caughtUp()
    }
  }

  /** There is more, and others had their turn: a reader that takes all at once would let nobody else in. */
  #mayGoOn (): boolean {
    if (this.#closed || this.#head === this.#queue.length) return false
    if (this.#leftBytes - this.#restedAt < this.#turnBytes) return true
    if (!this.#resting) this.#events.rest(this.#goOn)
    this.#resting = true
    return false
  }
}
