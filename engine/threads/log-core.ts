// What a log worker does: drain() takes what its ring holds, stages, writes once per partition and round, and
// answers. A plain function of its ring, its logs and the time: the worker's loop calls it, and so does the
// inline filling on the caller's thread.
import { DiskError, isOutOfFiles } from '../base/disk.ts'
import { takesLong } from '../log/checked.ts'
import { type PartitionLog } from '../log/partition-log.types.ts'
import { type CheckedRecords } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  appended, appendKind, type Channel, command, commandDouble, commandWord, type FromWorker, reply,
  replyDouble, replyWord, type ToWorker
} from './commands.ts'
import { type LogState, type PartitionTable } from './partition-table.ts'
import { Gathered } from './news.ts'
import { type RingReader, type RingWriter } from './ring.ts'
import { Round } from './round.ts'
import { WaitingRows } from './waiting-rows.ts'

/** What may be staged before it is written: keeps a round short and partitions in turn. */
const rowBytesMax = 1_048_576
const roundBytesMax = 8_388_608
/** Staged, it is enough to go on with for a main thread that has taken all answers: it and the clients work
 *  while the rest is checked and written. */
const lotBytes = 81_920
/** Records a round may need besides an answer and a wish for fsync per append: news, a call's answer, a
 *  failure. */
const spareReplies = 8

/** An open log and what the core needs to know about it. */
export interface CoreRow {
  readonly log: PartitionLog
  /** Everything below is known to be on the device. */
  readonly recoveryPoint: number
  /** The same for the checkpoint. */
  readonly recoveryMark: number
  leads: boolean
  /** Acks wait for fsync: each round asks a disk thread for one. */
  readonly syncs: boolean
  readonly activeBase: number
  /** The sealed segment that starts there is on the device. */
  sealedSynced (base: number): void
}

/** Carries out calls: opening, leading, truncating ... everything that is not an append. */
export interface Calls {
  /** Throws DiskError when the directory fails; CallRefused for an error code of its own. */
  run (message: ToWorker, nowMs: number): unknown
  /** Retention, flush intervals, expiry of every row; rows whose offsets changed are news. */
  tick (nowMs: number): void
}

export class CallRefused extends Error {
  readonly errorCode: number
  constructor (errorCode: number, message: string) {
    super(message)
    this.errorCode = errorCode
  }
}

export interface CoreParts {
  commands: RingReader
  replies: RingWriter
  channel: Channel<ToWorker, FromWorker>
  table: PartitionTable
  arenaBytes: Buffer
  /** Replies were published: wakes main when it sleeps. */
  alert (): void
  /** Main, on a thread of its own, has taken all answers. */
  waitsForAnswers (): boolean
}

