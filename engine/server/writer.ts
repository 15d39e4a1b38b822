// Answers leave a connection here, piece by piece, in the order in which they were added. Pieces in memory
// go out together, one writev a round; a file range is read when its turn comes, and never far ahead of the
// socket.
import { type Connection } from '../base/network.ts'
import { type ArenaPiece, type BytesPiece, type FilePiece, type Piece, pieceBytes } from '../threads/pieces.ts'

/** What the socket may be behind before we stop handing it bytes: a few round trips on a fast network. */
export const aheadBytesMax = 256 * 1024
export const rangeBytesMax = aheadBytesMax
/** A range is read when the socket has no more than this left: a reader that stalls holds little memory. */
const nextRangeBytesMax = 64 * 1024

/**
 * What may leave for one connection before others have their turn: a piece, some 0.1 ms. With four of them
 * the p99 of a producer beside one who reads a history is a third higher.
 */
export const turnBytesMax = 262_144

type Lease = { release (): void }

/** Who wants to know how the writing goes. */
export interface WriterEvents {
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
    while (!this.#reading && this.#head < this.#queue.length) {
      const piece = this.#queue[this.#head]
      if (piece.kind === 'file') {
        if (this.#pendingBytes() > nextRangeBytesMax) break
        this.#read(piece.length)
      } else {
        if (this.#pendingBytes() >= aheadBytesMax) break
        this.#addSlice(piece.bytes)
        if (piece.kind === 'arena') this.#leases.push(piece)
        this.#pass(piece.bytes.length)
      }
    }
    this.#flushing = false
    // The bytes before a range wait for it: one write less.
    if (!this.#reading) this.#write()
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
    const most = Math.min(rangeBytesMax, length - from)
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

  #write (): void {
    if (this.#slices.length === 0) return
    this.#outstanding.push(this.#leases.length > 0 ? this.#leases : null)
    this.#outstandingBytes.push(this.#sliceBytes)
    const slices = this.#slices
    this.#slices = []
    this.#sliceBytes = 0
    if (this.#leases.length > 0) this.#leases = []
    this.#connection.write(slices, this.#written)
  }

  #left (): void {
    const leases = this.#outstanding.shift()
    if (leases !== null && leases !== undefined) {
      for (const lease of leases) lease.release()
    }
    this.#leftBytes += this.#outstandingBytes.shift()!
    if (this.#closed) return
    this.#events.left(this.#leftBytes)
    if (this.#head < this.#queue.length) this.#next()
    if (this.#wasBehind && !this.behind) {
      this.#wasBehind = false
      this.#events.caughtUp()
    }
  }

  /** A reader that takes all at once would let nobody else in. */
  #next (): void {
    if (this.#leftBytes - this.#restedAt < turnBytesMax) return this.flush()
    if (this.#resting) return
    this.#resting = true
    this.#events.rest(this.#goOn)
  }
}
