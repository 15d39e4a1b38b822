// The log of one partition: batches are staged (checked, numbered), then written with one writev a segment.
// Everything else that happens to a log (recovery, truncation, retention) is in files of its own and works
// on this object's parts.
import { assert } from '../base/assert.ts'
import { type Disk, DiskError, type FileHandle } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  batchHeaderBytes, BatchHeader, readBatchHeader, scanBatch, setBaseOffset, setPartitionLeaderEpoch, verifyCrc
} from '../protocol/record-batch.ts'
import { Admission, type AppendKind } from './admission.ts'
import { HeaderScan } from './header-scan.ts'
import { LogFiles } from './log-files.ts'
import { type LogListener, type PartitionLog, type StagedBatch } from './partition-log.types.ts'
import { encodeSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import { deleteDue, deletionDue } from './retention.ts'
import { Segment, SegmentMeter } from './segment.ts'
import { truncateFully, truncateTail } from './truncation.ts'
import { type AppendResult, type EpochEndOffset, type LogConfig, type LogIdentity, type Offset } from './types.ts'

export interface LogParts {
  disk: Disk
  logger: Logger
  random: Random
  listener: LogListener
  identity: LogIdentity
  /** The partition's own folder. */
  folder: string
  config: LogConfig
}

/** What a log starts with: nothing, or what recovery found. */
export interface LogState {
  segments: Segment[]
  start: Offset
  end: Offset
  /** Everything below is on the device. */
  recoveryPoint: Offset
}

/** One staged batch; objects are used again for the next round. */
class Staged implements StagedBatch {
  baseOffset: Offset = 0
  lastOffset: Offset = 0
  bytes: Buffer = nothing
  segmentBase: Offset = 0
  position = 0
  maxTimestampMs = 0
  leaderEpoch = 0
  /** The producers as they were before this batch, when it begins a new segment. */
  snapshot: Buffer | null = null
}

const nothing = Buffer.alloc(0)
const admission = new Admission()
const followerHeader = new BatchHeader()

export class Log implements PartitionLog {
  readonly parts: LogParts
  readonly files: LogFiles
  readonly producers = new ProducerState()
  readonly scan: HeaderScan
  /** Ascending, without gaps in what they cover; empty until the first append. */
  readonly segments: Segment[]
  config: LogConfig
  leaderEpoch = -1
  /** The time of the last call that told it. */
  nowMs = 0
  /** Never above #end. */
  #start: Offset
  #end: Offset
  /** Everything below survives a power cut; never above #end. */
  recoveryPoint: Offset
  /** end + what is staged. */
  #stagedEnd: Offset
  #stagedBytes = 0
  #staged: Staged[] = []
  #written: Staged[] = []
  readonly #spare: Staged[] = []
  /** Where staging stands; equals the active segment's own meter when nothing is staged. */
  readonly #ahead = new SegmentMeter()
  readonly #slices: Buffer[] = []
  readonly #result: AppendResult = {
    errorCode: 0,
    baseOffset: -1,
    lastOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    duplicate: false,
    errorMessage: null,
    recordErrors: []
  }

  /** A write did not go through: the directory has failed, nothing more is accepted. */
  #failed: DiskError | null = null
  /** When the oldest record that is not flushed was written; -1 when all are. */
  #unflushedSinceMs = -1
  /** Where a producer snapshot was last written; the state there and now are the same when it equals end. */
  snapshotOffset: Offset = -1

  constructor (parts: LogParts, state: LogState) {
    this.parts = parts
    this.files = new LogFiles(parts)
    this.config = parts.config
    this.scan = new HeaderScan(parts.disk)
    this.segments = state.segments
    this.#start = state.start
    this.#end = state.end
    this.#stagedEnd = state.end
    this.recoveryPoint = state.recoveryPoint
    if (this.segments.length > 0) this.#ahead.copyFrom(this.active.meter)
  }

  get start (): Offset { return this.#start }
  get end (): Offset { return this.#end }
  get durableEnd (): Offset { return this.config.durability === 'page-cache' ? this.#end : this.recoveryPoint }
  get stagedBytes (): number { return this.#stagedBytes }
  get active (): Segment { return this.segments[this.segments.length - 1] }

  get firstUnstable (): Offset {
    const open = this.producers.firstOpen
    return open < 0 ? this.#end : Math.min(open, this.#end)
  }

  get bytes (): number {
    let sum = 0
    for (const segment of this.segments) sum += segment.bytes
    return sum
  }

  get activeFile (): FileHandle {
    return this.segments.length === 0 ? -1 : this.active.file
  }

  get activePath (): string {
    return this.segments.length === 0 ? '' : this.active.path
  }

  stageAsLeader (records: Buffer, kind: AppendKind, nowMs: number): AppendResult {
    const result = this.#begin()
    if (this.#failed !== null) return this.#refuse(errorCodes.KAFKA_STORAGE_ERROR)
    const error = admission.admit(records, kind, this.config, nowMs)
    if (admission.logSeen) result.logStartOffset = this.#start
    if (error !== errorCodes.NONE) {
      result.errorMessage = admission.errorMessage
      result.recordErrors = admission.recordErrors
      return this.#refuse(error)
    }
    const header = admission.header
    if (header.hasProducerId && !header.control) {
      const verdict = this.producers.check(
        header.producerId, header.producerEpoch, header.baseSequence, header.lastOffsetDelta, kind === 'client')
      if (verdict !== errorCodes.NONE) return this.#refuse(verdict)
      if (this.producers.duplicateBase >= 0) return this.#repeated()
    }
    const base = this.#stagedEnd
    const batch = admission.batch
    setBaseOffset(batch, 0, base)
    setPartitionLeaderEpoch(batch, 0, this.leaderEpoch)
    header.baseOffset = base
    this.#stage(batch, header, admission.maxTimestampMs, this.leaderEpoch, nowMs)
    result.baseOffset = base
    result.lastOffset = header.lastOffset
    if (this.config.logAppendTime) result.logAppendTimeMs = nowMs
    return result
  }

  stageAsFollower (records: Buffer, nowMs: number): AppendResult {
    const result = this.#begin()
    if (this.#failed !== null) return this.#refuse(errorCodes.KAFKA_STORAGE_ERROR)
    result.logStartOffset = this.#start
    const header = followerHeader
    for (let at = 0; at < records.length;) {
      const bytes = scanBatch(records, at, records.length)
      // The last batch of a fetch may be cut: it comes again.
      if (bytes === 0 && result.baseOffset >= 0) break
      if (bytes < batchHeaderBytes || !verifyCrc(records, at, bytes)) return this.#refuse(errorCodes.CORRUPT_MESSAGE)
      readBatchHeader(records, at, header)
      if (header.baseOffset < this.#stagedEnd || header.lastOffsetDelta < 0 || !header.exact) {
        return this.#refuse(errorCodes.OFFSET_OUT_OF_RANGE)
      }
      const batch = at === 0 && bytes === records.length ? records : records.subarray(at, at + bytes)
      this.#stage(batch, header, header.maxTimestamp, header.partitionLeaderEpoch, nowMs)
      if (result.baseOffset < 0) result.baseOffset = header.baseOffset
      result.lastOffset = header.lastOffset
      at += bytes
    }
    return result
  }

  write (nowMs: number): readonly StagedBatch[] {
    this.nowMs = nowMs
    this.#recycle()
    if (this.#staged.length === 0) return this.#written
    try {
      this.#writeGroups(nowMs)
    } catch (error) {
      this.producers.undo()
      if (error instanceof DiskError) this.#failed = error
      throw error
    }
    this.producers.commit()
    const written = this.#staged
    this.#staged = this.#written
    this.#written = written
    this.#stagedBytes = 0
    assert(this.#end === this.#stagedEnd && this.active.bytes === this.#ahead.bytes, 'writing did what staging planned')
    if (this.#unflushedSinceMs < 0) this.#unflushedSinceMs = nowMs
    if (this.config.flushMessages >= 0 && this.#end - this.recoveryPoint >= this.config.flushMessages) this.flush()
    return written
  }

  becomeLeader (epoch: number): void {
    assert(epoch >= this.leaderEpoch, 'leader epochs do not go back')
    this.leaderEpoch = epoch
    this.assignEpoch(epoch, this.#end)
  }

  /** Records from `offset` on are of `epoch`. On disk no later than the first of them. */
  assignEpoch (epoch: number, offset: Offset): void {
    if (epoch < 0 || !this.files.epochs.assign(epoch, offset)) return
    this.files.epochsChanged()
  }

  truncateTo (offset: Offset): void {
    assert(this.#staged.length === 0, 'nothing is staged when a log is cut')
    if (offset >= this.#end) return
    if (offset < this.#start || this.segments.length === 0) this.truncateFullyAndStartAt(offset)
    else truncateTail(this, offset)
  }

  truncateFullyAndStartAt (offset: Offset): void {
    assert(this.#staged.length === 0, 'nothing is staged when a log is cut')
    truncateFully(this, offset)
  }

  endOffsetForEpoch (epoch: number): EpochEndOffset {
    return this.files.epochs.endOffsetFor(epoch, this.#end)
  }

  epochAt (offset: Offset): number {
    return this.files.epochs.epochAt(offset)
  }

  configure (config: LogConfig): void {
    this.config = config
  }

  retain (nowMs: number, highWatermark: Offset): void {
    if (this.#failed !== null || this.#staged.length > 0) return
    const count = deletionDue(this, nowMs, highWatermark)
    if (count > 0) deleteDue(this, count, nowMs)
  }

  /**
   * Records below `offset` are gone for readers (retention, DeleteRecords); their segments go with the
   * next retain().
   */
  advanceStart (offset: Offset): void {
    assert(offset <= this.#end, 'a log starts at or before its end')
    if (offset <= this.#start) return
    this.#start = offset
    if (this.files.epochs.truncateFromStart(offset)) this.files.epochsChanged()
  }

  tick (nowMs: number): void {
    this.nowMs = nowMs
    if (this.#failed !== null) return
    if (this.#staged.length === 0) this.producers.expire(nowMs, this.config.producerIdExpirationMs)
    const waited = this.#unflushedSinceMs < 0 ? 0 : nowMs - this.#unflushedSinceMs
    if (this.config.flushMs >= 0 && this.#unflushedSinceMs >= 0 && waited >= this.config.flushMs) this.flush()
    if (this.segments.length > 0) this.active.writeIndexes()
    this.files.unlinkDue(nowMs)
  }

  flushed (end: Offset): void {
    assert(end <= this.#end, 'only what is written can be flushed')
    const reached = this.files.unflushedBefore(end)
    if (reached > this.recoveryPoint) this.recoveryPoint = reached
    if (this.recoveryPoint === this.#end) this.#unflushedSinceMs = -1
  }

  flush (): void {
    if (this.segments.length > 0 && this.recoveryPoint < this.#end) {
      this.files.flushSealed()
      this.active.writeIndexes()
      this.parts.disk.fsync(this.active.file)
      this.files.syncEpochs()
      this.files.flushNames()
      this.recoveryPoint = this.#end
    }
    this.#unflushedSinceMs = -1
  }

  close (clean: boolean): void {
    if (clean && this.#failed === null && this.segments.length > 0) this.#finish()
    for (const segment of this.segments) segment.closeFile()
  }

  #finish (): void {
    assert(this.#staged.length === 0, 'what is staged is written before a log is closed')
    const active = this.active
    active.finishTimeIndex()
    active.writeIndexes()
    active.trim()
    this.flush()
    this.takeSnapshot(this.#end, null)
    this.files.unlinkAll()
  }

  /** Writes the producers' state below `offset`, unless it is on disk. */
  takeSnapshot (offset: Offset, bytes: Buffer | null): void {
    if (offset <= this.snapshotOffset) return
    this.files.writeSnapshot(offset, bytes ?? encodeSnapshot(this.producers.entries()))
    this.snapshotOffset = offset
  }

  /** Sets both ends after a cut; staging goes on from there. */
  reset (start: Offset, end: Offset): void {
    assert(start <= end, 'a log starts at or before its end')
    this.#start = start
    this.#end = end
    this.#stagedEnd = end
    if (this.recoveryPoint > end) this.recoveryPoint = end
    if (this.segments.length > 0) this.#ahead.copyFrom(this.active.meter)
  }

  /** Seals the active segment and begins one at `base`. */
  roll (base: Offset, snapshot: Buffer | null, nowMs: number): Segment {
    if (this.segments.length > 0) {
      const sealed = this.active
      sealed.seal()
      this.files.sealed(sealed, base)
      if (this.config.durability !== 'page-cache') this.files.flushSealed()
      this.parts.listener.segmentChanged(sealed.view())
      this.takeSnapshot(base, snapshot)
    }
    const segment = this.files.createSegment(base, this.config, nowMs)
    this.segments.push(segment)
    this.parts.listener.segmentChanged(segment.view())
    return segment
  }

  #begin (): AppendResult {
    const result = this.#result
    result.errorCode = 0
    result.baseOffset = -1
    result.lastOffset = -1
    result.logAppendTimeMs = -1
    result.logStartOffset = -1
    result.duplicate = false
    result.errorMessage = null
    result.recordErrors = noRecordErrors
    this.#recycle()
    return result
  }

  #refuse (error: number): AppendResult {
    this.#result.errorCode = error
    return this.#result
  }

  /** The producer sends a batch again: the answer is the first append's. */
  #repeated (): AppendResult {
    const result = this.#result
    result.duplicate = true
    result.baseOffset = this.producers.duplicateBase
    result.lastOffset = this.producers.duplicateLast
    result.logAppendTimeMs = this.producers.duplicateTimestampMs
    return result
  }

  #stage (batch: Buffer, header: BatchHeader, maxTimestampMs: number, leaderEpoch: number, nowMs: number): void {
    const ahead = this.#ahead
    const staged = this.#spare.pop() ?? new Staged()
    const lastOffset = header.lastOffset
    if (this.segments.length === 0 && this.#staged.length === 0) {
      ahead.start(header.baseOffset, nowMs, this.files.jitterMs(this.config))
    } else if (ahead.mustRoll(this.config, batch.length, lastOffset, maxTimestampMs, nowMs)) {
      staged.snapshot = encodeSnapshot(this.producers.entries())
      ahead.start(header.baseOffset, nowMs, this.files.jitterMs(this.config))
    }
    staged.baseOffset = header.baseOffset
    staged.lastOffset = lastOffset
    staged.bytes = batch
    staged.segmentBase = ahead.base
    staged.position = ahead.bytes
    staged.maxTimestampMs = maxTimestampMs
    staged.leaderEpoch = leaderEpoch
    ahead.add(batch.length, lastOffset, maxTimestampMs, this.config.indexIntervalBytes)
    this.producers.replay(header, -1, nowMs)
    this.#staged.push(staged)
    this.#stagedEnd = lastOffset + 1
    this.#stagedBytes += batch.length
  }

  /** One writev per run of batches that go to the same segment. */
  #writeGroups (nowMs: number): void {
    const staged = this.#staged
    let from = 0
    while (from < staged.length) {
      const first = staged[from]
      if (this.segments.length === 0 || this.active.baseOffset !== first.segmentBase) {
        this.roll(first.segmentBase, first.snapshot, nowMs)
      }
      let to = from + 1
      while (to < staged.length && staged[to].segmentBase === first.segmentBase) to++
      this.#writeGroup(from, to)
      from = to
    }
  }

  #writeGroup (from: number, to: number): void {
    const segment = this.active
    const slices = this.#slices
    slices.length = 0
    for (let index = from; index < to; index++) {
      const batch = this.#staged[index]
      slices.push(batch.bytes)
      this.assignEpoch(batch.leaderEpoch, batch.baseOffset)
    }
    this.files.writeEpochs(this.config.durability !== 'page-cache')
    assert(segment.bytes === this.#staged[from].position, 'a batch lands where it was planned')
    this.parts.disk.writev(segment.file, slices, segment.bytes)
    let replaced = false
    for (let index = from; index < to; index++) {
      const { bytes, lastOffset, maxTimestampMs } = this.#staged[index]
      if (segment.appended(bytes.length, lastOffset, maxTimestampMs, this.config.indexIntervalBytes)) replaced = true
      this.#end = lastOffset + 1
    }
    if (replaced) this.parts.listener.segmentChanged(segment.view())
  }

  /** The last round's objects may be used again: its receiver is done with them. */
  #recycle (): void {
    for (const staged of this.#written) {
      staged.bytes = nothing
      staged.snapshot = null
      this.#spare.push(staged)
    }
    this.#written.length = 0
  }
}

const noRecordErrors: AppendResult['recordErrors'] = []
