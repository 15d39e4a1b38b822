// What disk threads do: plain jobs in, plain values out, by synchronous calls that may block. The inline
// filling runs the same functions on the caller's thread.
import { type Clock } from '../base/clock.ts'
import { type Disk, type VolumeSpace } from '../base/disk.ts'
import { checkRecords } from '../log/checked.ts'
import { type Cleaning } from '../log/compaction/cleaning.ts'
import { syncFile, syncSegment } from '../log/log-files.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type AbortedRange, type AbortedSearch, collectAborted } from '../log/aborted-reader.ts'
import { type SegmentReader } from '../log/reader.ts'
import {
  type AppendKind, type CheckedRecords, type LogConfig, type Offset, type Position, type TimestampOffset
} from '../log/types.ts'
import { eachBatch } from '../protocol/record-batch.ts'
import { type Address, cellBytes } from './cells.ts'
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
  /** A cell for the first bytes; -1: nothing is read yet. */
  address: Address
  /** Wanted by readers of committed records, where the log has aborted transactions. */
  aborted: AbortedSearch | null
}

export interface Located {
  /** -1: this segment holds nothing from `offset` up to the limit. */
  position: Position
  bytes: number
  /** Of those, how many lie in the cell. */
  firstBytes: number
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

export type DiskJob =
  | CompactionJob
  | CheckJob
  | LocateJob
  | { kind: 'read', file: SegmentFile, position: Position, length: number, address: Address }
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
  read: number
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
    case 'read': return reader.read(job.file as SegmentView, job.position, slice(tools, job.address, job.length))
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
  return target.subarray(0, reader.read(file as SegmentView, position, target))
}

/** Finds the batch that holds the offset, fixes the size of the answer and reads its first bytes. */
function locate (tools: JobTools, job: LocateJob): Located {
  const { reader } = tools
  const { view, upper } = job
  const found = reader.find(view, job.offset, upper)
  if (found === null) return { position: -1, bytes: 0, firstBytes: 0, aborted: noneAborted }
  const readable = reader.endPosition(view, upper) - found.position
  let bytes = Math.min(readable, job.maxBytes)
  if (bytes < found.bytes) bytes = job.minOneBatch ? found.bytes : 0
  const { position } = found
  const aborted = job.aborted === null
    ? noneAborted
    : collectAborted(reader, view, job.aborted, job.offset, position + bytes)
  if (job.address < 0) return { position, bytes, firstBytes: 0, aborted }
  const first = slice(tools, job.address, Math.min(bytes, cellBytes))
  // It may end within a batch, as Kafka's answers do.
  return { position, bytes, firstBytes: reader.read(view, position, first), aborted }
}

/** Bytes of the whole batches a buffer starts with. */
export function wholeBatches (bytes: Buffer): number {
  return eachBatch(bytes, 0, bytes.length, () => {})
}
