// Main's end of the border with one log worker: the rings, the slots of appends in work, the calls without an
// answer.
import { assert } from '../base/assert.ts'
import { type AppendResult, type Offset } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Address } from './cells.ts'
import {
  appended, type Channel, command, commandDouble, commandWord, type FromWorker, type LogCall, reply,
  replyDouble, replyWord, type ToWorker
} from './commands.ts'
import { CallRefused } from './log-core.ts'
import { type AppendWaiter } from './log-client.ts'
import { type RingReader, ringRecords, type RingWriter } from './ring.ts'

/** Kept free for calls, ticks and completions: they must not wait behind appends for long. */
const reservedRecords = 64
const slotsMax = ringRecords - reservedRecords

export interface LinkParts {
  commands: RingWriter
  replies: RingReader
  channel: Channel<FromWorker, ToWorker>
  /** Wakes the worker when it sleeps. */
  ring (): void
}

/** Where replies go. */
export interface LinkEvents {
  /** Before the waiter is told: fills the tail index and raises the high watermark. */
  written (row: number, link: Link, slot: number, at: number): void
  moved (row: number, durableEnd: Offset): void
  logStart (row: number): Offset
  syncWanted (row: number, segmentBase: Offset, end: Offset): void
  told (link: Link, object: FromWorker): void
}

interface PendingCall {
  resolve (value: any): void
  reject (error: Error): void
}

export class Link {
  readonly directory: number
  readonly parts: LinkParts
  /** Of appends in work, by slot. */
  readonly addresses = new Float64Array(slotsMax)
  readonly lengths = new Int32Array(slotsMax)
  readonly #rows = new Int32Array(slotsMax)
  readonly #tokens = new Float64Array(slotsMax)
  readonly #waiters: (AppendWaiter | null)[] = new Array(slotsMax).fill(null)
  readonly #free = new Int32Array(slotsMax)
  #freeCount = slotsMax
  readonly #events: LinkEvents
  readonly #calls = new Map<number, PendingCall>()
  #nextCall = 1
  /** Control records that found the ring full. */
  readonly #backlog: (() => void)[] = []
  #rooms: (() => void)[] = []
  /** Filled anew for every answer. */
  readonly #result = refusedResult(errorCodes.NONE)
  #detail: { errorMessage: string | null, recordErrors: AppendResult['recordErrors'] } | null = null
  /** Monotonic time of the oldest tick without an answer; -1 when all are answered. */
  tickSentMs = -1
  ended: Error | null = null

  constructor (directory: number, parts: LinkParts, events: LinkEvents) {
    this.directory = directory
    this.parts = parts
    this.#events = events
    for (let index = 0; index < slotsMax; index++) this.#free[index] = slotsMax - 1 - index
  }

