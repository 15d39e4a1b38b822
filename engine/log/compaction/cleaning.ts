// One compaction of one log, cut into steps: it runs on a disk thread between other work, and whoever drives
// it waits between steps as long as it likes.
//
//   map      the newest offset of every key in the dirty part, as far as the map has room
//   group    segments from the log's start up to there are rewritten, group by group; after each group the
//            log's owner swaps it in, then the next begins
//   (scan)   the first transactional batch or marker that is met: the whole log's headers are read once, to
//            know which transactions were aborted; then on from that batch
import { type Clock } from '../../base/clock.ts'
import { type Disk } from '../../base/disk.ts'
import { CompressionError } from '../../protocol/compression/index.ts'
import { recordsOf } from '../../protocol/record.ts'
import { RecordWalk, walkRecords, walkResults, walkTexts } from '../../protocol/record-batch.ts'
import { type Offset } from '../types.ts'
import { BatchSource, CorruptSegment } from './batch-source.ts'
import { CleanedSegment, removeCleaned } from './cleaned-segment.ts'
import { groupSegments } from './grouping.ts'
import { KeyHash } from './key-hash.ts'
import { OffsetMap, slotBytes } from './offset-map.ts'
import {
  type CleanedGroup, type CompactionBounds, type CompactionCounts, type CompactionPlan,
  type CompactionProgress, type SourceSegment
} from './plan.ts'
import { emptyBatch, KeptRecords, RecordCursor } from './records.ts'
import { Retention } from './retention.ts'
import { CleanedTransactions, TransactionScan } from './transactions.ts'

/** One step: what waits behind it on the disk thread must not wait long. */
const stepMsMax = 4
const stepBytesMax = 1_048_576

/** Records between two looks at the clock. */
const recordsMax = 512

/** Times further apart do not fit a record. */
const timeSpanMax = 2 ** 51

interface ScannedFile { readonly baseOffset: Offset, readonly path: string, readonly bytes: number }

export class Cleaning {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #plan: CompactionPlan
  readonly #bounds: CompactionBounds
  readonly #source: BatchSource
  readonly #map: OffsetMap
  readonly #walk = new RecordWalk()
  readonly #cursor = new RecordCursor()
  readonly #kept = new KeptRecords()
  readonly #counts: CompactionCounts = { bytesRead: 0, bytesWritten: 0, records: 0, recordsKept: 0 }

  #phase: 'map' | 'scan' | 'group' | 'done' = 'map'
  /** Segments of the phase that are still to come; the first is the one being read. */
  #queue: SourceSegment[]
  #opened = false
  #mappedTo: Offset
  #scan: { files: ScannedFile[], source: BatchSource, found: TransactionScan, opened: boolean } | null = null
  #scanned: TransactionScan | null = null
  #afterScan: 'map' | 'group' = 'map'
  #transactions: CleanedTransactions | null = null
  #groups: SourceSegment[][] = []
  #group: SourceSegment[] = []
  #retention: Retention | null = null
  #target: CleanedSegment | null = null
  /** Within a batch: its records are in `plain`, the cursor stands on one of them. */
  #inBatch = false
  #plain: Buffer = Buffer.alloc(0)
  #tombstones = false

  constructor (disk: Disk, clock: Clock, plan: CompactionPlan, bounds: CompactionBounds) {
    this.#disk = disk
    this.#clock = clock
    this.#plan = plan
    this.#bounds = bounds
    this.#source = new BatchSource(disk, bounds.bufferBytes)
    // No more keys than offsets.
    const wanted = Math.ceil((plan.firstUncleanable - plan.firstDirty) / bounds.loadFactor) + 1
    const slots = Math.max(2, Math.min(wanted, Math.floor(bounds.mapBytes / slotBytes)))
    this.#map = new OffsetMap(slots, bounds.loadFactor, new KeyHash(bounds.secret))
    this.#mappedTo = plan.firstDirty - 1
    this.#queue = plan.sources.filter(source => source.end > plan.firstDirty)
  }

