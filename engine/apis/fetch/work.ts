// One Fetch in work: reads its partitions in order, waits in the waiting room while there is too little,
// reads again.
//
// Kafka's rules for sizes: the first batch found comes whole, however large; from then on the limits of the
// request and of each partition hold. Errors of a partition end the waiting; a topic that nobody knows does
// not.
import { errorCodes } from '../../protocol/errors.ts'
import { type RecordsPieces } from '../../protocol/wire.ts'
import { type HostedPartition } from '../../replication/partitions.ts'
import { type ReadLimit, type ReadResult, type Row } from '../../threads/log-client.ts'
import { releasePieces } from '../../threads/pieces.ts'
import { refusalOf } from '../../threads/refusal.ts'
import { type Parked, type Ticket } from '../../waiting/waiting-room.ts'
import { type RequestContext } from '../context.ts'
import { type WantedPartition } from './sessions.ts'

export interface FetchLimits {
  limit: ReadLimit
  maxWaitMs: number
  minBytes: number
  maxBytes: number
  /** A broker asks, not a client. */
  follower: boolean
}

export interface ReadPartition {
  readonly wanted: WantedPartition
  errorCode: number
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  /** null where Kafka says null: for readers of uncommitted records and for errors of the log. */
  aborted: { producerId: number, firstOffset: number }[] | null
  records: RecordsPieces | null
  divergingEpoch: { epoch: number, endOffset: number } | null
}

const nothing: { producerId: number, firstOffset: number }[] = []

export class FetchWork implements Parked {
  readonly #context: RequestContext
  readonly #limits: FetchLimits
  readonly #wanted: readonly WantedPartition[]
  /** Looked up once: a partition that goes away while we wait shows it by its own fields. */
  readonly #hosted: (HostedPartition | undefined)[]
  readonly #deadlineMs: number
  #done: ((parts: ReadPartition[] | null) => void) | null = null
  #failed: (reason: Error) => void = () => {}
  #ticket: Ticket | null = null
  // Of the round of reads that is going on, or was the last.
  #parts: ReadPartition[] = []
  #bytes = 0
  #mustAnswer = false
  // Of the last round: how far each row could be read, and how large its log was.
  #seenEnd: number[] = []
  #seenSize: number[] = []

  constructor (context: RequestContext, limits: FetchLimits, wanted: Iterable<WantedPartition>) {
    this.#context = context
    this.#limits = limits
    this.#wanted = [...wanted]
    this.#hosted = this.#wanted.map(one => find(context, one))
    this.#deadlineMs = context.clock.monotonicMs() + limits.maxWaitMs
  }

  /** At once where the answer can be made now; null when the client has gone meanwhile. */
  run (): ReadPartition[] | Promise<ReadPartition[] | null> {
    const reading = this.#read()
    if (reading === undefined && this.#enough()) return this.#parts
    return new Promise((resolve, reject) => {
      this.#done = resolve
      this.#failed = reject
      this.#context.onGone(() => this.#leave())
      if (reading === undefined) this.#park()
      else reading.then(() => this.#go(), (reason: Error) => this.#break(reason))
    })
  }

  /** Parked, and a row advanced. */
  check (): boolean {
    if (!this.#mayHaveEnough()) return false
    this.#ticket = null
    this.#again(false)
    return true
  }

  expire (): void {
    this.#ticket = null
    this.#again(true)
  }

  #again (last: boolean): void {
    this.#drop()
    const reading = this.#read()
    if (last) this.#mustAnswer = true
    if (reading === undefined) return this.#go()
    reading.then(() => {
      if (last) this.#mustAnswer = true
      this.#go()
    }, (reason: Error) => this.#break(reason))
  }

  /** A round of reads is over. */
  #go (): void {
    if (this.#context.gone) return this.#leave()
    if (this.#enough()) this.#finish(this.#parts)
    else this.#park()
  }

  #finish (parts: ReadPartition[] | null): void {
    const done = this.#done
    this.#done = null
    if (done !== null) done(parts)
    else this.#drop()
  }

  /** A read came back with no result at all: an error of ours. */
  #break (reason: Error): void {
    this.#drop()
    this.#failed(reason)
  }

  #leave (): void {
    this.#ticket?.leave()
    this.#ticket = null
    this.#drop()
    this.#finish(null)
  }

  #park (): void {
    // What was read goes back: the memory is others' while we wait.
    this.#drop()
    const rows: Row[] = []
    for (const hosted of this.#hosted) if (hosted !== undefined && hosted.row >= 0) rows.push(hosted.row)
    const waitMs = this.#deadlineMs - this.#context.clock.monotonicMs()
    this.#ticket = this.#context.waiting.park(rows, Math.max(0, waitMs), this)
  }

  #drop (): void {
    for (const part of this.#parts) if (part.records !== null) releasePieces(part.records.pieces)
    this.#parts = []
  }

  #enough (): boolean {
    return this.#mustAnswer || this.#bytes >= this.#limits.minBytes || this.#limits.maxWaitMs <= 0 ||
      this.#hosted.every(hosted => hosted === undefined)
  }

  /** Looks at the partition table alone. */
  #mayHaveEnough (): boolean {
    const { table } = this.#context.log
    let bytes = this.#bytes
    let moved = false
    for (let index = 0; index < this.#hosted.length; index++) {
      const hosted = this.#hosted[index]
      if (hosted === undefined) continue
      if (!hosted.leader || hosted.errorCode !== errorCodes.NONE) return true
      if (this.#limitOf(hosted.row) === this.#seenEnd[index]) continue
      moved = true
      bytes += table.sizeBytes(hosted.row) - this.#seenSize[index]
    }
    return moved && bytes >= this.#limits.minBytes
  }

