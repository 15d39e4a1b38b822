// Batches between being checked and being written. Where each will lie is settled when it is staged, on a
// meter that runs ahead of the active segment's own. Objects are used again: a round makes no garbage.
import { type BatchHeader } from '../protocol/record-batch.ts'
import { type StagedBatch } from './partition-log.types.ts'
import { SegmentMeter } from './segment.ts'
import { type AbortedTransaction } from './transaction-index.ts'
import { type LogConfig, type Offset, type Position } from './types.ts'

const nothing = Buffer.alloc(0)

export class Staged implements StagedBatch {
  baseOffset: Offset = 0
  lastOffset: Offset = 0
  bytes: Buffer = nothing
  segmentBase: Offset = 0
  position: Position = 0
  maxTimestampMs = 0
  leaderEpoch = 0
  /** The producers as they were before this batch, when it begins a new segment. */
  snapshot: Buffer | null = null
  /** The transaction that it aborts. */
  aborted: AbortedTransaction | null = null
}

export class Staging {
  batches: Staged[] = []
  bytes = 0
  /** Where the next batch goes; equals the active segment's meter when nothing is staged. */
  readonly ahead = new SegmentMeter()
  /** The last round's, until its receiver is done with them. */
  written: Staged[] = []
  readonly #spare: Staged[] = []

  /** Adds a batch at the place that is ahead. */
  add (
    batch: Buffer, header: BatchHeader, maxTimestampMs: number, leaderEpoch: number, config: LogConfig
  ): Staged {
    const { ahead } = this
    const staged = this.#spare.pop() ?? new Staged()
    staged.baseOffset = header.baseOffset
    staged.lastOffset = header.lastOffset
    staged.bytes = batch
    staged.segmentBase = ahead.base
    staged.position = ahead.bytes
    staged.maxTimestampMs = maxTimestampMs
    staged.leaderEpoch = leaderEpoch
    ahead.add(batch.length, staged.lastOffset, maxTimestampMs, config.indexIntervalBytes)
    this.batches.push(staged)
    this.bytes += batch.length
    return staged
  }

  /** What was staged is written: hands it out. */
  finish (): readonly StagedBatch[] {
    const done = this.batches
    this.batches = this.written
    this.written = done
    this.bytes = 0
    return done
  }

  /** The last round's receiver is done with it. */
  recycle (): void {
    while (this.written.length > 0) {
      const staged = this.written.pop()!
      staged.bytes = nothing
      staged.snapshot = null
      staged.aborted = null
      this.#spare.push(staged)
    }
  }
}
