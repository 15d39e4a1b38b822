// Random batches, as producers, transactions and leaders send them, that follow what a log holds already.
import { type CodecId } from '../../protocol/compression/index.ts'
import { addSequence } from '../../protocol/record-batch.ts'
import { buildBatch, type BatchOptions, type RecordInput } from '../../protocol/record.ts'
import { type SeededRandom } from '../../base/random-seeded.ts'
import { type Offset } from '../../log/types.ts'
import { type ExpectedBatch, type ExpectedLog } from './expected-log.ts'

/** Idempotent ones; from there on transactional ones, whose batches come from a leader. */
const producers = 3
const firstTransactional = 100

export class BatchMaker {
  readonly #random: SeededRandom
  /** Keys, and gaps as compaction leaves them. */
  readonly #compacted: boolean
  #written = 0

  constructor (random: SeededRandom, compacted: boolean) {
    this.#random = random
    this.#compacted = compacted
  }

  /** A client's batch, and what is expected of it at `base`. */
  fromClient (
    log: ExpectedLog, ahead: readonly ExpectedBatch[], base: Offset, epoch: number, timestampMs: number
  ): { bytes: Buffer, expected: ExpectedBatch } {
    const random = this.#random
    const producerId = random.below(producers + 2) - 2
    const options: BatchOptions = producerId < 0 ? {} : this.#nextOf(producerId, log, ahead)
    return this.#make(base, 1 + random.below(4), epoch, timestampMs, options)
  }

  /** A leader's batch: it has its offsets, now and then behind a gap, and may belong to a transaction. */
  fromLeader (
    log: ExpectedLog, ahead: readonly ExpectedBatch[], base: Offset, epoch: number, timestampMs: number
  ): { bytes: Buffer, expected: ExpectedBatch } {
    const random = this.#random
    const at = base + (this.#compacted && random.below(5) === 0 ? random.below(20) : 0)
    if (random.below(3) > 0) return this.fromClient(log, ahead, at, epoch, timestampMs)
    const producerId = firstTransactional + random.below(2)
    const next = this.#nextOf(producerId, log, ahead)
    if (random.below(3) > 0) {
      return this.#make(at, 1 + random.below(3), epoch, timestampMs, { ...next, transactional: true })
    }
    return this.#marker(at, epoch, timestampMs, producerId, next.producerEpoch ?? 0)
  }

  #nextOf (producerId: number, log: ExpectedLog, ahead: readonly ExpectedBatch[]): BatchOptions {
    const mine = (one: ExpectedBatch): boolean => one.producerId === producerId && !one.control
    const newest = ahead.findLast(mine) ?? log.batches.findLast(mine)
    const marked = log.batches.findLast(one => one.producerId === producerId && one.control)
    const producerEpoch = Math.max(newest?.producerEpoch ?? 0, marked?.producerEpoch ?? 0)
    // An unknown producer may start anywhere.
    if (newest === undefined) {
      return { producerId, producerEpoch, baseSequence: this.#random.below(5) === 0 ? 7 : 0 }
    }
    if (log.forgotten.delete(producerId) || this.#random.below(12) === 0) {
      return { producerId, producerEpoch: producerEpoch + 1, baseSequence: 0 }
    }
    const baseSequence = addSequence(newest.sequence, newest.last - newest.base + 1)
    return { producerId, producerEpoch, baseSequence }
  }

  #make (
    base: Offset, count: number, epoch: number, timestampMs: number, options: BatchOptions
  ): { bytes: Buffer, expected: ExpectedBatch } {
    const random = this.#random
    const values = Array.from({ length: count }, () => {
      return `${this.#written++}${'.'.repeat(random.below(8) === 0 ? 150 : random.below(20))}`
    })
    const records = this.#records(values, timestampMs)
    const compression = (random.below(3) === 0 ? random.below(5) : 0) as CodecId
    const placed = { ...options, baseOffset: base, partitionLeaderEpoch: epoch }
    const bytes = buildBatch({ ...placed, compression }, records)
    return {
      bytes,
      expected: {
        base,
        last: base + count - 1,
        values: values.join(','),
        epoch,
        timestampMs,
        producerId: options.producerId ?? -1,
        producerEpoch: options.producerEpoch ?? -1,
        sequence: options.baseSequence ?? -1,
        transactional: options.transactional ?? false,
        control: false
      }
    }
  }

  #records (values: readonly string[], timestamp: number): RecordInput[] {
    return values.map(text => {
      const value = Buffer.from(text)
      return this.#compacted ? { key: value.subarray(0, 1), value, timestamp } : { value, timestamp }
    })
  }

  /** Commit or abort: | version | type |  ->  | version | coordinator epoch |. */
  #marker (
    base: Offset, epoch: number, timestampMs: number, producerId: number, producerEpoch: number
  ): { bytes: Buffer, expected: ExpectedBatch } {
    const options = { producerId, producerEpoch, transactional: true, control: true }
    const key = Buffer.from([0, 0, 0, this.#random.below(2)])
    const value = Buffer.from([0, 0, 0, 0, 0, 5])
    const placed = { ...options, baseOffset: base, partitionLeaderEpoch: epoch }
    const bytes = buildBatch(placed, [{ key, value, timestamp: timestampMs }])
    return { bytes, expected: { base, last: base, values: '', epoch, timestampMs, sequence: -1, ...options } }
  }

  /** The same bytes again, as a producer sends them that got no answer. */
  again (batch: ExpectedBatch): Buffer {
    const records = this.#records(batch.values.split(','), batch.timestampMs)
    const { producerId, producerEpoch, sequence: baseSequence } = batch
    return buildBatch({ producerId, producerEpoch, baseSequence }, records)
  }
}
