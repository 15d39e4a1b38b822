// What disk threads do: plain jobs in, plain values out, by synchronous calls that may block. The inline
// filling runs the same functions on the caller's thread.
import { type Clock } from '../base/clock.ts'
import { type Disk, type VolumeSpace } from '../base/disk.ts'
import { checkRecords } from '../log/checked.ts'
import { type Cleaning } from '../log/compaction/cleaning.ts'
import { syncFile, syncSegment } from '../log/log-files.ts'
import { floorEntry } from '../log/offset-index.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type AbortedRange, type AbortedSearch, collectAborted } from '../log/aborted-reader.ts'
import { type BatchPlace, type SegmentReader } from '../log/reader.ts'
import {
  type AppendKind, type CheckedRecords, type LogConfig, type Offset, type Position, type TimestampOffset
} from '../log/types.ts'
import { eachBatch } from '../protocol/record-batch.ts'
import { type Address, cellBytes, cellEnd } from './cells.ts'
import { type CompactionJob, type CompactionResults, isCompaction, runCompactionJob } from './compaction-jobs.ts'

/** All that reading bytes needs of a view: shared memory takes its time to cross. */
export type SegmentFile = Pick<SegmentView, 'path' | 'key'>

export interface LocateJob {
  kind: 'locate'
  view: SegmentView
  offset: Offset
  /** First offset the reader may not see. */
  upper: Offset
  maxBytes: number
  minOneBatch: boolean
  /** Batches below `upper` end there; -1: it must be looked up. */
  end: Position
  /** A cell for the first bytes; -1: nothing is read yet. */
  address: Address
  /** Wanted by readers of committed records, where the log has aborted transactions. */
  aborted: AbortedSearch | null
}

export interface Located {
  /** -1: this segment holds nothing from `offset` up to the limit. */
  position: Position
  bytes: number
  /** How many lie in the cell, at their place in it. */
  firstBytes: number
  /** Of the first batch. */
  batchBytes: number
  /** Where the batches below the limit end. */
  end: Position
  /** Where a reader of this answer goes on, when that is in this segment. */
  next: BatchPlace | null
  aborted: readonly AbortedRange[]
}

/** Records on their way into a log: what takes long is looked at here. */
export interface CheckJob {
  kind: 'check'
  address: Address
  length: number
  origin: AppendKind
  config: LogConfig
  nowMs: number
}

/** Reads a part of a segment into neighbouring cells of the file, which lie anywhere in the arena. */
export interface ReadJob {
  kind: 'read'
  file: SegmentFile & Pick<SegmentView, 'baseOffset'>
  position: Position
  length: number
  targets: readonly Address[]
  searches: readonly PlaceSearch[]
}

/** Which batch `limit` lies in or in front of: an answer that ends there is gone on with at that batch. */
export interface PlaceSearch {
  limit: Position
  /** A batch starts there, at or before `limit`; -1: the index file knows. */
  from: Position
  /** Batches end there. */
  end: Position
}

export interface RangesRead {
  /** Fewer than asked for at the end of the file. */
  bytes: number
  places: (BatchPlace | null)[]
}

export type DiskJob =
  | CompactionJob
  | CheckJob
  | LocateJob
  | ReadJob
  | { kind: 'copy', file: SegmentFile, position: Position, length: number }
  | { kind: 'forget', view: SegmentView }
  | { kind: 'time', views: SegmentView[], timestampMs: number, from: Offset, upper: Offset }
  | { kind: 'newest', views: SegmentView[], from: Offset, upper: Offset }
  | { kind: 'sync', path: string }
  | { kind: 'space', path: string }
  | { kind: 'sync-segment', path: string, end: Offset }
  | { kind: 'replace', path: string, bytes: Uint8Array }
  | { kind: 'remove', path: string }

export interface JobResults extends CompactionResults {
  check: CheckedRecords
  locate: Located
  read: RangesRead
  copy: Uint8Array
  forget: null
  time: TimestampOffset
  newest: TimestampOffset
  sync: null
  space: VolumeSpace | null
  'sync-segment': null
  replace: null
  remove: null
}

