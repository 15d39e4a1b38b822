// Walks the batch headers of a segment file without reading what lies between them. One scanner per thread:
// its fields are those of the batch it stands on.
import { type Disk, type FileHandle } from '../base/disk.ts'
import { batchHeaderBytes, BatchHeader, readBatchHeader, currentMagic } from '../protocol/record-batch.ts'
import { type Position } from './types.ts'

/** A scan from an index entry crosses about one index interval (4 KiB): mostly one read. */
const windowBytes = 8192

export class HeaderScan {
  /** Of the batch it stands on. */
  readonly header = new BatchHeader()
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

  /**
   * Stands on the batch at `position`. False when no whole batch of the current format lies there before
   * `end`.
   */
  load (file: FileHandle, position: Position, end: Position): boolean {
    if (position + batchHeaderBytes > end) return false
    if (!this.#holds(file, position)) {
      this.#file = file
      this.#start = position
      this.#filled = this.#disk.read(file, this.#window, position)
      if (this.#filled < batchHeaderBytes) return false
    }
    const header = readBatchHeader(this.#window, position - this.#start, this.header)
    return header.magic === currentMagic && header.bytes >= batchHeaderBytes &&
      position + header.bytes <= end && header.baseOffset >= 0 && header.lastOffsetDelta >= 0 && header.exact
  }

  #holds (file: FileHandle, position: Position): boolean {
    return file === this.#file && position >= this.#start &&
      position + batchHeaderBytes <= this.#start + this.#filled
  }
}

const shared = new WeakMap<Disk, HeaderScan>()

/** One for all logs of a thread: thousands of idle partitions must not hold a window each. */
export function sharedScan (disk: Disk): HeaderScan {
  let scan = shared.get(disk)
  if (scan === undefined) {
    scan = new HeaderScan(disk)
    shared.set(disk, scan)
  }
  scan.reset()
  return scan
}
