// The logs of one worker: opens and recovers them, carries out calls, and looks after them at every tick.
import { assert } from '../base/assert.ts'
import { type Clock } from '../base/clock.ts'
import { type Disk, DiskError } from '../base/disk.ts'
import { type Random } from '../base/random.ts'
import { encodePartitionMetadata } from '../log/checkpoints.ts'
import { promoteFuture } from '../log/future-folder.ts'
import { checkpointKey, folderOf, type FoundPartition, setAside } from '../log/log-directory.ts'
import { fileNames } from '../log/names.ts'
import { type Log } from '../log/partition-log.ts'
import { openLog } from '../log/recovery.ts'
import { type LogConfig, type LogIdentity, type Offset } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type ClosedLogs, type LogCall, type OpenedRow, type ToWorker } from './commands.ts'
import { flushPlan } from './flush-plan.ts'
import { FutureLogs } from './future-logs.ts'
import { CallRefused, type Calls, type CoreRow, type LogCore } from './log-core.ts'
import { RowListener } from './news.ts'
import { runCompaction } from './worker-compaction.ts'

export interface WorkerLogsOptions {
  directory: string
  disk: Disk
  clock: Clock
  random: Random
  /** For logs whose own settings are not known yet. */
  defaults: LogConfig
  /** log.retention.check.interval.ms */
  retentionCheckMs: number
  /** From the first tick to the first check. */
  retentionDelayMs: number
}

/** Logs whose index files are brought up to date in one tick: files lack what a start can make again. */
const indexedLogsMax = 64

/**
 * Segments that retention takes out of logs in one tick: each costs its renames (0.3 ms on a busy file
 * system), and producers wait meanwhile. The rest follows with the next ticks, with each of them one more: a
 * sweep has to end also where segments are small and many.
 */
const segmentsDeletedFirst = 8
const segmentsDeletedMax = 32

/** How often recovery says how far it is. */
const progressMs = 2000

interface Held {
  log: Log
  listener: RowListener
  highWatermark: Offset
}

class OpenRow implements CoreRow {
  readonly log: Log
  readonly key: string
  leads = false
  /** That the catalog told; -1 before it did. */
  epoch = -1

  constructor (log: Log, key: string) {
    this.log = log
    this.key = key
  }

  get recoveryPoint (): Offset { return this.log.recoveryPoint }
  get syncs (): boolean { return this.log.config.durability === 'group-commit' }
  get activeBase (): Offset { return this.log.active.baseOffset }

  get recoveryMark (): Offset {
    return this.log.background.mark(this.log)
  }

  sealedSynced (base: Offset): void {
    if (this.log.background.done(this.log, base)) return
    const { files } = this.log
    const sealed = files.unflushed.find(segment => segment.baseOffset === base)
    if (sealed === undefined) return
    files.dropUnflushed(base)
    this.log.flushed(sealed.end)
  }
}

export class WorkerLogs implements Calls {
  readonly #core: LogCore
  readonly #options: WorkerLogsOptions
  /** By folder name: what is open, whether or not it has a row. */
  readonly #held = new Map<string, Held>()
  readonly #rows: (OpenRow | undefined)[]
  readonly #futures: FutureLogs
  /** When retention was last looked at; NaN before the first tick. */
  #retainedMs = NaN
  /** Rows that have segments below their log's start. */
  readonly #deleting = new Set<number>()
  /** In the next tick. */
  #deletedMax = segmentsDeletedFirst
  /** The first row that retention has not looked at since. */
  #retainFrom = Infinity
  /** The first row whose index files are written at the next tick. */
  #indexTurn = 0
  /** By row: bytes that no flush has reached. */
  #waiting = new Float64Array(0)

  constructor (core: LogCore, options: WorkerLogsOptions) {
    this.#core = core
    this.#options = options
    this.#rows = core.rows as (OpenRow | undefined)[]
    this.#futures = new FutureLogs(core, options)
  }

