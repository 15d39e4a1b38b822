// The idempotent producers of one partition: a retried batch is recognised, a gap is refused (KIP-98). What
// is staged counts at once, because the next batch of the same round builds on it; it is taken back when
// the write fails.
import { assert } from '../base/assert.ts'
import { errorCodes } from '../protocol/errors.ts'
import { addSequence, type BatchHeader } from '../protocol/record-batch.ts'
import { noEpoch, ProducerEntry, sequenceMax } from './producer-entry.ts'
import { type Offset } from './types.ts'

/** Numbers that undo() needs per staged batch. */
const undoNumbers = 12

export class ProducerState {
  readonly #producers = new Map<number, ProducerEntry>()
  /** Stack of undoNumbers each; reused, so that staging makes no garbage. */
  readonly #undo: number[] = []
  #undoTop = 0
  /** Producers with a transaction open. */
  #open = 0

  /** The duplicate that check() found: its first and last offset and its time. */
  duplicateBase: Offset = -1
  duplicateLast: Offset = -1
  duplicateTimestampMs = -1

  get size (): number {
    return this.#producers.size
  }

  get (id: number): ProducerEntry | undefined {
    return this.#producers.get(id)
  }

  entries (): Iterable<ProducerEntry> {
    return this.#producers.values()
  }

  /** First offset of the oldest open transaction; -1 when none is open. */
  get firstOpen (): Offset {
    if (this.#open === 0) return -1
    let first = -1
    for (const { transactionStart } of this.#producers.values()) {
      if (transactionStart >= 0 && (first < 0 || transactionStart < first)) first = transactionStart
    }
    return first
  }

  /**
   * An error code; NONE with `duplicateBase` >= 0 when the batch is there already. `sequenced` is false
   * for our own coordinators, which number nothing.
   */
  check (id: number, epoch: number, baseSequence: number, offsetDelta: number, sequenced: boolean): number {
    this.duplicateBase = -1
    const entry = this.#producers.get(id)
    if (entry === undefined) return errorCodes.NONE
    if (sequenced && epoch === entry.epoch) {
      const age = entry.findDuplicate(baseSequence, addSequence(baseSequence, offsetDelta))
      if (age >= 0) {
        const at = entry.slot(age)
        this.duplicateLast = entry.ring[at + 1]
        this.duplicateBase = this.duplicateLast - entry.ring[at + 2]
        this.duplicateTimestampMs = entry.ring[at + 3]
        return errorCodes.NONE
      }
    }
    if (epoch < entry.epoch) return errorCodes.INVALID_PRODUCER_EPOCH
    if (!sequenced || entry.epoch === noEpoch) return errorCodes.NONE
    const last = entry.lastSequence
    const next = epoch !== entry.epoch
      ? baseSequence === 0
      : baseSequence === last + 1 || (baseSequence === 0 && last === sequenceMax)
    return next ? errorCodes.NONE : errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER
  }

  /** A batch is staged (or replayed); `lastSequence` is of its last record. */
  add (
    id: number, epoch: number, lastSequence: number, lastOffset: Offset, offsetDelta: number,
    timestampMs: number, transactional: boolean, nowMs: number
  ): void {
    let entry = this.#producers.get(id)
    const known = entry !== undefined
    if (entry === undefined) {
      entry = new ProducerEntry(id, nowMs)
      this.#producers.set(id, entry)
    }
    this.#remember(entry, known)
    entry.raise(epoch)
    entry.push(lastSequence, lastOffset, offsetDelta, timestampMs)
    entry.usedMs = nowMs
    if (transactional && entry.transactionStart < 0) {
      entry.transactionStart = lastOffset - offsetDelta
      this.#open++
    }
  }

  /** What is staged is written. */
  commit (): void {
    this.#undoTop = 0
  }

  /** What is staged was not written: the state is as it was after the last commit. */
  undo (): void {
    while (this.#undoTop > 0) {
      this.#undoTop -= undoNumbers
      const at = this.#undoTop
      const stack = this.#undo
      const entry = this.#producers.get(stack[at])
      assert(entry !== undefined, 'a staged producer is known')
      if (entry.transactionStart >= 0 && stack[at + 7] < 0) this.#open--
      if (stack[at + 1] === 0) {
        this.#producers.delete(entry.id)
        continue
      }
      entry.epoch = stack[at + 2]
      entry.timestampMs = stack[at + 3]
      entry.usedMs = stack[at + 4]
      entry.count = stack[at + 5]
      entry.head = stack[at + 6]
      entry.transactionStart = stack[at + 7]
      const slot = entry.head * 4
      for (let index = 0; index < 4; index++) entry.ring[slot + index] = stack[at + 8 + index]
    }
  }

  /** A batch that is in the log already: read at start, or fetched from a leader. */
  replay (batch: BatchHeader, coordinatorEpoch: number, nowMs: number): void {
    if (!batch.hasProducerId) return
    if (batch.control) {
      this.endTransaction(batch.producerId, batch.producerEpoch, coordinatorEpoch, batch.maxTimestamp, nowMs)
    } else {
      this.add(batch.producerId, batch.producerEpoch, batch.lastSequence, batch.lastOffset,
        batch.lastOffsetDelta, batch.maxTimestamp, batch.transactional, nowMs)
    }
  }

  /** A commit or abort marker. Not staged: it is called for what is written. */
  endTransaction (
    id: number, epoch: number, coordinatorEpoch: number, timestampMs: number, nowMs: number
  ): void {
    let entry = this.#producers.get(id)
    if (entry === undefined) {
      entry = new ProducerEntry(id, nowMs)
      this.#producers.set(id, entry)
    }
    entry.raise(epoch)
    if (entry.transactionStart >= 0) this.#open--
    entry.transactionStart = -1
    entry.timestampMs = timestampMs
    entry.usedMs = nowMs
    if (coordinatorEpoch >= 0) entry.coordinatorEpoch = coordinatorEpoch
  }

  /** Takes over what a snapshot holds. */
  load (entries: readonly ProducerEntry[]): void {
    for (const entry of entries) {
      this.#producers.set(entry.id, entry)
      if (entry.transactionStart >= 0) this.#open++
    }
  }

  clear (): void {
    this.#producers.clear()
    this.#open = 0
    this.#undoTop = 0
  }

  /**
   * Forgets who has appended nothing for that long. A restart counts as use: record times, which Kafka
   * goes by, may lie years back.
   */
  expire (nowMs: number, idleMsMax: number): void {
    assert(this.#undoTop === 0, 'nothing is staged while producers expire')
    for (const entry of this.#producers.values()) {
      if (entry.transactionStart < 0 && nowMs - entry.usedMs >= idleMsMax) this.#producers.delete(entry.id)
    }
  }

  #remember (entry: ProducerEntry, known: boolean): void {
    const stack = this.#undo
    const at = this.#undoTop
    const slot = entry.head * 4
    stack[at] = entry.id
    stack[at + 1] = known ? 1 : 0
    stack[at + 2] = entry.epoch
    stack[at + 3] = entry.timestampMs
    stack[at + 4] = entry.usedMs
    stack[at + 5] = entry.count
    stack[at + 6] = entry.head
    stack[at + 7] = entry.transactionStart
    for (let index = 0; index < 4; index++) stack[at + 8 + index] = entry.ring[slot + index]
    this.#undoTop = at + undoNumbers
  }
}
