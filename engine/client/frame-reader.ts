// Cuts a stream of chunks into frames. A frame is copied once, into memory of its own: chunks are only
// lent, and whoever reads records from the frame may keep it.

const sizeBytes = 4
/** Memory is taken as bytes arrive, not as they are announced. */
const firstBytes = 1024 * 1024

export class FrameReader {
  readonly #bytesMax: number
  readonly #frame: (frame: Buffer) => void
  readonly #size = Buffer.alloc(sizeBytes)
  #sizeHave = 0
  #body: Buffer | null = null // null: the size is not complete
  #bodyBytes = 0 // as announced
  #have = 0 // bytes of the body that are there

  /** `frame` is called with each whole frame, its size left out. */
  constructor (bytesMax: number, frame: (frame: Buffer) => void) {
    this.#bytesMax = bytesMax
    this.#frame = frame
  }

  /** Throws when a size is impossible, and what `frame` throws. */
  push (chunk: Buffer): void {
    let at = 0
    while (at < chunk.length || (this.#body !== null && this.#have === this.#bodyBytes)) {
      if (this.#body === null) {
        at = this.#readSize(chunk, at)
        if (this.#body === null) return
      }
      at = this.#readBody(chunk, at)
    }
  }

  #readSize (chunk: Buffer, at: number): number {
    const taken = Math.min(sizeBytes - this.#sizeHave, chunk.length - at)
    chunk.copy(this.#size, this.#sizeHave, at, at + taken)
    this.#sizeHave += taken
    if (this.#sizeHave < sizeBytes) return at + taken
    const bytes = this.#size.readInt32BE(0)
    if (bytes < 0 || bytes > this.#bytesMax) throw new Error(`a frame of ${bytes} bytes is announced`)
    this.#sizeHave = 0
    this.#bodyBytes = bytes
    this.#body = Buffer.allocUnsafeSlow(Math.min(bytes, firstBytes))
    this.#have = 0
    return at + taken
  }

  #readBody (chunk: Buffer, at: number): number {
    const taken = Math.min(this.#bodyBytes - this.#have, chunk.length - at)
    if (this.#have + taken > this.#body!.length) this.#grow(this.#have + taken)
    chunk.copy(this.#body!, this.#have, at, at + taken)
    this.#have += taken
    if (this.#have === this.#bodyBytes) {
      const body = this.#body!
      this.#body = null
      this.#have = 0
      this.#bodyBytes = -1
      this.#frame(body)
    }
    return at + taken
  }

  #grow (need: number): void {
    const next = Buffer.allocUnsafeSlow(Math.min(this.#bodyBytes, Math.max(need, this.#body!.length * 2)))
    this.#body!.copy(next, 0, 0, this.#have)
    this.#body = next
  }
}
