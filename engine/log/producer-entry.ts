// What a partition remembers of one idempotent producer: its epoch and its last five batches.
import { noSequence } from '../protocol/record-batch.ts'
import { type Offset } from './types.ts'

/** Producers keep at most five requests in flight, so a retry repeats one of the last five batches. */
export const batchesKept = 5
/** Numbers per batch in the ring: last sequence, last offset, offset delta, timestamp. */
const slotNumbers = 4

export const sequenceMax = 2147483647
export const noEpoch = -1

/** Sequences run from 0 to 2^31 - 1 and start over. */
export function takeFromSequence (sequence: number, count: number): number {
  return sequence < count ? sequenceMax - (count - sequence) + 1 : sequence - count
}

export class ProducerEntry {
  readonly id: number
  epoch = noEpoch
  /** Of the newest batch or marker. */
  timestampMs = -1
  coordinatorEpoch = -1
  /** First offset of the open transaction, -1 when there is none. */
  transactionStart: Offset = -1
  /** When it last appended here, by the broker's clock: idle ones are forgotten. */
  usedMs: number
  /** Batches in the ring; the newest lies before `head`. */
  count = 0
  head = 0
  readonly ring: number[] = []

  constructor (id: number, nowMs: number) {
    this.id = id
    this.usedMs = nowMs
    for (let index = 0; index < batchesKept * slotNumbers; index++) this.ring.push(0)
  }

  /** Where the n-th newest batch lies in the ring; 0 is the newest. */
  slot (age: number): number {
    return ((this.head - 1 - age + batchesKept * 2) % batchesKept) * slotNumbers
  }

  get lastSequence (): number {
    return this.count === 0 ? noSequence : this.ring[this.slot(0)]
  }

  get lastOffset (): Offset {
    return this.count === 0 ? -1 : this.ring[this.slot(0) + 1]
  }

  /** Another epoch starts its sequences anew. */
  raise (epoch: number): void {
    if (epoch === this.epoch) return
    this.epoch = epoch
    this.count = 0
  }

  push (lastSequence: number, lastOffset: Offset, offsetDelta: number, timestampMs: number): void {
    const at = this.head * slotNumbers
    this.ring[at] = lastSequence
    this.ring[at + 1] = lastOffset
    this.ring[at + 2] = offsetDelta
    this.ring[at + 3] = timestampMs
    this.head = (this.head + 1) % batchesKept
    if (this.count < batchesKept) this.count++
    this.timestampMs = timestampMs
  }

  /** Age of the kept batch with exactly these sequences; -1 when there is none. */
  findDuplicate (baseSequence: number, lastSequence: number): number {
    for (let age = 0; age < this.count; age++) {
      const at = this.slot(age)
      if (this.ring[at] !== lastSequence) continue
      if (takeFromSequence(lastSequence, this.ring[at + 2]) === baseSequence) return age
    }
    return -1
  }
}
