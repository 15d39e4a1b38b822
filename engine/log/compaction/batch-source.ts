// Reads the batches of one sealed segment after the other. Each is whole and undamaged when it is handed out:
// a compaction writes a new checksum, and must not sign for damage.
import { type Disk, type FileHandle } from '../../base/disk.ts'
import {
  batchHeader, BatchHeader, batchHeaderBytes, batchOverheadBytes, currentMagic, readBatchHeader, readInt32,
  scanBatch, verifyCrc
} from '../../protocol/record-batch.ts'
import { relativeOffsetMax } from '../segment.ts'
import { type Offset, type Position } from '../types.ts'

/** The log is damaged there: it is not compacted any more. */
export class CorruptSegment extends Error {
  override readonly name = 'CorruptSegment'
  constructor (path: string, position: Position, what: string) {
    super(`${path} at ${position}: ${what}`)
  }
}

export class BatchSource {
  readonly header = new BatchHeader()
  /** Read since they were last asked for. */
  bytesRead = 0
  readonly #disk: Disk
  readonly #bufferBytes: number
  #window: Buffer
  #file: FileHandle = -1
  #path = ''
  #base: Offset = 0
  #size: Position = 0
  /** Of the window's first byte. */
  #start: Position = 0
  #filled = 0
  #position: Position = 0
  #end: Offset = 0

  constructor (disk: Disk, bufferBytes: number) {
    this.#disk = disk
    this.#bufferBytes = Math.max(bufferBytes, batchHeaderBytes)
    this.#window = Buffer.allocUnsafe(this.#bufferBytes)
  }

  open (path: string, baseOffset: Offset, bytes: Position): void {
    this.close()
    this.#file = this.#disk.open(path, 'read')
    this.#path = path
    this.#base = this.#end = baseOffset
    this.#size = bytes
    this.#start = this.#position = this.#filled = 0
    // One large batch must not keep its memory for all that follow.
    if (this.#window.length > this.#bufferBytes) this.#window = Buffer.allocUnsafe(this.#bufferBytes)
  }

  /** Stands on the next batch (again, until advance): false at the segment's end. */
  load (): boolean {
    if (this.#position >= this.#size) return false
    const at = this.#inWindow()
    const bytes = scanBatch(this.#window, at, this.#filled)
    if (bytes < batchHeaderBytes) throw this.#corrupt('no whole batch')
    const header = readBatchHeader(this.#window, at, this.header)
    if (header.magic !== currentMagic) throw this.#corrupt(`a batch of magic ${header.magic}`)
    if (!verifyCrc(this.#window, at, bytes)) throw this.#corrupt('a checksum that does not fit its batch')
    const placed = header.exact && header.lastOffsetDelta >= 0 && header.baseOffset >= this.#end &&
      header.lastOffset - this.#base <= relativeOffsetMax
    if (!placed) throw this.#corrupt(`a batch of the offsets ${header.baseOffset} to ${header.lastOffset}`)
    return true
  }

  /** The batch it stands on, until the next load(). */
  get batch (): Buffer {
    const at = this.#position - this.#start
    return this.#window.subarray(at, at + this.header.bytes)
  }

  advance (): void {
    this.#position += this.header.bytes
    this.#end = this.header.lastOffset + 1
  }

  takeBytesRead (): number {
    const bytes = this.bytesRead
    this.bytesRead = 0
    return bytes
  }

  close (): void {
    if (this.#file < 0) return
    const file = this.#file
    this.#file = -1
    this.#disk.close(file)
  }

  corruptHere (what: string): CorruptSegment {
    return this.#corrupt(what)
  }

  #corrupt (what: string): CorruptSegment {
    return new CorruptSegment(this.#path, this.#position, what)
  }

  /** Where the batch lies in the window, all of it as far as the file has it. */
  #inWindow (): number {
    let at = this.#position - this.#start
    if (scanBatch(this.#window, at, this.#filled) !== 0) return at
    const left = this.#size - this.#position
    if (at + left <= this.#filled) return at
    // First with the room there is; then its own length says how much it needs.
    this.#fill(Math.min(left, this.#window.length))
    at = 0
    if (scanBatch(this.#window, 0, this.#filled) !== 0 || this.#filled < batchOverheadBytes) return 0
    const bytes = readInt32(this.#window, batchHeader.length) + batchOverheadBytes
    if (bytes <= left && bytes > this.#filled) {
      if (bytes > this.#window.length) this.#window = Buffer.allocUnsafe(bytes)
      this.#fill(bytes)
    }
    return 0
  }

  #fill (bytes: number): void {
    this.#start = this.#position
    this.#filled = this.#disk.read(this.#file, this.#window.subarray(0, bytes), this.#position)
    this.bytesRead += this.#filled
  }
}
