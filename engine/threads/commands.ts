// All that crosses between the main thread and a log worker. Small things are ring records; objects wait in a
// channel and are announced by a record, so that everything is taken in the order it was sent.
import {
  type AppendResult, type CheckedRecords, type LogConfig, type LogIdentity, type Offset
} from '../log/types.ts'
import { type LogLevel } from '../base/logger.ts'
import { type FoundPartition } from '../log/log-directory.ts'
import { type SegmentView } from '../log/partition-log.types.ts'
import { type CheckWanted } from './checks.ts'
import { type CompactionCall } from './worker-compaction.ts'

/** Main to worker: what the record's first word says. */
export const command = {
  append: 1, appendAsFollower: 2, object: 3, tick: 4, synced: 5, sealedSynced: 6
} as const

//  word 0      1     2         3        4      5              6      double 4 (word 8)
//  | command | row | address | length | slot | leader epoch | kind |  offset or time |
export const commandWord = {
  command: 0, row: 1, address: 2, length: 3, slot: 4, leaderEpoch: 5, kind: 6
} as const
export const commandDouble = { offset: 4, nowMs: 4 } as const
export const appendKind = { client: 0, coordinator: 1 } as const

/** Worker to main. */
export const reply = { appended: 1, object: 2, moved: 3, sync: 4, ticked: 5 } as const

//  word 0    1      2       3       double 2      3             4             5              6          7
//  | reply | slot | error | flags | base offset | last offset | append time | segment base | position | end |
//  moved:  | row  |                                                                                   | end |
//  sync:   | row  |                                                         | segment base |          | end |
export const replyWord = { reply: 0, slot: 1, row: 1, error: 2, flags: 3 } as const
export const replyDouble = {
  baseOffset: 2, lastOffset: 3, appendTimeMs: 4, segmentBase: 5, position: 6, durableEnd: 7
} as const
/** Flags of an append's reply. */
export const appended = {
  duplicate: 1,
  /** The bytes lie in the arena as they were written: the tail may point at them. */
  inArena: 2,
  /** An object with texts follows in the channel. */
  detailed: 4,
  /** Refused before the log was looked at: the answer names no log start. */
  unseen: 8
} as const

/** What an ordinary call asks of a worker; answered by `done` or `refused` with its id. */
export type LogCall =
  | { kind: 'start', partitions: FoundPartition[], configs: LogConfig[], clean: boolean }
  | { kind: 'open', row: number, identity: LogIdentity, config: LogConfig }
  | { kind: 'lead', row: number, epoch: number }
  | { kind: 'follow', row: number, epoch: number }
  | { kind: 'configure', row: number, config: LogConfig }
  | { kind: 'remove', row: number }
  | { kind: 'discard', identity: LogIdentity }
  | { kind: 'truncate', row: number, offset: Offset }
  | { kind: 'delete-records', row: number, offset: Offset }
  | { kind: 'epoch-end', row: number, epoch: number }
  | FutureCall
  | CompactionCall
  /** What a disk thread found in the row's first append that waits for it: not answered. */
  | { kind: 'checked', row: number, checked: CheckedRecords }
  /** All that was asked before is done: where the log stands. */
  | { kind: 'settle', row: number }
  /** Its copy takes over: the folder is set aside, under the path that is answered. */
  | { kind: 'depart', row: number }
  /** The copy could not: back in its place from there. */
  | { kind: 'return', row: number, identity: LogIdentity, config: LogConfig, aside: string }
  /** The finished copy becomes the partition. */
  | { kind: 'arrive', row: number, identity: LogIdentity, config: LogConfig, start: Offset }
  | { kind: 'offline', reason: string }
  | { kind: 'close', clean: boolean }
  /** For tests: the worker ends in the middle of its work. */
  | { kind: 'break' }

/** What is asked of the copy of a partition that is being moved; `key`: the partition's folder name. */
export type FutureCall =
  | { kind: 'future-open', identity: LogIdentity, config: LogConfig, start: Offset }
  | { kind: 'future-append', key: string, bytes: Uint8Array }
  | { kind: 'future-finish', key: string, start: Offset, end: Offset }
  | { kind: 'future-drop', key: string }

export interface FutureState {
  end: Offset
  bytes: number
  /** Of the file that is being written; '' while nothing was. */
  path: string
}

export interface ToWorker {
  id: number
  call: LogCall
}

export type FromWorker =
  | { kind: 'done', id: number, value: unknown }
  | { kind: 'refused', id: number, errorCode: number, message: string }
  | { kind: 'news', news: News }
  | { kind: 'detail', errorMessage: string | null, recordErrors: AppendResult['recordErrors'] }
  | CheckWanted
  | { kind: 'disk-failed', code: string, message: string }
  | { kind: 'progress', recovered: number, found: number }

/** What main should know of a row: sent before any answer that builds on it. */
export interface RowNews {
  readonly row: number
  readonly changed: SegmentView[]
  readonly removed: Offset[]
  epochs: (readonly [number, Offset])[] | null
  /** Segments that were sealed: their files want an fsync some time. */
  readonly sealed: SegmentView[]
  /** The active one wants an fsync too. */
  flush: { readonly path: string, readonly base: Offset, readonly end: Offset } | null
  /** Files that are to be deleted now. */
  readonly unlinked: string[]
}

export interface Line {
  readonly level: LogLevel
  readonly fields: object | string
  readonly message: string | undefined
}

/** What a worker answers to `open`. */
export interface OpenedRow {
  end: Offset
  logStart: Offset
  /** From the directory's checkpoint. */
  highWatermark: Offset
}

/** What a worker answers to `close`: what the directory's checkpoints should say of its logs, by folder name.
 *  */
export interface ClosedLogs {
  recoveryPoints: [folder: string, offset: Offset][]
  logStarts: [folder: string, offset: Offset][]
}

/** Gathered while a worker works, sent as one object. */
export interface News {
  rows: RowNews[]
  /** Rows whose offsets changed outside an append, each with its durable end. */
  moved: { row: number, durableEnd: Offset }[]
  lines: Line[]
}

/** Objects on their way from one thread to another, in order. */
export interface Channel<In, Out> {
  send (object: Out): void
  /** The oldest one that waits; undefined when there is none. */
  receive (): In | undefined
}
