// Which records stay when a log is rewritten, by Kafka's rules:
//
//   newest of its key, with a value           stays
//   newest of its key, no value (tombstone)   stays until its batch's delete horizon has passed; the first
//                                             run that meets it sets the horizon to now + delete.retention.ms
//   older                                     goes
//   behind what the map has seen              stays
//   without a key                             goes: it does not belong there
//   of an aborted transaction                 goes
//
// A batch whose records all go leaves its header when it is the last of a producer that is still known (its
// sequence), or the last of the run (where the log ends).
import { type BatchHeader } from '../../protocol/record-batch.ts'
import { type Offset } from '../types.ts'
import { type OffsetMap } from './offset-map.ts'
import { type CompactionPlan } from './plan.ts'
import { type RecordCursor } from './records.ts'
import { type CleanedTransactions } from './transactions.ts'

export class Retention {
  readonly #plan: CompactionPlan
  readonly #map: OffsetMap
  /** The newest offset the map knows of. */
  readonly #mappedTo: Offset
  readonly #transactions: CleanedTransactions
  readonly #last = new Map<number, { lastOffset: Offset, epoch: number }>()

  /** Of the batch that was judged last: all its records go. */
  discarded = false
  /** Its header stays even without records. */
  keepsHeader = false
  /** It is a marker of which only the time is left to run out. */
  spentMarker = false
  /** When its tombstones may go; -1: not yet settled. */
  horizonMs = -1

  constructor (plan: CompactionPlan, map: OffsetMap, mappedTo: Offset, transactions: CleanedTransactions) {
    this.#plan = plan
    this.#map = map
    this.#mappedTo = mappedTo
    this.#transactions = transactions
    for (const [id, lastOffset, epoch] of plan.producers) this.#last.set(id, { lastOffset, epoch })
  }

  judge (header: BatchHeader, batch: Buffer): void {
    const { nowMs } = this.#plan
    this.horizonMs = header.deleteHorizon ? header.baseTimestamp : -1
    this.spentMarker = false
    if (header.control) {
      this.spentMarker = this.#transactions.isSpent(header, batch)
      this.discarded = this.spentMarker && this.horizonMs >= 0 && this.horizonMs <= nowMs
    } else {
      this.discarded = this.#transactions.isAborted(header)
    }
    this.keepsHeader = this.#isLastOfProducer(header) || header.lastOffset + 1 === this.#plan.firstUncleanable
  }

  #isLastOfProducer (header: BatchHeader): boolean {
    if (!header.hasProducerId) return false
    const last = this.#last.get(header.producerId)
    if (last === undefined) return false
    return last.lastOffset >= 0
      ? header.lastOffset === last.lastOffset
      : header.control && header.producerEpoch === last.epoch
  }

  /** `plain`: where the record lies. */
  keeps (header: BatchHeader, record: RecordCursor, plain: Uint8Array): boolean {
    if (this.discarded) return false
    if (header.control || record.offset > this.#mappedTo) return true
    if (!record.hasKey) return false
    if (record.offset < this.#map.get(plain, record.keyFrom, record.keyEnd)) return false
    return record.hasValue || this.horizonMs < 0 || this.#plan.nowMs < this.horizonMs
  }
}
