// For tests of the data path's handlers: a log that does what the test says, one topic, a context around
// them.
import { realClock } from '../base/clock-real.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { silentLogger } from '../base/logger.ts'
import { type TopicInfo } from '../catalog/catalog.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { type AppendResult } from '../log/types.ts'
import { type HostedPartition } from '../replication/partitions.ts'
import { type AppendWaiter, type ReadResult } from '../threads/log-client.ts'
import { PartitionTable, roles } from '../threads/partition-table.ts'
import { type Piece } from '../threads/pieces.ts'
import { createWaitingRoom } from '../waiting/room.ts'
import { type RequestContext } from './context.ts'
import { FetchSessions } from './fetch/sessions.ts'

export const topicId = '00000000-0000-4000-8000-000000000001'
export const batchBytes = 100

interface Append { row: number, records: Buffer, waiter: AppendWaiter, token: number }

/** Rows 0 and 1 are the partitions of topic "t". Every offset is a batch of 100 bytes of one record. */
export class FakeLog {
  readonly table = new PartitionTable(4)
  readonly appends: Append[] = []
  /** Appends that find room before the ring is full. */
  room = Infinity
  readonly roomWaiters: (() => void)[] = []
  readonly reads: number[] = []
  /** Reads of these rows come as promises. */
  slowRows = new Set<number>()
  leased = 0
  epochEnds = new Map<number, { leaderEpoch: number, endOffset: number }>()

  constructor () {
    for (const row of [0, 1]) this.table.setRole(row, roles.leader, 3)
  }

  /** Extends the log; readers see it only with `highWatermark`. */
  extend (row: number, end: number, highWatermark = end): void {
    this.table.writeLog(row, {
      logStart: 0,
      end,
      durableEnd: end,
      firstUnstable: end,
      firstUndecided: end,
      lastMarker: -1,
      lastAborted: -1,
      sizeBytes: end * batchBytes,
      recoveryPoint: 0
    })
    this.table.setHighWatermark(row, highWatermark)
  }

  append (row: number, records: Buffer, _origin: unknown, waiter: AppendWaiter, token: number): boolean {
    if (this.room <= 0) return false
    this.room--
    this.appends.push({ row, records, waiter, token })
    return true
  }

  whenRoom (_row: number, room: () => void): void {
    this.roomWaiters.push(room)
  }

  makeRoom (count: number): void {
    this.room = count
    for (const waiter of this.roomWaiters.splice(0)) waiter()
  }

  /** Answers the oldest append. */
  answer (result: Partial<AppendResult> = {}): void {
    const { waiter, token } = this.appends.shift()!
    waiter.appended(token, {
      errorCode: 0,
      baseOffset: 0,
      lastOffset: 0,
      logAppendTimeMs: -1,
      logStartOffset: 0,
      duplicate: false,
      errorMessage: null,
      recordErrors: [],
      ...result
    })
  }

  read (
    row: number, offset: number, _limit: string, maxBytes: number, minOne: boolean
  ): ReadResult | Promise<ReadResult> {
    this.reads.push(row)
    const result = this.#read(row, offset, maxBytes, minOne)
    return this.slowRows.has(row) ? Promise.resolve(result) : result
  }

  #read (row: number, offset: number, maxBytes: number, minOne: boolean): ReadResult {
    const end = this.table.highWatermark(row)
    const there = end - offset
    const count = Math.max(Math.min(there, Math.floor(maxBytes / batchBytes)), minOne && there > 0 ? 1 : 0)
    const pieces: Piece[] = []
    if (count > 0) {
      this.leased++
      pieces.push({ kind: 'arena', bytes: Buffer.alloc(count * batchBytes), release: () => { this.leased-- } })
    }
    return {
      errorCode: offset < 0 || offset > this.table.end(row) ? 1 : 0,
      records: { bytes: Math.max(0, count) * batchBytes, pieces },
      highWatermark: end,
      lastStableOffset: end,
      logStartOffset: 0,
      aborted: []
    }
  }

  async endOffsetForEpoch (_row: number, epoch: number): Promise<{ leaderEpoch: number, endOffset: number }> {
    return this.epochEnds.get(epoch) ?? { leaderEpoch: -1, endOffset: -1 }
  }
}

export function fakeDoors (version: number, overrides: Record<string, string> = {}) {
  const log = new FakeLog()
  const config = loadBrokerConfig({ overrides })
  const waiting = createWaitingRoom(realClock)
  const partitionInfo = (index: number) => ({ index, leader: 1, leaderEpoch: 3, replicas: [1], isr: [1] })
  const topic: TopicInfo = {
    name: 't', id: topicId, internal: false, partitions: [partitionInfo(0), partitionInfo(1)], config: new Map()
  }
  const hosted: HostedPartition[] = [0, 1].map(index => {
    return { topic: 't', topicId, index, row: index, errorCode: 0, leader: true, leaderEpoch: 3 }
  })
  const partitions = {
    find: (name: string, index: number) => name === 't' ? hosted[index] : undefined,
    ofTopic: (name: string) => name === 't' ? hosted : [],
    findById: (id: string, index: number) => id === topicId ? hosted[index] : undefined,
    topic: (name: string) => name === 't' ? topic : undefined,
    topicById: (id: string) => id === topicId ? topic : undefined
  }
  let held = 0
  const gone: (() => void)[] = []
  const context = {
    version,
    clientId: 'test',
    brokerId: 1,
    config,
    clock: realClock,
    logger: silentLogger,
    log,
    partitions,
    waiting,
    fetchSessions: new FetchSessions(realClock, new SeededRandom(1), () => 2),
    gone: false,
    nowMs: 0,
    authorize: () => true,
    onGone: (listener: () => void) => { gone.push(listener) },
    hold: () => { held++; return () => { held-- } }
  } as unknown as RequestContext & { gone: boolean }
  return {
    log,
    context,
    topic,
    hosted,
    waiting,
    get held () { return held },
    leave () { context.gone = true; for (const listener of gone) listener() }
  }
}
