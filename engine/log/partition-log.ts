// The log of one partition: batches are staged (checked, numbered), then written with one writev a segment.
// Everything else that happens to a log (recovery, truncation, retention) is in files of its own and works
// on this object's parts.
import { assert } from '../base/assert.ts'
import { DiskError, type FileHandle, isOutOfFiles } from '../base/disk.ts'
import { type EndMarker, readEndMarker } from '../protocol/end-marker.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  BatchHeader, eachBatch, readBatchHeader, setBaseOffset, setPartitionLeaderEpoch
} from '../protocol/record-batch.ts'
import { Admission } from './admission.ts'
import { AppendAnswer } from './append-answer.ts'
import { BackgroundFlush } from './background-flush.ts'
import { CompactionState } from './compaction/state.ts'
import { checkFetched } from './fetched.ts'
import { type HeaderScan, sharedScan } from './header-scan.ts'
import { LogFiles } from './log-files.ts'
import { type LogParts, type LogState } from './log-parts.ts'
import { type PartitionLog, type StagedBatch } from './partition-log.types.ts'
import { encodeSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import { deleteDue, deletionDue } from './retention.ts'
import { newestAbort, type Segment } from './segment.ts'
import { Staging } from './staging.ts'
import { truncateFully, truncateTail } from './truncation.ts'
import {
  type AppendKind, type AppendResult, type CheckedRecords, type EpochEndOffset, type LogConfig, type Offset
} from './types.ts'

export { type LogParts } from './log-parts.ts'

const admission = new Admission()
const fetched = new BatchHeader()

export class Log implements PartitionLog {
  readonly parts: LogParts
  readonly files: LogFiles
  readonly background = new BackgroundFlush()
  readonly producers = new ProducerState()
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
  readonly #staging = new Staging()
  readonly #slices: Buffer[] = [] // its length is not set: that would cost a call into V8 and its memory
  readonly #answer = new AppendAnswer()

  readonly compaction = new CompactionState()
  /** A write did not go through: the directory has failed, nothing more is accepted. */
  #failed: DiskError | null = null
  /** Of all segments but the active one; -1 when they have changed. */
  #sealedBytes = -1
  /** When the oldest record that is not flushed was written; -1 when all are. */
  #unflushedSinceMs = -1
  /** The newest abort marker; -1 when there is none. */
  lastAborted: Offset = -1
  /** Where a producer snapshot was last written; the state there and now are the same when it equals end. */
  snapshotOffset: Offset = -1

  constructor (parts: LogParts, state: LogState) {
    this.parts = parts
    this.files = new LogFiles(parts)
    this.config = parts.config
    this.segments = state.segments
    this.#start = state.start
    this.#end = state.end
    this.#stagedEnd = state.end
    this.recoveryPoint = state.recoveryPoint
    if (this.segments.length > 0) this.#staging.ahead.copyFrom(this.active.meter)
  }

  /** Stands nowhere: what was read before may have changed. */
  get scan (): HeaderScan { return sharedScan(this.parts.disk) }
  get start (): Offset { return this.#start }
  get end (): Offset { return this.#end }
  get stagedBytes (): number { return this.#staging.bytes }
  get active (): Segment { return this.segments[this.segments.length - 1] }
  get durableEnd (): Offset {
    return this.config.durability === 'page-cache' ? this.#end : this.recoveryPoint
  }

  get firstUnstable (): Offset { return this.#orEnd(this.producers.transactions.firstUnstable) }
  get firstUndecided (): Offset { return this.#orEnd(this.producers.transactions.firstUndecided) }
  get lastMarker (): Offset { return this.producers.transactions.lastMarker }
  replicated (highWatermark: Offset): void { this.producers.transactions.replicated(highWatermark) }

  /** What retention or DeleteRecords took of a transaction is no more. */
  #orEnd (first: Offset): Offset {
    return first < 0 ? this.#end : Math.max(this.#start, Math.min(first, this.#end))
  }

  get bytes (): number {
    if (this.segments.length === 0) return 0
    if (this.#sealedBytes < 0) {
      this.#sealedBytes = this.segments.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0)
    }
    return this.#sealedBytes + this.active.bytes
  }

  get activeFile (): FileHandle { return this.segments.length === 0 ? -1 : this.active.file }
  get activePath (): string { return this.segments.length === 0 ? '' : this.active.path }

  stageAsLeader (
    records: Buffer, kind: AppendKind, nowMs: number, checked: CheckedRecords | null = null
  ): AppendResult {
    const answer = this.#answer.reset()
    this.#staging.recycle()
    if (this.#failed !== null) return answer.refuse(errorCodes.KAFKA_STORAGE_ERROR)
    const error = admission.admit(records, kind, this.config, nowMs, checked)
    if (admission.logSeen) answer.logStartOffset = this.#start
    if (error !== errorCodes.NONE) return answer.refuseFor(error, admission)
    const { header, batch, maxTimestampMs } = admission
    const marker = header.control ? readEndMarker(batch) : null
    if (header.hasProducerId) {
      const verdict = this.producers.check(header, marker, kind === 'client')
      if (verdict !== errorCodes.NONE) return answer.refuse(verdict)
      if (this.producers.duplicateBase >= 0) return answer.repeat(this.producers)
    }
    header.baseOffset = this.#stagedEnd
    setBaseOffset(batch, 0, header.baseOffset)
    setPartitionLeaderEpoch(batch, 0, this.leaderEpoch)
    answer.baseOffset = header.baseOffset
    answer.lastOffset = header.lastOffset
    if (this.config.logAppendTime) answer.logAppendTimeMs = maxTimestampMs
    this.#stage(batch, header, marker, maxTimestampMs, this.leaderEpoch, nowMs)
    return answer
  }

  stageAsFollower (records: Buffer, nowMs: number): AppendResult {
    const answer = this.#answer.reset()
    this.#staging.recycle()
    if (this.#failed !== null) return answer.refuse(errorCodes.KAFKA_STORAGE_ERROR)
    answer.logStartOffset = this.#start
    const error = checkFetched(records, this.#stagedEnd)
    if (error !== errorCodes.NONE) return answer.refuse(error)
    eachBatch(records, 0, records.length, (at, bytes) => {
      const header = readBatchHeader(records, at, fetched)
      const batch = bytes === records.length ? records : records.subarray(at, at + bytes)
      if (answer.baseOffset < 0) answer.baseOffset = header.baseOffset
      answer.lastOffset = header.lastOffset
      const marker = header.control ? readEndMarker(batch) : null
      this.#stage(batch, header, marker, header.maxTimestamp, header.partitionLeaderEpoch, nowMs)
    })
    return answer
  }

  write (nowMs: number): readonly StagedBatch[] {
    const staging = this.#staging
    this.nowMs = nowMs
    staging.recycle()
    if (staging.batches.length === 0) return staging.written
    try {
      this.#writeGroups(nowMs)
    } catch (error) {
      this.producers.undo()
      // Nothing is written while a file could not be opened: later it may be.
      if (isOutOfFiles(error) && this.#end <= staging.batches[0].baseOffset) {
        staging.finish()
        this.reset(this.#start, this.#end)
      } else if (error instanceof DiskError) this.#failed = error
      throw error
    }
    this.producers.commit()
    const planned = this.#end === this.#stagedEnd && this.active.bytes === staging.ahead.bytes
    assert(planned, 'writing did what staging planned')
    if (this.#unflushedSinceMs < 0) this.#unflushedSinceMs = nowMs
    const written = staging.finish()
    const { durability, flushMessages } = this.config
    const due = flushMessages >= 0 && this.#end - this.recoveryPoint >= flushMessages
    if (due || durability === 'always') this.flush()
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
    assert(this.#staging.batches.length === 0, 'nothing is staged when a log is cut')
    if (offset >= this.#end) return
    this.compaction.cut(offset)
    const start = Math.max(this.#start, this.segments[0]?.baseOffset ?? Infinity)
    if (offset < start) this.truncateFullyAndStartAt(offset)
    else truncateTail(this, offset)
  }

  truncateFullyAndStartAt (offset: Offset): void {
    assert(this.#staging.batches.length === 0, 'nothing is staged when a log is cut')
    this.compaction.cut(offset)
    truncateFully(this, offset)
  }

  endOffsetForEpoch (epoch: number): EpochEndOffset {
    return this.files.epochs.endOffsetFor(epoch, this.#end)
  }

  epochAt (offset: Offset): number { return this.files.epochs.epochAt(offset) }

  get failed (): boolean { return this.#failed !== null }

  configure (config: LogConfig): void { this.config = config }

  retain (nowMs: number, highWatermark: Offset, startOnly = false, segmentsMax = Infinity): boolean {
    if (this.#failed !== null || this.#staging.batches.length > 0) return false
    const count = deletionDue(this, nowMs, highWatermark, startOnly)
    if (count > 0) deleteDue(this, Math.min(count, segmentsMax), nowMs)
    return count > segmentsMax
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

  tick (nowMs: number, indexes = true): boolean {
    this.nowMs = nowMs
    if (this.#failed !== null) return false
    if (this.#staging.batches.length === 0) this.producers.expire(nowMs, this.config.producerIdExpirationMs)
    const waited = this.#unflushedSinceMs < 0 ? 0 : nowMs - this.#unflushedSinceMs
    // A clock that was set back would hold it up for as long.
    if (this.config.flushMs >= 0 && (waited >= this.config.flushMs || waited < 0)) this.flush()
    this.files.giveUpDue(nowMs)
    return indexes && this.segments.length > 0 && this.active.writeIndexes()
  }

  flushed (end: Offset): void {
    assert(end <= this.#end, 'only what is written can be flushed')
    this.recoveryPoint = Math.max(this.recoveryPoint, this.files.flushed(end))
    if (this.recoveryPoint === this.#end) this.#unflushedSinceMs = -1
  }

  flush (): void {
    try {
      // After a cut back to its end a sealed segment may be on the device without its indexes.
      const behind = this.recoveryPoint < this.#end || this.files.unflushed.length > 0
      if (this.segments.length > 0 && (behind || this.files.mistrusted)) {
        this.files.flushAll(this.active)
        this.recoveryPoint = this.#end
      }
    } catch (error) {
      // The system may have dropped what it could not write: trying again would report what is not there.
      if (error instanceof DiskError && !isOutOfFiles(error)) this.#failed = error
      throw error
    }
    this.#unflushedSinceMs = -1
  }

  close (clean: boolean): void {
    if (clean && this.#failed === null && this.segments.length > 0) this.#finish()
    for (const segment of this.segments) segment.closeFile()
  }

  #finish (): void {
    assert(this.#staging.batches.length === 0, 'what is staged is written before a log is closed')
    this.settleIndexes()
    this.active.trim()
    this.flush()
    this.active.syncIndexes()
    this.takeSnapshot(this.#end, null)
    this.files.unlinkAll()
  }

  /** The active segment's files say all that they can: nothing may be staged. */
  settleIndexes (): void {
    this.active.finishTimeIndex()
    this.active.writeIndexes()
    this.active.syncAborted()
    this.#staging.ahead.copyFrom(this.active.meter)
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
    this.#sealedBytes = -1
    this.#start = start
    this.#end = end
    this.#stagedEnd = end
    this.lastAborted = newestAbort(this.segments)
    this.background.cut(end)
    this.recoveryPoint = Math.min(this.recoveryPoint, this.files.cut(end))
    if (this.segments.length > 0) this.#staging.ahead.copyFrom(this.active.meter)
  }

  /** Seals the active segment and begins one at `base`. */
  roll (base: Offset, snapshot: Buffer | null, nowMs: number): Segment {
    this.#sealedBytes = -1
    // First what needs descriptors: where there are none the log stays as it is.
    const segment = this.files.createSegment(base, this.config, nowMs)
    try {
      if (this.segments.length > 0) this.#seal(base, snapshot)
    } catch (error) {
      segment.closeFile()
      throw error
    }
    this.segments.push(segment)
    this.parts.listener.segmentChanged(segment.view())
    return segment
  }

  #seal (base: Offset, snapshot: Buffer | null): void {
    const sealed = this.active
    this.takeSnapshot(base, snapshot)
    sealed.seal()
    this.files.sealed(sealed, base, this.config.durability !== 'page-cache')
    this.parts.listener.segmentChanged(sealed.view())
  }

  #stage (
    batch: Buffer, header: BatchHeader, marker: EndMarker | null, maxTimestampMs: number, leaderEpoch: number,
    nowMs: number
  ): void {
    const { config } = this
    const { ahead, batches } = this.#staging
    let snapshot: Buffer | null = null
    if (this.segments.length === 0 && batches.length === 0) {
      ahead.start(header.baseOffset, nowMs, this.files.jitterMs(config))
    } else if (ahead.mustRoll(config, batch.length, header.lastOffset, maxTimestampMs, nowMs)) {
      // Taken now: what is staged later must not be in it, it may never be written.
      snapshot = encodeSnapshot(this.producers.entries())
      ahead.start(header.baseOffset, nowMs, this.files.jitterMs(config))
    }
    const staged = this.#staging.add(batch, header, maxTimestampMs, leaderEpoch, config)
    staged.snapshot = snapshot
    staged.aborted = this.producers.replay(header, marker, nowMs)
    this.#stagedEnd = header.lastOffset + 1
  }

  /** One writev per run of batches that go to the same segment. */
  #writeGroups (nowMs: number): void {
    const staged = this.#staging.batches
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
    const staged = this.#staging.batches
    const segment = this.active
    const slices = this.#slices
    while (slices.length > to - from) slices.pop()
    for (let index = from; index < to; index++) {
      const { bytes, leaderEpoch, baseOffset } = staged[index]
      slices[index - from] = bytes
      this.assignEpoch(leaderEpoch, baseOffset)
    }
    this.files.writeEpochs(this.config.durability !== 'page-cache')
    assert(segment.bytes === staged[from].position, 'a batch lands where it was planned')
    this.parts.disk.writev(segment.file, slices, segment.bytes)
    let replaced = false
    for (let index = from; index < to; index++) {
      const { bytes, lastOffset, maxTimestampMs, aborted } = staged[index]
      const grew = segment.appended(bytes.length, lastOffset, maxTimestampMs, this.config.indexIntervalBytes)
      if (grew || aborted !== null) replaced = true
      if (aborted !== null) {
        segment.abort(aborted)
        this.lastAborted = aborted.lastOffset
      }
      this.#end = lastOffset + 1
    }
    if (replaced) this.parts.listener.segmentChanged(segment.view())
  }
}