  get inWork (): number { return slotsMax - this.#freeCount }

  /** False: no room. Every append has a slot, so its answer always has room. */
  append (
    what: number, row: number, address: Address, length: number, leaderEpoch: number, kind: number,
    waiter: AppendWaiter, token: number
  ): boolean {
    const { commands } = this.parts
    if (!this.hasRoom()) return false
    const slot = this.#free[--this.#freeCount]
    this.#rows[slot] = row
    this.addresses[slot] = address
    this.lengths[slot] = length
    this.#waiters[slot] = waiter
    this.#tokens[slot] = token
    const { words } = commands
    const at = commands.next()
    words[at + commandWord.command] = what
    words[at + commandWord.row] = row
    words[at + commandWord.address] = address
    words[at + commandWord.length] = length
    words[at + commandWord.slot] = slot
    words[at + commandWord.leaderEpoch] = leaderEpoch
    words[at + commandWord.kind] = kind
    commands.publish()
    this.parts.ring()
    return true
  }

  hasRoom (): boolean {
    if (this.ended !== null || this.#freeCount === 0) return false
    return this.parts.commands.room(reservedRecords + 1) > reservedRecords
  }

  whenRoom (room: () => void): void {
    this.#rooms.push(room)
  }

  call (call: LogCall): Promise<any> {
    if (this.ended !== null) return Promise.reject(this.ended)
    const id = this.#nextCall++
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject })
      this.#control(() => {
        this.parts.channel.send({ id, call })
        this.#record(command.object, 0, 0)
      })
    })
  }

  /** A call that is not answered. */
  tell (call: LogCall): void {
    if (this.ended !== null) return
    this.#control(() => {
      this.parts.channel.send({ id: 0, call })
      this.#record(command.object, 0, 0)
    })
  }

  tick (nowMs: number, monotonicMs: number): void {
    if (this.tickSentMs >= 0 || this.ended !== null) return
    this.tickSentMs = monotonicMs
    this.#control(() => this.#record(command.tick, 0, nowMs))
  }

  /** An fsync is done: of all below `offset`, or of the sealed segment that starts there. */
  synced (what: typeof command.synced | typeof command.sealedSynced, row: number, offset: Offset): void {
    if (this.ended === null) this.#control(() => this.#record(what, row, offset))
  }

  #control (send: () => void): void {
    if (this.#backlog.length > 0 || this.parts.commands.room(1) === 0) this.#backlog.push(send)
    else send()
  }

  #record (what: number, row: number, value: number): void {
    const { commands } = this.parts
    const at = commands.next()
    commands.words[at + commandWord.command] = what
    commands.words[at + commandWord.row] = row
    commands.doubles[(at >> 1) + commandDouble.offset] = value
    commands.publish()
    this.parts.ring()
  }

  /** Takes all replies that are there. */
  drain (): void {
    const { replies, commands } = this.parts
    if (!replies.filled()) return
    do {
      this.#take(replies.next())
      replies.advance()
    } while (replies.filled())
    // Once for all that were there: the worker's thread reads the same cache line.
    replies.commit()
    while (this.#backlog.length > 0 && commands.room(1) > 0) this.#backlog.shift()!()
    if (this.#rooms.length > 0 && this.hasRoom()) this.letIn()
  }

  #take (at: number): void {
    const { words, doubles } = this.parts.replies
    const half = at >> 1
    switch (words[at + replyWord.reply]) {
      case reply.appended: return this.#answer(at)
      case reply.object: return this.#object()
      case reply.moved:
        this.#events.moved(words[at + replyWord.row], doubles[half + replyDouble.durableEnd])
        return
      case reply.sync:
        this.#events.syncWanted(
          words[at + replyWord.row], doubles[half + replyDouble.segmentBase],
          doubles[half + replyDouble.durableEnd])
        return
      case reply.ticked: this.tickSentMs = -1; return
      default: assert(false, 'the worker said something unknown')
    }
  }

  #answer (at: number): void {
    const { words, doubles } = this.parts.replies
    const half = at >> 1
    const slot = words[at + replyWord.slot]
    const flags = words[at + replyWord.flags]
    const waiter = this.#waiters[slot]
    assert(waiter !== null, 'an answer to an append that is not in work')
    const result = this.#result
    result.errorCode = words[at + replyWord.error]
    result.logStartOffset = (flags & appended.unseen) !== 0 ? -1 : this.#events.logStart(this.#rows[slot])
    result.baseOffset = doubles[half + replyDouble.baseOffset]
    result.lastOffset = doubles[half + replyDouble.lastOffset]
    result.logAppendTimeMs = doubles[half + replyDouble.appendTimeMs]
    result.duplicate = (flags & appended.duplicate) !== 0
    result.errorMessage = null
    result.recordErrors = noRecordErrors
    if ((flags & appended.detailed) !== 0) this.#takeDetail(result)
    this.#events.written(this.#rows[slot], this, slot, at)
    this.#finish(slot, waiter, result)
  }

  #takeDetail (result: AppendResult): void {
    this.#detail = null
    while (this.#detail === null) this.#object()
    const { errorMessage, recordErrors } = this.#detail
    result.errorMessage = errorMessage
    result.recordErrors = recordErrors
  }

  #finish (slot: number, waiter: AppendWaiter, result: AppendResult): void {
    const token = this.#tokens[slot]
    this.#waiters[slot] = null
    this.#free[this.#freeCount++] = slot
    waiter.appended(token, result)
  }

  #object (): void {
    const object = this.parts.channel.receive()
    assert(object !== undefined, 'an announced object is there')
    if (object.kind === 'detail') {
      this.#detail = object
    } else if (object.kind === 'done' || object.kind === 'refused') {
      const call = this.#calls.get(object.id)
      this.#calls.delete(object.id)
      if (object.kind === 'done') call?.resolve(object.value)
      else call?.reject(new CallRefused(object.errorCode, object.message))
    } else {
      this.#events.told(this, object)
    }
  }

  /** The worker is gone: whatever it was asked fails now. `released`: the slot of an append in work. */
  end (reason: Error, released: (slot: number) => void): void {
    if (this.ended !== null) return
    this.ended = reason
    const result = refusedResult(errorCodes.UNKNOWN_SERVER_ERROR)
    for (let slot = 0; slot < slotsMax; slot++) {
      const waiter = this.#waiters[slot]
      if (waiter === null) continue
      released(slot)
      this.#finish(slot, waiter, result)
    }
    for (const call of this.#calls.values()) call.reject(reason)
    this.#calls.clear()
    this.#backlog.length = 0
  }

  /** Calls back who waits for room: there is some, or the worker is gone and refuses. */
  letIn (): void {
    const rooms = this.#rooms
    this.#rooms = []
    for (const room of rooms) room()
  }
}

const noRecordErrors: AppendResult['recordErrors'] = []

export function refusedResult (errorCode: number): AppendResult {
  const offsets = { baseOffset: -1, lastOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }
  return { errorCode, ...offsets, duplicate: false, errorMessage: null, recordErrors: noRecordErrors }
}