  /** Throws DiskError; ENOENT when the log was cut or deleted meanwhile. */
  step (): CompactionProgress {
    const endMs = this.#clock.monotonicMs() + stepMsMax
    let bytes = 0
    try {
      for (;;) {
        const finished = this.#work()
        bytes += this.#takeBytes()
        if (finished !== null) return { ...finished, bytes }
        if (bytes >= stepBytesMax || this.#clock.monotonicMs() >= endMs) return { kind: 'busy', bytes }
      }
    } catch (error) {
      if (!(error instanceof CorruptSegment)) throw error
      return { kind: 'corrupt', bytes, reason: error.message }
    }
  }

  /** The group could not be swapped in: its files go. */
  dismiss (group: CleanedGroup): void {
    removeCleaned(this.#disk, this.#plan.folder, group.baseOffset)
  }

  /** Files are closed; what is half done goes. */
  stop (): void {
    this.#source.close()
    this.#scan?.source.close()
    const target = this.#target
    this.#target = null
    target?.discard()
  }

  #takeBytes (): number {
    const read = this.#source.takeBytesRead() + (this.#scan?.source.takeBytesRead() ?? 0)
    const written = this.#target?.takeBytesWritten() ?? 0
    this.#counts.bytesRead += read
    this.#counts.bytesWritten += written
    return read + written
  }

  /** A batch, or some of its records, or a move from one thing to the next. */
  #work (): CompactionProgress | null {
    switch (this.#phase) {
      case 'map': return this.#mapNext()
      case 'scan': return this.#scanNext()
      case 'group': return this.#groupNext()
      case 'done': return { kind: 'done', bytes: 0, cleanedTo: this.#mappedTo + 1, counts: this.#counts }
    }
  }

  #mapNext (): null {
    const segment = this.#queue[0]
    if (segment === undefined) return this.#endMap()
    if (!this.#inBatch) {
      if (!this.#open(segment)) {
        // Offsets may end before the segment does.
        this.#mappedTo = Math.max(this.#mappedTo, segment.end - 1)
        this.#shift()
        return null
      }
      if (this.#source.header.lastOffset < this.#plan.firstDirty) {
        this.#source.advance()
        return null
      }
      if (this.#needsScan()) return null
      if (!this.#mayMap()) return this.#mapped()
      this.#startRecords()
    }
    return this.#mapRecords()
  }

  /** False: markers and aborted records have no say in what is newest. */
  #mayMap (): boolean {
    const { header, batch } = this.#source
    if (!header.control) return this.#transactions?.isAborted(header) !== true
    this.#transactions?.isSpent(header, batch)
    return false
  }

  #mapRecords (): null {
    const cursor = this.#cursor
    for (let count = 0; count < recordsMax; count++) {
      if (!cursor.next()) return this.#mapped()
      if (!cursor.hasKey || cursor.offset < this.#plan.firstDirty) continue
      if (!this.#map.put(this.#plain, cursor.keyFrom, cursor.keyEnd, cursor.offset)) return this.#endMap()
      this.#mappedTo = cursor.offset
    }
    return null
  }

  #mapped (): null {
    this.#inBatch = false
    this.#mappedTo = this.#source.header.lastOffset
    this.#source.advance()
    return null
  }

  #endMap (): null {
    this.#source.close()
    this.#opened = this.#inBatch = false
    const below = this.#plan.sources.filter(source => source.baseOffset <= this.#mappedTo)
    this.#groups = groupSegments(below, this.#plan.rules)
    this.#transactions = new CleanedTransactions(this.#scanned?.aborted ?? [])
    this.#retention = new Retention(this.#plan, this.#map, this.#mappedTo, this.#transactions)
    this.#queue = []
    this.#phase = 'group'
    return null
  }

  #groupNext (): CompactionProgress | null {
    const target = this.#target
    if (target === null) return this.#startGroup()
    const segment = this.#queue[0]
    if (segment === undefined) return this.#endGroup(target)
    if (!this.#inBatch) {
      if (!this.#open(segment)) {
        this.#shift()
        return null
      }
      if (this.#needsScan()) return null
      if (this.#judge(target)) {
        this.#source.advance()
        return null
      }
      this.#startRecords()
      this.#kept.clear()
      this.#tombstones = false
    }
    return this.#filterRecords(target)
  }

