// The door to the logs. Two fillings behind it: a worker thread per log directory over rings, and inline (the
// same drain() on the caller's thread). Nothing above this line knows which one it has.
import { type VolumeSpace } from '../base/disk.ts'
import { type RecordsPieces } from '../protocol/wire.ts'
import {
  type AppendResult, type EpochEndOffset, type LogConfig, type LogIdentity, type Offset, type TimestampOffset
} from '../log/types.ts'
import { type Arena } from './arena.ts'
import { type PartitionTable } from './partition-table.ts'

/** A row of the partition table: names an open log for as long as it is open; reused after remove(). */
export type Row = number

/** Where the results of appends go. One object per request, no closure per partition. */
export interface AppendWaiter {
  /** `result` is only valid during the call. With acks=all semantics use LogClient.highWatermark afterwards.
   *  */
  appended (token: number, result: AppendResult): void
}

/** How far a reader may see. */
export type ReadLimit = 'high-watermark' | 'last-stable' | 'end'

export interface ReadResult {
  /** Kafka error code: NONE, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR. */
  errorCode: number
  /** Batches starting with the one that holds the offset; bytes 0 when there is nothing below the limit. */
  records: RecordsPieces
  highWatermark: Offset
  lastStableOffset: Offset
  logStartOffset: Offset
  /** read_committed: aborted transactions in the range; empty until transactions exist. */
  aborted: readonly { producerId: number, firstOffset: Offset }[]
}

export interface OpenedLog {
  row: Row
  errorCode: number
}

/** A log found on disk at start (for comparison with the catalog). */
export interface FoundLog extends LogIdentity {
  directory: string
}

export interface DirectoryLog {
  topic: string
  partition: number
  sizeBytes: number
  /** How far a copy is behind its partition; 0 of the partition itself. */
  offsetLag: Offset
  /** A copy that will take its partition's place. */
  future: boolean
}

export interface DirectoryView {
  path: string
  /** directory.id of meta.properties; '' when it could not be read. */
  id: string
  failure: Error | null
  /** Gets no new partitions. */
  cordoned: boolean
  logs: readonly DirectoryLog[]
}

export interface LogEvents {
  /** Something readers or acks may wait for has moved: end, high watermark, last stable offset or log start.
   *  */
  advanced (row: Row): void
  /** The log directory of these rows failed (KAFKA_STORAGE_ERROR from now on). */
  directoryFailed (directory: string, reason: Error): void
  /** A worker ended: our bug. The broker must close without the clean marker. */
  failed (reason: Error): void
}

export interface LogClient {
  readonly arena: Arena
  readonly table: PartitionTable

  /** Opens the directories (lock, checkpoints, recovery of what is there). Resolves when every found log
   *  serves. */
  start (events: LogEvents): Promise<FoundLog[]>

  /** Opens an existing log or creates it; with `create` false only what was found at the start
   *  (KAFKA_STORAGE_ERROR else). The row's role is "none" until becomeLeader or becomeFollower. */
  open (identity: LogIdentity, config: LogConfig, create?: boolean): Promise<OpenedLog>
  /** Stamps `leaderEpoch` into what is appended from now on and records it in leader-epoch-checkpoint. */
  becomeLeader (row: Row, leaderEpoch: number): Promise<void>
  becomeFollower (row: Row, leaderEpoch: number): Promise<void>
  configure (row: Row, config: LogConfig): void
  /** Closes the log and deletes its files (rename, then later unlink). The row is free afterwards. */
  remove (row: Row): Promise<void>
  /** Deletes a found log whose topic the catalog does not know (or renames it to -stray). */
  discard (found: FoundLog): Promise<void>
  truncateTo (row: Row, offset: Offset): Promise<void>
  /** Readers see nothing below `offset` any more, which is not above the high watermark. Resolves with the
   *  log's start when that survives the end of the process. */
  deleteRecords (row: Row, offset: Offset): Promise<Offset>

  /** Appends as leader the batch(es) of one partition of one Produce request. `records` best lies in the
   *  arena (no copy then; the caller keeps it retained until the answer); otherwise it is copied into it.
   *  CRC, sequences, sizes etc. are checked by the log. `transactional` is what the log may accept: false
   *  refuses transactional and control batches (INVALID_RECORD). False: the worker's ring is full, nothing
   *  happened; try again after `whenRoom`. */
  append (row: Row, records: Buffer, origin: AppendOrigin, waiter: AppendWaiter, token: number): boolean
  /** Calls back once when that row's worker has room again. */
  whenRoom (row: Row, room: () => void): void
  /** Appends batches that carry their offsets already, as fetched from the leader. */
  appendAsFollower (row: Row, records: Buffer, waiter: AppendWaiter, token: number): boolean

  /** Batches from `offset` up to `limit`, at most `maxBytes` (but at least one when `minOneBatch`). The first
   *  is whole; the last may be cut at `maxBytes`, as in Kafka's answers. At once when the hot tail holds them
   *  or nothing is there; a promise when the disk has to be asked. The pieces are leased: the receiver calls
   *  `release` on each when written or dropped (see pieces.ts). */
  read (
    row: Row, offset: Offset, limit: ReadLimit, maxBytes: number, minOneBatch: boolean
  ): ReadResult | Promise<ReadResult>
  /** The same as private bytes, for readers inside the broker (coordinators loading their state). Empty at
   *  the limit. */
  readBytes (row: Row, offset: Offset, limit: ReadLimit, maxBytes: number): Promise<Buffer>

  /** First record with a timestamp >= timestampMs. Searches below the limit. */
  offsetForTime (row: Row, timestampMs: number, limit: ReadLimit): Promise<TimestampOffset>
  /** The record with the newest timestamp (ListOffsets -3). */
  offsetOfMaxTimestamp (row: Row): Promise<TimestampOffset>
  /** OffsetForLeaderEpoch: the largest known epoch <= the asked one and where it ends. */
  endOffsetForEpoch (row: Row, leaderEpoch: number): Promise<EpochEndOffset>
  /** Leader epoch of the record at `offset`, -1 when unknown (OffsetFetch/ListOffsets answers). */
  epochAt (row: Row, offset: Offset): Promise<number>

  /** The log directories as they are now, in the order of the settings. */
  directories (): readonly DirectoryView[]
  /** null: nobody can tell. */
  directorySpace (path: string): Promise<VolumeSpace | null>
  /** Moves a partition's log to another directory in the background, while it serves. With row -1 the log is
   *  not there yet: it will be made in that directory. Resolves with Kafka's error code when the move is on
   *  its way. */
  moveTo (topic: string, partition: number, row: Row, path: string): Promise<number>

  /** Bytes of all segments (from the table). */
  size (row: Row): number
  /** Takes what workers have answered already, without waiting to be woken: others' answers leave sooner. */
  poll (): void
  /** Retention, flush intervals, producer expiry, checkpoints: called by the broker's timer. */
  tick (nowMs: number): void
  /** Flushes, checkpoints, marks clean when `clean`, ends workers. No thread, file or timer is left. */
  close (clean: boolean): Promise<void>
}

export interface AppendOrigin {
  /** 'client': as Kafka validates a producer's batches; 'coordinator': our own internal-topic batches
   *  (control and transactional allowed). */
  kind: 'client' | 'coordinator'
  /** -1: not asked; else the leader epoch that must match (FENCED_LEADER_EPOCH / UNKNOWN_LEADER_EPOCH). */
  leaderEpoch: number
}