export interface JobTools {
  disk: Disk
  reader: SegmentReader
  arenaBytes: Buffer
  clock: Clock
  /** Compactions in work, by their ids. */
  cleanings: Map<number, Cleaning>
}

export function runDiskJob (tools: JobTools, job: DiskJob): JobResults[DiskJob['kind']] {
  if (isCompaction(job)) return runCompactionJob(tools, job)
  const { reader, disk } = tools
  switch (job.kind) {
    case 'check': return checkRecords(slice(tools, job.address, job.length), job.origin, job.config, job.nowMs)
    case 'locate': return locate(tools, job)
    case 'read': return read(tools, job)
    case 'copy': return copy(reader, job.file, job.position, job.length)
    case 'forget': reader.forget(job.view); return null
    case 'time': return reader.offsetForTime(job.views, job.timestampMs, job.from, job.upper)
    case 'newest': return reader.offsetOfMaxTimestamp(job.views, job.from, job.upper)
    case 'sync': syncFile(disk, job.path); return null
    case 'space': return disk.space?.(job.path) ?? null
    case 'sync-segment': syncSegment(disk, job.path, job.end); return null
    case 'replace': disk.replaceFile(job.path, job.bytes); return null
    case 'remove': disk.removeDirectory(job.path); return null
  }
}

function slice (tools: JobTools, address: Address, length: number): Buffer {
  return tools.arenaBytes.subarray(address, address + length)
}

const noneAborted: readonly AbortedRange[] = []

function copy (reader: SegmentReader, file: SegmentFile, position: Position, length: number): Uint8Array {
  const target = new Uint8Array(length)
  return target.subarray(0, reader.read(file, position, target))
}

function read (tools: JobTools, { file, position, length, targets, searches }: ReadJob): RangesRead {
  const { reader } = tools
  const end = position + length
  let at = position
  for (const target of targets) {
    const wanted = Math.min(end, cellEnd(at)) - at
    const bytes = reader.read(file, at, slice(tools, target, wanted))
    at += bytes
    if (bytes < wanted) break
  }
  return { bytes: at - position, places: searches.map(search => reader.placeBefore(file, search)) }
}

const notFound: Located = {
  position: -1, bytes: 0, firstBytes: 0, batchBytes: 0, end: -1, next: null, aborted: noneAborted
}

/** Finds the batch that holds the offset, fixes the size of the answer and reads its first bytes. */
function locate (tools: JobTools, job: LocateJob): Located {
  const { reader } = tools
  const { view, upper } = job
  const found = reader.find(view, job.offset, upper)
  if (found === null) return notFound
  const { position, bytes: batchBytes } = found
  const end = job.end >= 0 ? job.end : reader.endPosition(view, upper)
  let bytes = Math.min(end - position, job.maxBytes)
  if (bytes < batchBytes) bytes = job.minOneBatch ? batchBytes : 0
  const limit = position + bytes
  const aborted = job.aborted === null
    ? noneAborted
    : collectAborted(reader, view, job.aborted, job.offset, limit)
  const from = view.sealedBytes < 0 ? floorEntry(view.offsetIndex, limit) : -1
  const next = bytes === 0 || limit >= end
    ? null
    : reader.placeBefore(view, { limit, from, end })
  let firstBytes = 0
  if (job.address >= 0 && bytes > 0) {
    // It may end within a batch, as Kafka's answers do.
    const wanted = Math.min(end, cellEnd(position)) - position
    firstBytes = reader.read(view, position, slice(tools, job.address + position % cellBytes, wanted))
  }
  return { position, bytes, firstBytes, batchBytes, end, next, aborted }
}

/** Bytes of the whole batches a buffer starts with. */
export function wholeBatches (bytes: Buffer): number {
  return eachBatch(bytes, 0, bytes.length, () => {})
}