  #startGroup (): null {
    const group = this.#groups.shift()
    if (group === undefined) {
      this.#phase = 'done'
      return null
    }
    this.#group = group
    this.#queue = [...group]
    const { folder, rules } = this.#plan
    const { bufferBytes } = this.#bounds
    const base = group[0].baseOffset
    this.#target = new CleanedSegment(this.#disk, folder, base, rules.indexIntervalBytes, bufferBytes)
    return null
  }

  #endGroup (target: CleanedSegment): CompactionProgress {
    const group = target.finish(this.#group.map(source => source.serial))
    this.#counts.bytesWritten += target.takeBytesWritten()
    this.#target = null
    return { kind: 'group', bytes: 0, group }
  }

  /** True: nothing of the batch has to be looked at. */
  #judge (target: CleanedSegment): boolean {
    const retention = this.#retention!
    const { header, batch } = this.#source
    retention.judge(header, batch)
    const kept = this.#transactions!.kept
    if (header.control && kept !== null) target.addAborted(kept)
    this.#counts.records += header.recordCount
    if (!retention.discarded) return false
    if (retention.keepsHeader) target.append(emptyBatch(header), header.lastOffset)
    return true
  }

  #filterRecords (target: CleanedSegment): null {
    const cursor = this.#cursor
    const { header } = this.#source
    for (let count = 0; count < recordsMax; count++) {
      if (!cursor.next()) return this.#filtered(target)
      if (!this.#retention!.keeps(header, cursor, this.#plain)) continue
      this.#kept.add(cursor, header)
      if (!cursor.hasValue) this.#tombstones = true
    }
    return null
  }

  #filtered (target: CleanedSegment): null {
    const retention = this.#retention!
    const { header, batch } = this.#source
    const { count } = this.#kept
    this.#counts.recordsKept += count
    if (count > 0) {
      const ends = this.#tombstones || retention.spentMarker
      const settles = ends && retention.horizonMs < 0 && this.#horizonFits()
      const whole = count === header.recordCount && !settles
      target.append(whole ? Buffer.from(batch) : this.#rebuilt(settles), header.lastOffset)
    } else if (retention.keepsHeader) {
      target.append(emptyBatch(header), header.lastOffset)
    }
    this.#inBatch = false
    this.#source.advance()
    return null
  }

  /** A delete.retention.ms that reaches beyond all time keeps tombstones for good. */
  #horizonFits (): boolean {
    return this.#plan.nowMs + this.#plan.rules.deleteRetentionMs < timeSpanMax / 2
  }

  #rebuilt (settles: boolean): Buffer {
    const { nowMs, rules } = this.#plan
    const horizonMs = settles ? nowMs + rules.deleteRetentionMs : this.#retention!.horizonMs
    if (!this.#kept.timesFit(timeSpanMax, horizonMs)) {
      throw this.#source.corruptHere('times that are too far apart')
    }
    return this.#kept.rebuild(this.#source.header, this.#plain, horizonMs)
  }

  /** The records of the batch at hand, found in order. */
  #startRecords (): void {
    const { header, batch } = this.#source
    let plain: Uint8Array
    try {
      plain = recordsOf(batch, 0, header, this.#plan.rules.decompressedBytesMax)
    } catch (error) {
      if (!(error instanceof CompressionError)) throw error
      throw this.#source.corruptHere(error.message)
    }
    const { recordCount, baseTimestamp } = header
    const result = walkRecords(plain, 0, plain.length, recordCount, baseTimestamp, this.#walk)
    if (result !== walkResults.ok) throw this.#source.corruptHere(walkTexts[result])
    this.#plain = Buffer.from(plain.buffer, plain.byteOffset, plain.length)
    this.#cursor.start(this.#plain, header)
    this.#inBatch = true
  }

  /** Stands on the next batch of the segment; false at its end. */
  #open (segment: SourceSegment): boolean {
    if (!this.#opened) {
      this.#source.open(segment.path, segment.baseOffset, segment.bytes)
      this.#opened = true
    }
    return this.#source.load()
  }

  #shift (): void {
    this.#source.close()
    this.#opened = false
    this.#queue.shift()
  }

  /** True: what the batch belongs to is not known yet. */
  #needsScan (): boolean {
    const { header } = this.#source
    if (this.#scanned !== null || !(header.control || header.transactional)) return false
    this.#afterScan = this.#phase === 'map' ? 'map' : 'group'
    this.#phase = 'scan'
    const { sources, rest } = this.#plan
    const source = new BatchSource(this.#disk, this.#bounds.bufferBytes)
    this.#scan = { files: [...sources, ...rest], source, found: new TransactionScan(), opened: false }
    return true
  }

  #scanNext (): null {
    const scan = this.#scan!
    const file = scan.files[0]
    if (file === undefined) {
      this.#scan = null
      this.#scanned = scan.found
      const from = this.#source.header.baseOffset
      this.#transactions = new CleanedTransactions(scan.found.aborted.filter(one => one.lastOffset >= from))
      if (this.#afterScan === 'group') {
        this.#retention = new Retention(this.#plan, this.#map, this.#mappedTo, this.#transactions)
      }
      this.#phase = this.#afterScan
      return null
    }
    if (!scan.opened) {
      scan.source.open(file.path, file.baseOffset, file.bytes)
      scan.opened = true
    }
    if (scan.source.load()) {
      scan.found.seen(scan.source.header, scan.source.batch)
      scan.source.advance()
    } else {
      scan.source.close()
      scan.opened = false
      scan.files.shift()
    }
    return null
  }
}