  run ({ call }: ToWorker, nowMs: number): unknown {
    if (call.kind === 'close') return this.#close(call.clean)
    if (call.kind === 'offline') return this.#offline(call.reason)
    const { failure } = this.#core
    if (failure !== null) throw new CallRefused(errorCodes.KAFKA_STORAGE_ERROR, failure.message)
    switch (call.kind) {
      case 'start': return this.#start(call.partitions, call.configs, call.clean, nowMs)
      case 'open': return this.#open(call.row, call.identity, call.config, nowMs)
      case 'remove': return this.#remove(call.row)
      case 'discard': return this.#discard(call.identity)
      case 'future-open':
      case 'future-append':
      case 'future-finish':
      case 'future-drop': return this.#futures.run(call, nowMs)
      case 'depart': return this.#remove(call.row)
      case 'return':
        this.#options.disk.rename(call.aside, folderOf(this.#options.directory, call.identity))
        this.#options.disk.fsyncDirectory(this.#options.directory)
        return this.#open(call.row, call.identity, call.config, nowMs)
      case 'arrive': return this.#arrive(call.row, call.identity, call.config, call.start, nowMs)
      case 'compaction-find':
      case 'compaction-swap':
      case 'compaction-end': return runCompaction(this.#core, this.#rows, call, nowMs)
      case 'break': throw new Error('the worker was told to break')
      default: return this.#runOnRow(call)
    }
  }

  #offline (reason: string): void {
    this.#core.diskFailed(new DiskError('EIO', 'use', this.#options.directory, reason))
  }

