// Walks the batch headers of a segment file without reading what lies between them. One scanner per thread: its fields are those of
// the batch it stands on.
//
//   0        8       12      16   17    21     23      27       35       43        51    53     57     61
//   | offset | bytes | epoch | 2  | crc | attr | delta | baseTs | maxTs  | producer| pepo| bseq | count| records
import { type Disk, type FileHandle } from '../base/disk.ts'
import { readInt64 } from './time-index.ts'
import { type Offset, type Position } from './types.ts'

export const batchHeaderBytes = 61
/** The size field counts what follows it. */
const sizeOverhead = 12
/** A scan from an index entry crosses about one index interval (4 KiB): mostly one read. */
const windowBytes = 8192

export class HeaderScan {
  baseOffset: Offset = 0
  lastOffset: Offset = 0
  bytes = 0
  leaderEpoch = 0
  attributes = 0
  maxTimestampMs = 0
  producerId = 0
  producerEpoch = 0
  baseSequence = 0
  count = 0
  readonly #disk: Disk
  readonly #window = Buffer.alloc(windowBytes)
  #file: FileHandle = -1
  #start: Position = 0
  #filled = 0

  constructor (disk: Disk) {
    this.#disk = disk
  }

  /** What was read of the file before no longer counts: it may have changed. */
  reset (): void {
    this.#file = -1
    this.#filled = 0
  }

  /** Stands on the batch at `position`. False when no whole batch of format 2 lies there before `end`. */
  load (file: FileHandle, position: Position, end: Position): boolean {
    if (position + batchHeaderBytes > end) return false
    if (!this.#holds(file, position)) {
      this.#file = file
      this.#start = position
      this.#filled = this.#disk.read(file, this.#window, position)
      if (this.#filled < batchHeaderBytes) return false
    }
    return this.#decode(position - this.#start) && position + this.bytes <= end
  }

  #holds (file: FileHandle, position: Position): boolean {
    return file === this.#file && position >= this.#start && position + batchHeaderBytes <= this.#start + this.#filled
  }

  #decode (at: number): boolean {
    const window = this.#window
    this.baseOffset = readInt64(window, at)
    this.bytes = window.readInt32BE(at + 8) + sizeOverhead
    this.leaderEpoch = window.readInt32BE(at + 12)
    if (window[at + 16] !== 2 || this.bytes < batchHeaderBytes || this.baseOffset < 0) return false
    this.attributes = window.readInt16BE(at + 21)
    this.lastOffset = this.baseOffset + window.readInt32BE(at + 23)
    this.maxTimestampMs = readInt64(window, at + 35)
    this.producerId = readInt64(window, at + 43)
    this.producerEpoch = window.readInt16BE(at + 51)
    this.baseSequence = window.readInt32BE(at + 53)
    this.count = window.readInt32BE(at + 57)
    return this.lastOffset >= this.baseOffset
  }
}
