// The idempotent producers of one partition: a retried batch is recognised, a gap is refused (KIP-98). What
// is staged counts at once, because the next batch of the same round builds on it; it is taken back when
// the write fails.
import { assert } from '../base/assert.ts'
import { type EndMarker } from '../protocol/end-marker.ts'
import { errorCodes } from '../protocol/errors.ts'
import { addSequence, type BatchHeader } from '../protocol/record-batch.ts'
import { noEpoch, ProducerEntry, sequenceMax } from './producer-entry.ts'
import { type AbortedTransaction } from './transaction-index.ts'
import { Transactions } from './transactions.ts'
import { type Offset } from './types.ts'

/** Numbers that undo() needs per staged batch. */
const undoNumbers = 13

export class ProducerState {
  readonly #producers = new Map<number, ProducerEntry>()
  /** Stack of undoNumbers each; reused, so that staging makes no garbage. */
  readonly #undo: number[] = []
  #undoTop = 0
  readonly transactions = new Transactions()

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

  /**
   * An error code; NONE with `duplicateBase` >= 0 when the batch is there already. `sequenced` is false
   * for our own coordinators, which number nothing.
   */
  check (batch: BatchHeader, marker: EndMarker | null, sequenced: boolean): number {
    const { producerId, producerEpoch: epoch, baseSequence, lastOffsetDelta: offsetDelta } = batch
    this.duplicateBase = -1
    const entry = this.#producers.get(producerId)
    if (entry === undefined) return errorCodes.NONE
    if (batch.control) return checkMarker(entry, epoch, marker)
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
    if (sequenced && !follows(entry, epoch, baseSequence)) return errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER
    const within = entry.transactionStart < 0 || batch.transactional
    return within ? errorCodes.NONE : errorCodes.INVALID_TXN_STATE
  }

  /** A batch is staged (or replayed); `lastSequence` is of its last record. */
  add (
    id: number, epoch: number, lastSequence: number, lastOffset: Offset, offsetDelta: number,
    timestampMs: number, transactional: boolean, nowMs: number
  ): void {
    const entry = this.#entryOf(id, nowMs)
    entry.raise(epoch)
    entry.push(lastSequence, lastOffset, offsetDelta, timestampMs)
    entry.usedMs = nowMs
    if (transactional && entry.transactionStart < 0) {
      entry.transactionStart = lastOffset - offsetDelta
      this.transactions.begin(entry.transactionStart, id)
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
      this.#undoTransaction(entry, stack[at + 7])
      if (stack[at + 1] === 0) {
        this.#producers.delete(entry.id)
        continue
      }
      entry.epoch = stack[at + 2]
      entry.timestampMs = stack[at + 3]
      entry.usedMs = stack[at + 4]
      entry.count = stack[at + 5]
      entry.head = stack[at + 6]
      entry.coordinatorEpoch = stack[at + 8]
      const slot = entry.head * 4
      for (let index = 0; index < 4; index++) entry.ring[slot + index] = stack[at + 9 + index]
    }
  }

  #undoTransaction (entry: ProducerEntry, before: Offset): void {
    if (entry.transactionStart >= 0 && before < 0) this.transactions.undoBegin(entry.transactionStart)
    if (entry.transactionStart < 0 && before >= 0) this.transactions.undoEnd(before, entry.id)
    entry.transactionStart = before
  }

  /**
   * A batch is staged, read at start, or fetched from a leader; `marker` is what a control batch holds.
   * Returns the transaction that it aborts, if it does.
   */
  replay (batch: BatchHeader, marker: EndMarker | null, nowMs: number): AbortedTransaction | null {
    if (!batch.hasProducerId) return null
    if (batch.control) return marker === null ? null : this.#endTransaction(batch, marker, nowMs)
    this.add(batch.producerId, batch.producerEpoch, batch.lastSequence, batch.lastOffset,
      batch.lastOffsetDelta, batch.maxTimestamp, batch.transactional, nowMs)
    return null
  }

  #endTransaction (batch: BatchHeader, marker: EndMarker, nowMs: number): AbortedTransaction | null {
    const { producerId, producerEpoch, baseOffset, maxTimestamp } = batch
    const entry = this.#entryOf(producerId, nowMs)
    entry.raise(producerEpoch)
    entry.timestampMs = maxTimestamp
    entry.usedMs = nowMs
    entry.coordinatorEpoch = marker.coordinatorEpoch
    const firstOffset = entry.transactionStart
    if (firstOffset < 0) return null
    entry.transactionStart = -1
    const lastStableOffset = this.transactions.end(firstOffset, baseOffset)
    return marker.commit ? null : { producerId, firstOffset, lastOffset: baseOffset, lastStableOffset }
  }

  /** Takes over what a snapshot holds. */
  load (entries: readonly ProducerEntry[]): void {
    for (const entry of entries) this.#producers.set(entry.id, entry)
    const open = entries.filter(entry => entry.transactionStart >= 0)
    this.transactions.load(open.map(entry => [entry.transactionStart, entry.id]))
  }

  clear (): void {
    this.#producers.clear()
    this.transactions.clear()
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

  /** As it is now is what undo() goes back to. */
  #entryOf (id: number, nowMs: number): ProducerEntry {
    const known = this.#producers.get(id)
    const entry = known ?? new ProducerEntry(id, nowMs)
    if (known === undefined) this.#producers.set(id, entry)
    this.#remember(entry, known !== undefined)
    return entry
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
    stack[at + 8] = entry.coordinatorEpoch
    for (let index = 0; index < 4; index++) stack[at + 9 + index] = entry.ring[slot + index]
    this.#undoTop = at + undoNumbers
  }
}

/** A coordinator that was replaced may not end transactions any more. */
function checkMarker (entry: ProducerEntry, epoch: number, marker: EndMarker | null): number {
  if (epoch < entry.epoch) return errorCodes.INVALID_PRODUCER_EPOCH
  const fenced = marker !== null && marker.coordinatorEpoch < entry.coordinatorEpoch
  return fenced ? errorCodes.TRANSACTION_COORDINATOR_FENCED : errorCodes.NONE
}

/** Whether a batch is the one that comes next. A producer whose records are all gone may start anywhere. */
function follows (entry: ProducerEntry, epoch: number, baseSequence: number): boolean {
  if (entry.epoch === noEpoch) return true
  if (epoch !== entry.epoch) return baseSequence === 0
  const last = entry.lastSequence
  return baseSequence === last + 1 || (baseSequence === 0 && last === sequenceMax)
}