  #runOnRow (call: LogCall & { row: number }): unknown {
    const row = this.#rows[call.row]
    if (row === undefined) throw new CallRefused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'the log is not open')
    switch (call.kind) {
      case 'lead': return this.#lead(call.row, row, call.epoch)
      case 'follow':
        row.leads = false
        row.epoch = call.epoch
        row.log.leaderEpoch = call.epoch
        return null
      case 'configure': return this.#configure(call.row, row.log, call.config)
      case 'epoch-end': return row.log.endOffsetForEpoch(call.epoch)
      case 'settle': return { start: row.log.start, end: row.log.end }
      case 'delete-records': return this.#deleteRecords(call.row, row.log, call.offset)
      case 'truncate':
        row.log.truncateTo(call.offset)
        this.#core.publishState(call.row)
        return row.log.end
      default: throw new Error(`no such call: ${call.kind}`)
    }
  }

  /** Segments that are wholly below go at once; the batch that holds `offset` stays, and so does what is only
   *  old: retention has its own hour. Returns the log's start. */
  #deleteRecords (row: number, log: Log, offset: Offset): Offset {
    if (offset > log.end) throw new CallRefused(errorCodes.OFFSET_OUT_OF_RANGE, `the log ends at ${log.end}`)
    log.advanceStart(offset)
    const highWatermark = this.#core.parts.table.highWatermark(row)
    const more = log.retain(this.#options.clock.nowMs(), highWatermark, true, segmentsDeletedFirst)
    if (more) this.#deleting.add(row)
    this.#moved(row, log)
    return log.start
  }

  #moved (row: number, log: Log): void {
    this.#core.publishState(row)
    this.#core.news.moved(row, log.durableEnd)
  }

  #start (partitions: FoundPartition[], configs: LogConfig[], clean: boolean, nowMs: number): null {
    const { clock } = this.#options
    let toldMs = clock.monotonicMs()
    partitions.forEach((found, index) => {
      const { recoveryPoint, logStart, folder } = found
      const known = { clean: clean && !found.foreign, recoveryPoint, logStart }
      const held = this.#openLog(found, folder, configs[index], nowMs, known)
      held.highWatermark = found.highWatermark
      held.log.replicated(found.highWatermark)
      if (clock.monotonicMs() - toldMs < progressMs) return
      toldMs = clock.monotonicMs()
      this.#core.send({ kind: 'progress', recovered: index + 1, found: partitions.length })
    })
    return null
  }

  #openLog (
    identity: LogIdentity, folder: string, config: LogConfig, nowMs: number,
    known: { clean: boolean, recoveryPoint: Offset, logStart: Offset }
  ): Held {
    const { disk, random } = this.#options
    const { logger } = this.#core.news
    const listener = new RowListener(this.#core.news, row => this.#core.publishState(row))
    const { topic, topicId, partition } = identity
    const log = openLog({
      disk, random, logger, listener, folder, config, nowMs, identity: { topic, topicId, partition }, ...known
    })
    const held = { log, listener, highWatermark: 0 }
    this.#held.set(checkpointKey(identity), held)
    return held
  }

  #arrive (row: number, identity: LogIdentity, config: LogConfig, start: Offset, nowMs: number): OpenedRow {
    const { disk, directory } = this.#options
    const folder = this.#futures.take(checkpointKey(identity))
    assert(folder !== null, 'what arrives was copied here')
    promoteFuture(disk, directory, folder, identity)
    return this.#open(row, identity, config, nowMs, start)
  }

  #open (
    row: number, identity: LogIdentity, config: LogConfig, nowMs: number, logStart: Offset = 0
  ): OpenedRow {
    const key = checkpointKey(identity)
    let held = this.#held.get(key)
    if (held === undefined) {
      const folder = folderOf(this.#options.directory, identity)
      held = this.#openLog(identity, folder, config, nowMs, { clean: true, recoveryPoint: 0, logStart })
    }
    const { log, listener } = held
    const known = log.parts.identity.topicId
    if (known !== identity.topicId && known !== zeroUuid) {
      throw new CallRefused(errorCodes.INCONSISTENT_TOPIC_ID, `${key} belongs to the topic with id ${known}`)
    }
    if (known !== identity.topicId) {
      // It came without: from now on the folder says whose it is.
      const path = `${log.parts.folder}/${fileNames.partitionMetadata}`
      this.#options.disk.replaceFile(path, encodePartitionMetadata(identity.topicId))
    }
    log.configure(config)
    this.#rows[row] = new OpenRow(log, key)
    this.#core.publishState(row)
    listener.attach(row)
    return { end: log.end, logStart: log.start, highWatermark: Math.min(held.highWatermark, log.end) }
  }

  /** Returns the durable end as of now: later appends may be written, but main has not heard of them. */
  /** Another durability is another durable end: what waits for it must hear. */
  #configure (row: number, log: Log, config: LogConfig): null {
    log.configure(config)
    this.#core.publishState(row)
    this.#core.news.moved(row, log.durableEnd)
    return null
  }

  #lead (row: number, open: OpenRow, epoch: number): Offset {
    const { log } = open
    if (epoch < open.epoch) {
      throw new CallRefused(errorCodes.FENCED_LEADER_EPOCH, `the log is at leader epoch ${open.epoch}`)
    }
    open.epoch = epoch
    if (epoch < log.leaderEpoch) {
      // As Kafka: the catalog is right. One bit of a batch's header, which no checksum covers, is enough.
      this.#core.news.logger.warn({ folder: log.parts.folder, found: log.leaderEpoch, epoch },
        'the log speaks of a later leader epoch than the catalog knows: it is led from here on all the same')
      log.leaderEpoch = -1
    }
    log.becomeLeader(epoch)
    open.leads = true
    this.#core.publishState(row)
    return open.log.durableEnd
  }

  /** Returns the folder's new path, to be removed when its readers are done. */
  #remove (row: number): string | null {
    const open = this.#rows[row]
    if (open === undefined) return null
    this.#rows[row] = undefined
    return this.#letGo(open.key, 'delete')
  }

  #discard (identity: LogIdentity): string | null {
    return this.#letGo(checkpointKey(identity), 'stray')
  }

  #letGo (key: string, mark: 'delete' | 'stray'): string | null {
    const held = this.#held.get(key)
    if (held === undefined) return null
    this.#held.delete(key)
    held.log.close(false)
    const { disk, directory, random } = this.#options
    return setAside(disk, directory, held.log.parts.identity, random, mark)
  }

  tick (nowMs: number): void {
    const { table } = this.#core.parts
    this.#retain(nowMs)
    let indexed = 0
    let turn = 0
    for (let row = 0; row < this.#rows.length; row++) {
      const open = this.#rows[row]
      if (open === undefined) continue
      const { log } = open
      const indexes = row >= this.#indexTurn && indexed < indexedLogsMax
      if (log.tick(nowMs, indexes) && ++indexed === indexedLogsMax) turn = row + 1
      if (log.lastMarker >= 0) log.replicated(table.highWatermark(row))
      const changed = log.start !== table.logStart(row) || log.durableEnd !== table.durableEnd(row) ||
        log.firstUnstable !== table.firstUnstable(row)
      if (!changed && open.recoveryMark === table.recoveryPoint(row)) continue
      this.#core.publishState(row)
      if (changed) this.#core.news.moved(row, log.durableEnd)
    }
    this.#indexTurn = turn
    this.#flushSome()
  }

  #retain (nowMs: number): void {
    const done = this.#retainSome(nowMs, this.#deletedMax)
    this.#deletedMax = done ? segmentsDeletedFirst : Math.min(this.#deletedMax + 1, segmentsDeletedMax)
  }

  /** Every row when its hour has come, from where the last tick had to stop. False: there is more. */
  #retainSome (nowMs: number, segmentsMax: number): boolean {
    const { retentionCheckMs, retentionDelayMs } = this.#options
    if (Number.isNaN(this.#retainedMs)) this.#retainedMs = nowMs - retentionCheckMs + retentionDelayMs
    if (nowMs - this.#retainedMs >= retentionCheckMs) {
      this.#retainedMs = nowMs
      this.#retainFrom = 0
    }
    let left = segmentsMax
    for (const row of this.#deleting) {
      left = this.#retainRow(row, nowMs, true, left)
      if (left <= 0) return false
      this.#deleting.delete(row)
    }
    for (; this.#retainFrom < this.#rows.length; this.#retainFrom++) {
      left = this.#retainRow(this.#retainFrom, nowMs, false, left)
      if (left <= 0) return false
    }
    return true
  }

  /** Returns how many segments may still go in this tick; with 0 the row may have more. */
  #retainRow (row: number, nowMs: number, startOnly: boolean, left: number): number {
    const log = this.#rows[row]?.log
    if (log === undefined) return left
    const before = log.segments.length
    log.retain(nowMs, this.#core.parts.table.highWatermark(row), startOnly, left)
    if (log.segments.length === before) return left
    this.#moved(row, log)
    return left - Math.max(0, before - log.segments.length)
  }

  #flushSome (): void {
    if (this.#waiting.length < this.#rows.length) this.#waiting = new Float64Array(2 * this.#rows.length)
    this.#waiting.fill(0)
    for (let row = 0; row < this.#rows.length; row++) {
      const log = this.#rows[row]?.log
      if (log !== undefined) this.#waiting[row] = log.background.waitingBytes(log)
    }
    for (const row of flushPlan(this.#waiting)) {
      const { log } = this.#rows[row]!
      const flush = log.background.begin(log)
      if (flush !== null) this.#core.news.of(row).flush = flush
    }
  }

  #close (clean: boolean): ClosedLogs {
    this.#core.closed = true
    this.#futures.close()
    const closed: ClosedLogs = { recoveryPoints: [], logStarts: [] }
    for (const [key, { log }] of this.#held) {
      log.close(clean && this.#core.failure === null)
      closed.recoveryPoints.push([key, log.background.mark(log)])
      const first = log.segments[0]
      if (first !== undefined && log.start > first.baseOffset) closed.logStarts.push([key, log.start])
    }
    return closed
  }
}
