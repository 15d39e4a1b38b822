// Answers are lists of pieces, turned into bytes as the socket drains: private bytes, arena slices (leased by
// a reference count), file ranges (leased segments), read only when the socket gets to them.

export interface BytesPiece {
  readonly kind: 'bytes'
  readonly bytes: Uint8Array
}

/** Bytes in the arena, kept alive until release(). */
export interface ArenaPiece {
  readonly kind: 'arena'
  readonly bytes: Uint8Array
  release (): void
}

/** A range of a segment file that is read when its turn comes. */
export interface FilePiece {
  readonly kind: 'file'
  readonly length: number
  /** Memory is not short: who keeps up may hold more of it at a time. */
  readonly mayRunAhead?: boolean
  /** Reads up to `length` bytes from `offset` of the range (at most 256 KB a call) into the arena, at once
   *  perhaps; the piece must be released by the reader. One call at a time. `failed` when the range can no
   *  longer be read: the connection closes. */
  read (
    offset: number, length: number,
    done: (piece: ArenaPiece | BytesPiece) => void, failed: (reason: Error) => void
  ): void
  /** Its turn comes next. */
  prepare? (): void
  /** Nothing waits behind it: its reader will ask for what follows. */
  goesOn? (): void
  release (): void
}

export type Piece = BytesPiece | ArenaPiece | FilePiece

export function pieceBytes (piece: Piece): number {
  return piece.kind === 'file' ? piece.length : piece.bytes.length
}

export function releasePieces (pieces: readonly unknown[]): void {
  for (const piece of pieces as readonly Piece[]) {
    if (piece.kind !== 'bytes') piece.release()
  }
}
