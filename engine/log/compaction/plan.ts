// What the log's owner, the main thread and the disk thread say to each other about one compaction. Plain
// data: it crosses thread borders.
import { type Offset, type Position } from '../types.ts'

/** A sealed segment that will be read and replaced. */
export interface SourceSegment {
  readonly baseOffset: Offset
  readonly path: string
  readonly bytes: Position
  /** Names this very segment in its owner's thread: see Segment.serial. */
  readonly serial: number
  /** Where the next segment begins. */
  readonly end: Offset
  readonly offsetIndexBytes: number
  readonly timeIndexBytes: number
}

/** The settings of the topic that count for it. */
export interface CompactionRules {
  readonly segmentBytes: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly deleteRetentionMs: number
  readonly decompressedBytesMax: number
}

/** What a producer appended last: its newest batch of records (-1: only markers), and its epoch. */
export type LastOfProducer = readonly [id: number, lastOffset: Offset, epoch: number]

export interface CompactionPlan {
  /** The partition's folder name. */
  readonly key: string
  readonly folder: string
  /** Below: compacted before. */
  readonly firstDirty: Offset
  /** Start of the first segment that must stay as it is. */
  readonly firstUncleanable: Offset
  /** Share of dirty bytes: the dirtiest log goes first. */
  readonly ratio: number
  readonly nowMs: number
  /** All segments below firstUncleanable, ascending. */
  readonly sources: readonly SourceSegment[]
  /** The segments from there on, as far as they are written: ends of transactions may lie in them. */
  readonly rest: readonly { readonly baseOffset: Offset, readonly path: string, readonly bytes: Position }[]
  /** One word per source: see retired.ts. */
  readonly retired: SharedArrayBuffer
  readonly producers: readonly LastOfProducer[]
  readonly rules: CompactionRules
}

/** Bounds of one run, from the broker's log.cleaner settings. */
export interface CompactionBounds {
  /** Of the map of keys. */
  readonly mapBytes: number
  /** How full it may get. */
  readonly loadFactor: number
  /** Of the read and of the write buffer; both grow to the largest batch. */
  readonly bufferBytes: number
  /** Keys are hashed under it: 16 bytes that nobody knows. */
  readonly secret: Uint8Array
}

/** The segment that replaces several: its files are on the device under .cleaned names. */
export interface CleanedGroup {
  readonly baseOffset: Offset
  /** Serials of the segments it was made of, ascending. */
  readonly serials: readonly number[]
  readonly bytes: Position
  readonly maxTimestampMs: number
  readonly maxTimestampOffset: Offset
  readonly offsetEntries: number
  readonly timeEntries: number
  /** It has a .txnindex.cleaned. */
  readonly aborted: boolean
}

/** What one step came to; `bytes` were read and written. */
export type CompactionProgress =
  | { readonly kind: 'busy', readonly bytes: number }
  /** The group's owner swaps it in before the next step. */
  | { readonly kind: 'group', readonly bytes: number, readonly group: CleanedGroup }
  | { readonly kind: 'done', readonly bytes: number, readonly cleanedTo: Offset, readonly counts: CompactionCounts }
  /** The log cannot be compacted: what is wrong and where. */
  | { readonly kind: 'corrupt', readonly bytes: number, readonly reason: string }

export interface CompactionCounts {
  bytesRead: number
  bytesWritten: number
  records: number
  recordsKept: number
}
