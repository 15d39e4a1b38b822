// What both fillings of the log client are made from.
import { type FolderLock } from '../base/folder-lock.ts'
import { type Clock } from '../base/clock.ts'
import { type Disk } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { type LogConfig } from '../log/types.ts'
import type { LogThreads } from './log-threads.ts'

/** Kafka's log.cleaner settings, asked for again and again: they may change. */
export interface CleanerSettings {
  enabled: boolean
  /** Logs that are compacted at a time. */
  threads: number
  backoffMs: number
  /** log.cleaner.dedupe.buffer.size, of all threads together. */
  mapBytes: number
  loadFactor: number
  bufferBytes: number
  bytesPerSecond: number
}

export interface LogOptions {
  /** log.dirs: whole paths. */
  directories: readonly string[]
  brokerId: number
  clusterId: string
  /** The inline filling's, and main's for the directories' own small files. Workers use the real disk. */
  disk: Disk
  clock: Clock
  random: Random
  logger: Logger
  /** millrace.memory.bytes: the arena's budget. */
  memoryBytes: number
  /** Settings of logs whose topic nobody knows. */
  defaults: LogConfig
  /** Asked once, when the directories are about to be recovered, for the settings of found logs by topic. */
  settingsAtStart?: () => (topic: string) => LogConfig
  /** Locks each directory before it is opened. Absent: the caller has done so, or nobody else can reach them.
   *  */
  lock?: (directory: string) => Promise<FolderLock>
  /** Log workers in all (millrace.log.workers); at least one per directory. Not of the inline filling. */
  workers?: number
  /** Started already; the log closes them. */
  threads?: LogThreads
  /** cordoned.log.dirs: they get no new partitions; '*' means all. */
  cordoned?: () => readonly string[]
  /** replica.alter.log.dirs.io.max.bytes.per.second, of all moves together. */
  moveBytesPerSecond?: () => number
  /** Absent: nothing is compacted. */
  cleaner?: () => CleanerSettings
  /** log.retention.check.interval.ms */
  retentionCheckMs?: number
  /** log.initial.task.delay.ms: who starts a broker over old records has a moment before they are taken. */
  retentionDelayMs?: number
  /** log.flush.offset.checkpoint.interval.ms */
  recoveryPointMs?: number
  /** replica.high.watermark.checkpoint.interval.ms */
  highWatermarkMs?: number
}

export const optionDefaults = {
  retentionCheckMs: 300_000, retentionDelayMs: 0, recoveryPointMs: 60_000, highWatermarkMs: 5_000
} as const
