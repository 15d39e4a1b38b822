// The segment that a group of segments becomes, under .cleaned names until it is whole and on the device.
import { type Disk, type FileHandle } from '../../base/disk.ts'
import { getMaxTimestamp } from '../../protocol/record-batch.ts'
import { offsetFile, segmentSuffixes, suffix } from '../names.ts'
import { OffsetIndex } from '../offset-index.ts'
import { SegmentMeter } from '../segment.ts'
import { TimeIndex } from '../time-index.ts'
import { type AbortedTransaction, encodeAborted } from '../transaction-index.ts'
import { type Offset, type Position } from '../types.ts'
import { type CleanedGroup } from './plan.ts'

/** An fsync of so much takes long already; without it the last one would have all of the segment to write. */
const syncBytes = 16 * 2 ** 20

export class CleanedSegment {
  readonly baseOffset: Offset
  readonly #disk: Disk
  readonly #folder: string
  readonly #intervalBytes: number
  readonly #bufferBytes: number
  readonly #meter = new SegmentMeter()
  readonly #offsets = new OffsetIndex()
  readonly #times = new TimeIndex()
  readonly #aborted: AbortedTransaction[] = []
  #file: FileHandle
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #unsyncedBytes = 0
  #written: Position = 0
  bytesWritten = 0

  constructor (disk: Disk, folder: string, baseOffset: Offset, intervalBytes: number, bufferBytes: number) {
    this.#disk = disk
    this.#folder = folder
    this.baseOffset = baseOffset
    this.#intervalBytes = intervalBytes
    this.#bufferBytes = bufferBytes
    this.#meter.start(baseOffset, 0, 0)
    this.#file = disk.open(this.#path(suffix.log), 'write')
    disk.truncate(this.#file, 0)
  }

  #path (ending: string): string {
    return offsetFile(this.#folder, this.baseOffset, ending) + suffix.cleaned
  }

  /** Keeps the bytes until they are written. */
  append (batch: Buffer, lastOffset: Offset): void {
    const maxTimestampMs = getMaxTimestamp(batch, 0)
    const meter = this.#meter
    const position = meter.bytes
    if (meter.add(batch.length, lastOffset, maxTimestampMs, this.#intervalBytes)) {
      this.#offsets.append(lastOffset - this.baseOffset, position)
      this.#times.maybeAppend(meter.maxTimestampMs, meter.maxTimestampOffset - this.baseOffset)
    }
    this.#waiting.push(batch)
    this.#waitingBytes += batch.length
    if (this.#waitingBytes >= this.#bufferBytes) this.write()
  }

  /** The marker of an aborted transaction is kept: readers look it up. */
  addAborted (transaction: AbortedTransaction): void {
    this.#aborted.push(transaction)
  }

  write (): void {
    if (this.#waitingBytes === 0) return
    this.#disk.writev(this.#file, this.#waiting, this.#written)
    this.#written += this.#waitingBytes
    this.#unsyncedBytes += this.#waitingBytes
    this.bytesWritten += this.#waitingBytes
    this.#waiting = []
    this.#waitingBytes = 0
    if (this.#unsyncedBytes < syncBytes) return
    this.#disk.fsync(this.#file)
    this.#unsyncedBytes = 0
  }

  takeBytesWritten (): number {
    const bytes = this.bytesWritten
    this.bytesWritten = 0
    return bytes
  }

  /** Indexes are written and everything is on the device. */
  finish (serials: readonly number[]): CleanedGroup {
    this.write()
    const meter = this.#meter
    if (meter.maxTimestampMs >= 0) {
      this.#times.maybeAppend(meter.maxTimestampMs, meter.maxTimestampOffset - this.baseOffset)
    }
    this.#disk.fsync(this.#file)
    this.#closeFile()
    this.#writeIndex(suffix.offsetIndex, this.#offsets.encode(0))
    this.#writeIndex(suffix.timeIndex, this.#times.encode(0))
    if (this.#aborted.length > 0) this.#writeIndex(suffix.transactionIndex, encodeAborted(this.#aborted))
    return {
      baseOffset: this.baseOffset,
      serials,
      bytes: meter.bytes,
      maxTimestampMs: meter.maxTimestampMs,
      maxTimestampOffset: meter.maxTimestampOffset,
      offsetEntries: this.#offsets.count,
      timeEntries: this.#times.count,
      aborted: this.#aborted.length > 0
    }
  }

  #writeIndex (ending: string, bytes: Buffer): void {
    const file = this.#disk.open(this.#path(ending), 'write')
    try {
      this.#disk.truncate(file, 0)
      this.#disk.writev(file, [bytes], 0)
      this.#disk.fsync(file)
    } finally {
      this.#disk.close(file)
    }
  }

  /** It is not wanted: its files go. */
  discard (): void {
    this.#closeFile()
    removeCleaned(this.#disk, this.#folder, this.baseOffset)
  }

  #closeFile (): void {
    if (this.#file < 0) return
    const file = this.#file
    this.#file = -1
    this.#disk.close(file)
  }
}

/** The files of a rewritten segment that never took its place. */
export function removeCleaned (disk: Disk, folder: string, baseOffset: Offset): void {
  for (const ending of segmentSuffixes) {
    const path = offsetFile(folder, baseOffset, ending) + suffix.cleaned
    if (disk.status(path) !== null) disk.unlink(path)
  }
}
