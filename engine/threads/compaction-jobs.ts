// Compactions on a disk thread: each is begun once, then called step by step, between other jobs.
import { type Clock } from '../base/clock.ts'
import { type Disk } from '../base/disk.ts'
import { Cleaning } from '../log/compaction/cleaning.ts'
import {
  type CleanedGroup, type CompactionBounds, type CompactionPlan, type CompactionProgress
} from '../log/compaction/plan.ts'
import { type SegmentReader } from '../log/reader.ts'

export type CompactionJob =
  | { kind: 'compact', id: number, plan: CompactionPlan, bounds: CompactionBounds }
  | { kind: 'compact-step', id: number }
  /** The group could not be swapped in. */
  | { kind: 'compact-dismiss', id: number, group: CleanedGroup }
  | { kind: 'compact-stop', id: number }

export interface CompactionResults {
  compact: null
  'compact-step': CompactionProgress
  'compact-dismiss': null
  'compact-stop': null
}

interface Tools {
  readonly disk: Disk
  readonly reader: SegmentReader
  readonly clock: Clock
  readonly cleanings: Map<number, Cleaning>
}

export function isCompaction (job: { kind: string }): job is CompactionJob {
  return job.kind.startsWith('compact')
}

export function runCompactionJob (tools: Tools, job: CompactionJob): CompactionProgress | null {
  const { disk, clock, cleanings, reader } = tools
  if (job.kind === 'compact') {
    // Before any of its files can be renamed.
    reader.watch(job.plan.sources, job.plan.retired)
    cleanings.set(job.id, new Cleaning(disk, clock, job.plan, job.bounds))
    return null
  }
  const cleaning = cleanings.get(job.id)
  if (cleaning === undefined) return null
  if (job.kind === 'compact-step') return cleaning.step()
  if (job.kind === 'compact-dismiss') {
    cleaning.dismiss(job.group)
    return null
  }
  cleanings.delete(job.id)
  cleaning.stop()
  return null
}