  #limitOf (row: Row): number {
    const { table } = this.#context.log
    return this.#limits.limit === 'last-stable' ? table.lastStable(row) : table.highWatermark(row)
  }

  #read (): Promise<void> | undefined {
    this.#bytes = 0
    this.#mustAnswer = false
    return this.#readFrom(0)
  }

  #readFrom (start: number): Promise<void> | undefined {
    for (let index = start; index < this.#wanted.length && !this.#context.gone; index++) {
      const reading = this.#readOne(index)
      if (reading !== undefined) return reading.then(() => this.#readFrom(index + 1))
    }
    return undefined
  }

  #readOne (index: number): Promise<void> | undefined {
    const wanted = this.#wanted[index]
    const hosted = this.#hosted[index]
    const part = failed(wanted, errorCodes.NONE)
    this.#parts.push(part)
    if (hosted === undefined) {
      part.errorCode = unknown(this.#context, wanted)
      part.aborted = nothing
      return undefined
    }
    const { row } = hosted
    part.errorCode = this.#problemWith(wanted, hosted)
    if (part.errorCode !== errorCodes.NONE) {
      this.#mustAnswer = true
      return undefined
    }
    this.#seenEnd[index] = this.#limitOf(row)
    this.#seenSize[index] = this.#context.log.table.sizeBytes(row)
    if (wanted.lastFetchedEpoch < 0) return this.#readRecords(part, row)
    return this.#compareEpochs(part, row, hosted.leaderEpoch)
  }

  #problemWith (wanted: WantedPartition, hosted: HostedPartition): number {
    if (hosted.errorCode !== errorCodes.NONE) return hosted.errorCode
    // There are no followers yet, so whoever says to be one is unknown.
    if (!hosted.leader || this.#limits.follower) return errorCodes.NOT_LEADER_OR_FOLLOWER
    const { currentLeaderEpoch: epoch } = wanted
    if (epoch >= 0 && epoch < hosted.leaderEpoch) return errorCodes.FENCED_LEADER_EPOCH
    if (epoch > hosted.leaderEpoch) return errorCodes.UNKNOWN_LEADER_EPOCH
    const isNegative = wanted.maxBytes < 0 || this.#limits.maxBytes < 0
    return isNegative ? errorCodes.UNKNOWN_SERVER_ERROR : errorCodes.NONE
  }

  /** The client's history may have parted from ours: then it is told where, and reads nothing. */
  #compareEpochs (part: ReadPartition, row: Row, leaderEpoch: number): Promise<void> | undefined {
    const { lastFetchedEpoch } = part.wanted
    const { log } = this.#context
    // The newest epoch ends where the log does: no need to ask.
    if (lastFetchedEpoch === leaderEpoch) return this.#compare(part, row, leaderEpoch, log.table.end(row))
    return log.endOffsetForEpoch(row, lastFetchedEpoch).then(
      ({ leaderEpoch: epoch, endOffset }) => this.#compare(part, row, epoch, endOffset),
      (error: unknown) => {
        part.errorCode = refusalOf(error)
        this.#mustAnswer = true
      })
  }

  #compare (part: ReadPartition, row: Row, epoch: number, endOffset: number): Promise<void> | undefined {
    const { fetchOffset, lastFetchedEpoch } = part.wanted
    const { table } = this.#context.log
    if (epoch < 0 || endOffset < 0 || fetchOffset < table.logStart(row)) {
      part.errorCode = errorCodes.OFFSET_OUT_OF_RANGE
      this.#mustAnswer = true
      return undefined
    }
    if (epoch >= lastFetchedEpoch && endOffset >= fetchOffset) return this.#readRecords(part, row)
    part.divergingEpoch = { epoch, endOffset }
    part.highWatermark = table.highWatermark(row)
    part.lastStableOffset = table.lastStable(row)
    part.logStartOffset = table.logStart(row)
    this.#mustAnswer = true
    return undefined
  }

  #readRecords (part: ReadPartition, row: Row): Promise<void> | undefined {
    const { maxBytes, limit } = this.#limits
    const bytes = Math.min(part.wanted.maxBytes, Math.max(0, maxBytes - this.#bytes))
    const result = this.#context.log.read(row, part.wanted.fetchOffset, limit, bytes, this.#bytes === 0)
    if (result instanceof Promise) return result.then(value => this.#take(part, value))
    this.#take(part, result)
    return undefined
  }

  #take (part: ReadPartition, result: ReadResult): void {
    // The client went while this was read: its parts are given back already, this one is nobody's.
    if (this.#context.gone) return releasePieces(result.records.pieces)
    if (result.errorCode !== errorCodes.NONE) {
      part.errorCode = result.errorCode
      this.#mustAnswer = true
      releasePieces(result.records.pieces)
      return
    }
    part.highWatermark = result.highWatermark
    part.lastStableOffset = result.lastStableOffset
    part.logStartOffset = result.logStartOffset
    part.records = result.records
    part.aborted = this.#limits.limit === 'last-stable' ? [...result.aborted] : null
    this.#bytes += result.records.bytes
  }
}

function find (context: RequestContext, wanted: WantedPartition): HostedPartition | undefined {
  return context.version >= 13
    ? context.partitions.findById(wanted.topicId, wanted.partition)
    : context.partitions.find(wanted.topic, wanted.partition)
}

function unknown (context: RequestContext, { topicId }: WantedPartition): number {
  return context.version >= 13 && context.partitions.topicById(topicId) === undefined
    ? errorCodes.UNKNOWN_TOPIC_ID
    : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}

function failed (wanted: WantedPartition, errorCode: number): ReadPartition {
  return {
    wanted,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    aborted: null,
    records: null,
    divergingEpoch: null
  }
}
