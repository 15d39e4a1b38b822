// What the owner of a log knows of its compaction.
import { type Offset } from '../types.ts'
import { type SourceSegment } from './plan.ts'

/** One that runs. */
export interface Compacting {
  readonly sources: readonly SourceSegment[]
  /** One word per source: see retired.ts. */
  readonly retired: SharedArrayBuffer
}

export class CompactionState {
  /** Compaction has seen every record below; -1: none yet. */
  cleanedTo: Offset = -1
  running: Compacting | null = null
  /** Damage was found: the log is left as it is. */
  uncleanable = false

  /** The log was cut: what was planned before is void. */
  cut (offset: Offset): void {
    this.running = null
    if (this.cleanedTo > offset) this.cleanedTo = offset
  }
}
