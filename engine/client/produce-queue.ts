// One partition's side of a producer: the batch that grows, those that wait, those that are on their way.
// What must hold: batches leave in the order in which their records came, and with a producer id their
// sequences rise by it.
import { type CodecId } from '../protocol/compression/index.ts'
import { type RecordHeader } from '../protocol/record.ts'
import { addSequence } from '../protocol/record-batch.ts'
import { BatchBuilder } from './batch-builder.ts'

/** Called once for a record: with an error, or with its offset (-1 when the broker was not asked to tell). */
export type Delivered = (error: Error | null, offset: number) => void

export interface Batch {
  readonly builder: BatchBuilder
  readonly delivered: (Delivered | null)[]
  readonly createdMs: number
  /** Keys and values, as they count against the producer's buffer. */
  payloadBytes: number
  /** Made when it is sent first; a retry sends the same bytes. */
  bytes: Buffer | null
  baseSequence: number
  /** A batch before it was refused for good, and it took that one's sequence. */
  shifted: boolean
  attempts: number
}

const sequenceMax = 0x7fffffff

/** Sequences begin again at 0 after 2^31 - 1. */
function isAfter (sequence: number, other: number): boolean {
  const distance = (sequence - other) & sequenceMax
  return distance > 0 && distance < sequenceMax / 2
}

export class ProduceQueue {
  readonly topic: string
  readonly partition: number
  /** Sent and not answered, oldest first. */
  readonly inFlight: Batch[] = []
  /** Full or called for, oldest first; those that are sent again stand before all others. */
  readonly ready: Batch[] = []
  growing: Batch | null = null
  nextSequence = 0
  /**
   * Nothing leaves before: after an error, until what went with it is back as well and some time has
   * passed.
   */
  retryAtMs = 0

  constructor (topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get isIdle (): boolean {
    return this.growing === null && this.ready.length === 0 && this.inFlight.length === 0
  }

  /** True when a batch became full by it. */
  append (
    batchBytes: number, buffer: () => Buffer | undefined, nowMs: number, timestamp: number,
    key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[] | null,
    delivered: Delivered | null
  ): boolean {
    let filled = false
    if (this.growing !== null && !this.growing.builder.append(timestamp, key, value, headers)) {
      this.close()
      filled = true
    }
    if (this.growing === null) {
      const builder = new BatchBuilder(batchBytes, buffer())
      this.growing = {
        builder,
        createdMs: nowMs,
        delivered: [],
        payloadBytes: 0,
        bytes: null,
        baseSequence: -1,
        shifted: false,
        attempts: 0
      }
      builder.append(timestamp, key, value, headers)
    }
    this.growing.payloadBytes += (key?.length ?? 0) + (value?.length ?? 0)
    this.growing.delivered.push(delivered)
    return filled
  }

  /** What grows is called for. */
  close (): void {
    if (this.growing === null) return
    this.ready.push(this.growing)
    this.growing = null
  }

  /**
   * The next batch to send, with its sequence if there is a producer id. It counts as in flight from here.
   */
  take (codec: CodecId, producerId: number, producerEpoch: number): Batch {
    const batch = this.ready.shift()!
    if (producerId >= 0 && batch.baseSequence < 0) {
      batch.baseSequence = this.nextSequence
      this.nextSequence = addSequence(this.nextSequence, batch.builder.records)
      batch.bytes = null
    }
    const { baseSequence } = batch
    batch.bytes ??= batch.builder.finish(codec, { producerId, producerEpoch, baseSequence })
    batch.attempts++
    this.inFlight.push(batch)
    return batch
  }

  settle (batch: Batch): void {
    this.inFlight.splice(this.inFlight.indexOf(batch), 1)
  }

  /**
   * The broker will never have `batch`, so those behind it move up by its records. What of them is in flight
   * will be refused as out of order and comes again.
   */
  closeGap (batch: Batch): void {
    const { records } = batch.builder
    for (const other of [...this.inFlight, ...this.ready]) {
      if (other.baseSequence < 0 || !isAfter(other.baseSequence, batch.baseSequence)) continue
      other.baseSequence = (other.baseSequence - records) & sequenceMax
      other.shifted = true
    }
    for (const other of this.ready) if (other.shifted) other.bytes = null
    this.nextSequence = (this.nextSequence - records) & sequenceMax
  }

  /** Back into line, before whatever was made later. */
  again (batch: Batch, retryAtMs: number): void {
    this.settle(batch)
    if (batch.shifted) batch.bytes = null
    batch.shifted = false
    const later = this.ready.findIndex(other => other.createdMs > batch.createdMs ||
      (other.baseSequence < 0 && batch.baseSequence >= 0) || other.baseSequence > batch.baseSequence)
    this.ready.splice(later < 0 ? this.ready.length : later, 0, batch)
    this.retryAtMs = retryAtMs
  }

  /** A new producer id begins with sequence 0: only while nothing is in flight. */
  restartSequences (): void {
    this.nextSequence = 0
    for (const batch of this.ready) {
      batch.baseSequence = -1
      batch.bytes = null
    }
  }
}