export class LogCore {
  readonly rows: (CoreRow | undefined)[] = []
  readonly parts: CoreParts
  readonly #round: Round
  readonly #waiting = new WaitingRows()
  readonly #state: LogState = {
    logStart: 0,
    end: 0,
    durableEnd: 0,
    firstUnstable: 0,
    firstUndecided: 0,
    lastMarker: -1,
    lastAborted: -1,
    sizeBytes: 0,
    recoveryPoint: 0
  }

  readonly news = new Gathered()
  #calls: Calls | null = null
  /** The directory has failed: nothing is read from or written to it any more. */
  failure: DiskError | null = null
  closed = false

  constructor (parts: CoreParts) {
    this.parts = parts
    this.#round = new Round(parts.table.rows)
  }

  serve (calls: Calls): void {
    this.#calls = calls
  }

  idle (): boolean {
    return !this.parts.commands.filled() && !this.#waiting.anyReady
  }

  /** Works until the ring is empty, or the replies' ring is too full to answer. Returns whether anything was
   *  done. */
  drain (nowMs: number): boolean {
    let worked = false
    while (!this.closed && this.#takeRound(nowMs)) worked = true
    return worked
  }

  #takeRound (nowMs: number): boolean {
    const { commands, replies } = this.parts
    const round = this.#round
    let taken = this.#waiting.empty ? 0 : this.#takeWaiting(nowMs)
    while (commands.filled()) {
      const wanted = 2 * round.count + spareReplies
      if (replies.room(wanted) < wanted) break
      const at = commands.next()
      const what = commands.words[at + commandWord.command]
      if (what === command.append || what === command.appendAsFollower) {
        const { words } = commands
        if (this.#waiting.holds(words[at + commandWord.row])) this.#waiting.add(words, at)
        else if (!this.#takeAppend(words, at, nowMs, null)) break
      } else {
        // Everything else sees a log without staged batches.
        if (round.count > 0) break
        this.#takeOther(at, what, nowMs)
      }
      commands.advance()
      taken++
    }
    if (taken === 0) return false
    commands.commit()
    if (round.count > 0) this.#finishRound(nowMs)
    this.parts.alert()
    return true
  }

  /** What waited for a disk thread and need not any more, before anything newer. Returns how much it was. */
  #takeWaiting (nowMs: number): number {
    const waiting = this.#waiting
    const round = this.#round
    let taken = 0
    for (let first = waiting.next(); first !== null; first = waiting.next(), taken++) {
      const wanted = 2 * round.count + spareReplies
      if (this.parts.replies.room(wanted) < wanted) return taken
      if (first.call === null) {
        if (!this.#takeAppend(first.words, 0, nowMs, first.checked)) return taken
        waiting.done()
      } else {
        if (round.count > 0) return taken
        waiting.done()
        this.#runCall(first.call, nowMs)
      }
    }
    const last = round.count > 0 ? undefined : waiting.takeLast()
    if (last === undefined) return taken
    this.#runCall(last, nowMs)
    return taken + 1
  }

  /** False: the round is full, this one begins the next. */
  #takeAppend (words: Int32Array, at: number, nowMs: number, checked: CheckedRecords | null): boolean {
    const round = this.#round
    const what = words[at + commandWord.command]
    const row = words[at + commandWord.row]
    const length = words[at + commandWord.length]
    const open = this.rows[row]
    if (round.count > 0) {
      if (round.bytes + length > roundBytesMax) return false
      if (round.bytes >= lotBytes && this.parts.waitsForAnswers()) return false
      const staged = open?.log.stagedBytes ?? 0
      if (staged > 0 && staged + length > rowBytesMax) return false
    }
    const address = words[at + commandWord.address] >>> 0
    const records = this.parts.arenaBytes.subarray(address, address + length)
    const kind = words[at + commandWord.kind] === appendKind.client ? 'client' : 'coordinator'
    const refused = this.#refusal(open, what, words[at + commandWord.leaderEpoch])
    const checks = what === command.append && checked === null && refused === errorCodes.NONE
    if (checks && takesLong(records, open!.log.config)) {
      this.#waiting.ask(words, at)
      const slot = words[at + commandWord.slot]
      this.send({ kind: 'check', row, slot, origin: kind, config: open!.log.config, nowMs })
      return true
    }
    const entry = round.add(row, words[at + commandWord.slot], address, records)
    if (open === undefined || refused !== errorCodes.NONE) {
      round.error[entry] = refused
      round.flags[entry] = appended.unseen
      return true
    }
    const result = what === command.append
      ? open.log.stageAsLeader(records, kind, nowMs, checked)
      : open.log.stageAsFollower(records, nowMs)
    round.answered(entry, result)
    if (result.errorCode !== errorCodes.NONE) {
      if (result.logStartOffset < 0) round.flags[entry] = appended.unseen
      return true
    }
    if (result.duplicate) round.flags[entry] = appended.duplicate
    else round.staged(entry)
    return true
  }

  #refusal (open: CoreRow | undefined, what: number, askedEpoch: number): number {
    if (this.failure !== null) return errorCodes.KAFKA_STORAGE_ERROR
    if (open === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (what !== command.append) return errorCodes.NONE
    if (!open.leads) return errorCodes.NOT_LEADER_OR_FOLLOWER
    const { leaderEpoch } = open.log
    if (askedEpoch < 0 || askedEpoch === leaderEpoch) return errorCodes.NONE
    return askedEpoch < leaderEpoch ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
  }

  #finishRound (nowMs: number): void {
    const round = this.#round
    for (let index = 0; index < round.rowCount; index++) this.#writeRow(round.rows[index], nowMs)
    this.tellNews()
    for (let entry = 0; entry < round.count; entry++) this.#answer(entry)
    for (let index = 0; index < round.rowCount; index++) {
      const row = round.rows[index]
      const open = this.rows[row]!
      if (open.syncs && this.failure === null) this.#askForSync(row, open)
    }
    round.clear()
  }

  #writeRow (row: number, nowMs: number): void {
    const open = this.rows[row]!
    if (this.failure !== null) {
      this.#round.failed(row, errorCodes.KAFKA_STORAGE_ERROR)
      return
    }
    try {
      this.#round.place(row, open.log.write(nowMs), this.parts.arenaBytes)
    } catch (error) {
      // Too many open files is no fault of the disk: only this partition cannot go on.
      if (!isOutOfFiles(error)) this.diskFailed(error)
      this.#round.failed(row, errorCodes.KAFKA_STORAGE_ERROR)
      if (this.failure === null) this.publishState(row)
      return
    }
    this.publishState(row)
  }

  #answer (entry: number): void {
    const { replies, channel } = this.parts
    const { words, doubles } = replies
    const round = this.#round
    const at = replies.next()
    const half = at >> 1
    const detail = round.details.get(entry)
    if (detail !== undefined) channel.send({ kind: 'detail', ...detail })
    words[at + replyWord.reply] = reply.appended
    words[at + replyWord.slot] = round.slot[entry]
    words[at + replyWord.error] = round.error[entry]
    words[at + replyWord.flags] = round.flags[entry] | (detail === undefined ? 0 : appended.detailed)
    doubles[half + replyDouble.baseOffset] = round.baseOffset[entry]
    doubles[half + replyDouble.lastOffset] = round.lastOffset[entry]
    doubles[half + replyDouble.appendTimeMs] = round.appendTimeMs[entry]
    doubles[half + replyDouble.segmentBase] = round.segmentBase[entry]
    doubles[half + replyDouble.position] = round.position[entry]
    doubles[half + replyDouble.durableEnd] = this.parts.table.durableEnd(round.row[entry])
    replies.publish()
  }

  #askForSync (row: number, open: CoreRow): void {
    const { replies } = this.parts
    const at = replies.next()
    replies.words[at + replyWord.reply] = reply.sync
    replies.words[at + replyWord.row] = row
    replies.doubles[(at >> 1) + replyDouble.segmentBase] = open.activeBase
    replies.doubles[(at >> 1) + replyDouble.durableEnd] = open.log.end
    replies.publish()
  }

  #takeOther (at: number, what: number, nowMs: number): void {
    const { words, doubles } = this.parts.commands
    if (what === command.object) this.#takeCall(nowMs)
    else if (what === command.tick) this.#tick(doubles[(at >> 1) + commandDouble.nowMs])
    else this.#synced(what, words[at + commandWord.row], doubles[(at >> 1) + commandDouble.offset])
  }

  #synced (what: number, row: number, offset: number): void {
    const open = this.rows[row]
    if (open === undefined || this.failure !== null) return
    if (what === command.sealedSynced) open.sealedSynced(offset)
    else open.log.flushed(Math.min(offset, open.log.end))
    this.moved(row)
  }

  #tick (nowMs: number): void {
    if (this.failure === null) {
      try {
        this.#calls!.tick(nowMs)
      } catch (error) {
        if (!isOutOfFiles(error)) this.diskFailed(error)
      }
    }
    this.tellNews()
    this.#ticked()
  }

  #ticked (): void {
    const { replies } = this.parts
    replies.words[replies.next() + replyWord.reply] = reply.ticked
    replies.publish()
  }

  #takeCall (nowMs: number): void {
    const message = this.parts.channel.receive()!
    const { call } = message
    if (call.kind === 'checked') this.#waiting.answered(call.row, call.checked)
    else if (!this.#waiting.addCall(message)) this.#runCall(message, nowMs)
  }

  #runCall (message: ToWorker, nowMs: number): void {
    try {
      const value = this.#calls!.run(message, nowMs)
      this.tellNews()
      this.send({ kind: 'done', id: message.id, value })
    } catch (error) {
      if (error instanceof CallRefused) {
        this.send({ kind: 'refused', id: message.id, errorCode: error.errorCode, message: error.message })
        return
      }
      if (!isOutOfFiles(error)) this.diskFailed(error)
      const { message: text } = error as DiskError
      this.send({ kind: 'refused', id: message.id, errorCode: errorCodes.KAFKA_STORAGE_ERROR, message: text })
    }
  }

  tellNews (): void {
    if (this.news.empty) return
    this.send({ kind: 'news', news: this.news.take() })
  }

  /** The row's offsets changed outside an append. */
  moved (row: number): void {
    const { replies } = this.parts
    this.publishState(row)
    const at = replies.next()
    replies.words[at + replyWord.reply] = reply.moved
    replies.words[at + replyWord.row] = row
    replies.doubles[(at >> 1) + replyDouble.durableEnd] = this.parts.table.durableEnd(row)
    replies.publish()
  }

  publishState (row: number): void {
    const open = this.rows[row]!
    const state = this.#state
    state.logStart = open.log.start
    state.end = open.log.end
    state.durableEnd = open.log.durableEnd
    open.log.replicated(this.parts.table.highWatermark(row))
    state.firstUnstable = open.log.firstUnstable
    state.firstUndecided = open.log.firstUndecided
    state.lastMarker = open.log.lastMarker
    state.lastAborted = open.log.lastAborted
    state.sizeBytes = open.log.bytes
    state.recoveryPoint = open.recoveryMark
    this.parts.table.writeLog(row, state)
  }

  send (object: FromWorker): void {
    const { replies, channel } = this.parts
    channel.send(object)
    replies.words[replies.next() + replyWord.reply] = reply.object
    replies.publish()
    this.parts.alert()
  }

  /** An I/O error takes the directory offline; anything else is our bug and ends the worker. */
  diskFailed (error: unknown): void {
    if (!(error instanceof DiskError)) throw error
    if (this.failure !== null) return
    this.failure = error
    this.send({ kind: 'disk-failed', code: error.code, message: error.message })
  }
}
