// Reads a .log or .checkpoint file batch by batch with a bounded window: what a damaged length claims is
// never allocated before it is known to be in the file.
//
//   all formats:   | offset, int64 | size, int32 | ... | magic at 16
import { crc32 } from 'node:zlib'
import { extendCrc32c } from '../../base/crc32c.ts'
import { type Disk, type FileHandle } from '../../base/disk.ts'
import {
  batchHeader, batchHeaderBytes, batchMagicEnd, batchOverheadBytes, currentMagic
} from '../../protocol/record-batch.ts'
import { DumpError } from './types.ts'

const windowBytes = 1 << 20
/** The largest batch that is looked into: a broker takes none that is larger once unpacked. */
const loadedBytesMax = 128 * 2 ** 20
/** The smallest size that any message format ever had. */
export const recordBytesMin = 14
/** In the formats before the current one the checksum comes first: | crc at 12 | magic at 16 ... */
const legacyCrcAt = 12

export class SegmentReader {
  readonly path: string
  /** What is looked at: the file, or its first bytes. */
  readonly end: number
  readonly #disk: Disk
  readonly #file: FileHandle
  readonly #window = Buffer.allocUnsafe(windowBytes)
  #windowAt = 0
  #windowEnd = 0
  /** Of the batch it stands on. */
  position = 0
  /** Of the batch it stands on, 0 when it stands on none. */
  batchBytes = 0

  constructor (disk: Disk, path: string, bytesMax = Infinity) {
    this.path = path
    this.#disk = disk
    this.#file = disk.open(path, 'read')
    this.end = Math.min(disk.size(this.#file), bytesMax)
  }

  close (): void {
    this.#disk.close(this.#file)
  }

  get magic (): number {
    return this.#view(this.position, batchMagicEnd).readInt8(batchHeader.magic)
  }

  get isLegacy (): boolean {
    return this.magic < currentMagic
  }

  /** Stands before `position`: next() goes to the batch there. */
  seek (position: number): void {
    this.position = position
    this.batchBytes = 0
  }

  /** False when no whole batch follows before `end`. */
  next (end = this.end): boolean {
    this.position += this.batchBytes
    this.batchBytes = 0
    if (this.position + batchMagicEnd > end) return false
    const size = this.#view(this.position, batchMagicEnd).readInt32BE(batchHeader.length)
    if (size < recordBytesMin) {
      throw new DumpError(`Found record size ${size} smaller than minimum record overhead ` +
        `(${recordBytesMin}) at position ${this.position} of file ${this.path}.`)
    }
    if (this.position + batchOverheadBytes + size > end) return false
    this.batchBytes = batchOverheadBytes + size
    return true
  }

  /** The header of a batch of the current format. Valid until the reader moves. */
  header (): Buffer {
    const bytes = this.#view(this.position, batchHeaderBytes)
    if (bytes.length === batchHeaderBytes) return bytes
    throw this.#error(`has ${this.batchBytes} bytes, fewer than a header`)
  }

  /** The first bytes of a batch of a format before. Valid until the reader moves. */
  head (bytes: number): Buffer {
    return this.#view(this.position, Math.min(bytes, this.batchBytes))
  }

  /** Whether the checksum fits, whatever the size. */
  isValid (): boolean {
    if (this.isLegacy) return this.#checksum(batchHeader.magic, legacyCrc) === this.crc
    return this.batchBytes >= batchHeaderBytes &&
      this.#checksum(batchHeader.attributes, extendCrc32c) === this.crc
  }

  get crc (): number {
    const at = this.isLegacy ? legacyCrcAt : batchHeader.crc
    return this.#view(this.position, at + 4).readUInt32BE(at)
  }

  /** All of the batch. Valid until the reader moves. */
  load (): Buffer {
    if (this.batchBytes > loadedBytesMax) {
      throw this.#error(`has ${this.batchBytes} bytes, more than the ${loadedBytesMax} that are looked into`)
    }
    return this.#view(this.position, this.batchBytes)
  }

  #error (what: string): DumpError {
    return new DumpError(`The batch at position ${this.position} of file ${this.path} ${what}.`)
  }

  #checksum (from: number, extend: (crc: number, bytes: Buffer) => number): number {
    let crc = 0
    for (let at = from; at < this.batchBytes;) {
      const piece = this.#view(this.position + at, Math.min(windowBytes, this.batchBytes - at))
      if (piece.length === 0) throw this.#error('ends before its file does')
      crc = extend(crc, piece)
      at += piece.length
    }
    return crc
  }

  /** Fewer bytes than asked for only at the end of the file. */
  #view (position: number, length: number): Buffer {
    if (length > windowBytes) {
      const bytes = Buffer.allocUnsafe(length)
      return bytes.subarray(0, this.#disk.read(this.#file, bytes, position))
    }
    if (position < this.#windowAt || position + length > this.#windowEnd) {
      this.#windowAt = position
      this.#windowEnd = position + this.#disk.read(this.#file, this.#window, position)
    }
    const at = position - this.#windowAt
    return this.#window.subarray(at, Math.min(at + length, this.#windowEnd - this.#windowAt))
  }
}

function legacyCrc (crc: number, bytes: Buffer): number {
  return crc32(bytes, crc)
}
