// What a log worker asks of one partition's log. Runs where drain() is called; every call is synchronous.
import { type FileHandle } from '../base/disk.ts'
import {
  type AppendKind, type AppendResult, type CheckedRecords, type EpochEndOffset, type LogConfig, type Offset,
  type Position
} from './types.ts'

/**
 * A segment as any thread may know it: crosses borders by structured clone. The index memory is written by
 * the log's owner alone.
 */
export interface SegmentView {
  readonly baseOffset: Offset
  /** Of the .log file. */
  readonly path: string
  /**
   * Names this file in caches of open files: another for every segment that was ever created, also under
   * the same path.
   */
  readonly key?: string
  /**
   * Int32 words: [0] entries; from word 2 on pairs (relative offset, position), both increasing. Replaced
   * by a larger one when full. Of a sealed segment always empty: its .index file is complete, and searched
   * there (reader.ts does).
   */
  readonly offsetIndex: SharedArrayBuffer
  /**
   * Float64 words: [0] entries; from word 2 on pairs (timestamp, relative offset). Empty when sealed, like
   * offsetIndex.
   */
  readonly timeIndex: SharedArrayBuffer
  /**
   * Bytes when the segment is sealed (rolled); -1 for the active one: its size is bounded by the
   * partition's readable position.
   */
  readonly sealedBytes: Position
  readonly maxTimestampMs: number
  /** Entries of the .txnindex file that count; absent: none. */
  readonly abortedCount?: number
}

export interface LogListener {
  /**
   * A segment was added (created, recovered, rolled), or changed (sealed, index memory replaced): the
   * newest view of that base offset.
   */
  segmentChanged (view: SegmentView): void
  /**
   * Segments below the log's new start go, and still have their names: who learns of the start now finds no
   * file missing that he may read.
   */
  startMoved? (): void
  /**
   * Removed from the log; its file is deleted later (file.delete.delay.ms): readers that have it open may
   * finish.
   */
  segmentRemoved (baseOffset: Offset): void
  /** Leader epochs, whole (small): [epoch, startOffset] pairs, ascending. */
  epochsChanged (epochs: readonly (readonly [number, Offset])[]): void
  /**
   * That file is to be deleted now. Who takes that over, on a thread that may wait for the disk, is told of
   * each once; otherwise the log deletes it itself.
   */
  unlink? (path: string): void
}

/** Where the staged bytes of the last write() went, for the hot tail. */
export interface StagedBatch {
  readonly baseOffset: Offset
  readonly lastOffset: Offset
  readonly bytes: Buffer
  readonly segmentBase: Offset
  readonly position: Position
  readonly maxTimestampMs: number
}

export interface PartitionLog {
  readonly config: LogConfig
  readonly start: Offset
  /** The offset the next record will get, of what is written. */
  readonly end: Offset
  /** Everything below survives a crash (end without group commit once written). */
  readonly durableEnd: Offset
  /**
   * First record of the oldest transaction that is undecided, or decided by a marker that was not below the
   * high watermark when replicated() was last called; = end when there is none.
   */
  readonly firstUnstable: Offset
  /** The same of undecided ones alone: what counts where the high watermark is above lastMarker. */
  readonly firstUndecided: Offset
  /** The newest marker that counts in firstUnstable; -1 when none does. */
  readonly lastMarker: Offset
  /** The newest abort marker's offset; -1 when there is none. */
  readonly lastAborted: Offset
  /** Markers below the high watermark are everywhere. */
  replicated (highWatermark: Offset): void
  readonly bytes: number
  readonly leaderEpoch: number

  /**
   * Validates one Produce partition's records (KafKa's rules), assigns offsets and epoch in place, stages
   * them. Nothing is visible until write(). `checked`: what a disk thread found when it validated them.
   */
  stageAsLeader (
    records: Buffer, kind: AppendKind, nowMs: number, checked?: CheckedRecords | null
  ): AppendResult
  /** Stages batches that have their offsets (from a leader); must start at end. */
  stageAsFollower (records: Buffer, nowMs: number): AppendResult
  readonly stagedBytes: number
  /**
   * One writev of all that is staged (rolling first where due). Throws DiskError: the directory has
   * failed. Returns what was written: valid until the next call of stage or write (the objects are used
   * again).
   */
  write (nowMs: number): readonly StagedBatch[]

  becomeLeader (epoch: number): void
  truncateTo (offset: Offset): void
  truncateFullyAndStartAt (offset: Offset): void
  endOffsetForEpoch (epoch: number): EpochEndOffset
  configure (config: LogConfig): void
  /**
   * Retention: deletes what is due, never above `highWatermark`; of segments at most so many. True when more
   * are due.
   */
  retain (nowMs: number, highWatermark: Offset, startOnly?: boolean, segmentsMax?: number): boolean
  /**
   * flush.ms, producer expiry, delayed deletions that are due, and index files where `indexes` says so.
   * Returns whether those lacked anything.
   */
  tick (nowMs: number, indexes?: boolean): boolean
  /**
   * Files to fsync so that everything below `end` is durable: handles stay the log's; call flushed(end)
   * afterwards. -1 and '' while nothing was ever appended. Sealed segments that were not fsynced yet are
   * in Log.files.unflushed (page-cache only: with group commit a roll fsyncs what it seals): fsync their
   * paths where it may block, then call files.dropUnflushed(baseOffset).
   */
  readonly activeFile: FileHandle
  readonly activePath: string
  flushed (end: Offset): void
  /** fsyncs everything itself. */
  flush (): void
  close (clean: boolean): void
}
