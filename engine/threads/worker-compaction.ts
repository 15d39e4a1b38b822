// The log worker's part of compaction: which of its logs is the dirtiest, and the swap of what was rewritten.
import { cleanableRange, type CleanableRange, planCompaction } from '../log/compaction/cleanable.ts'
import { type CleanedGroup, type CompactionPlan } from '../log/compaction/plan.ts'
import { swapIn } from '../log/compaction/swap.ts'
import { type Log } from '../log/partition-log.ts'
import { type Offset } from '../log/types.ts'
import { type LogCore } from './log-core.ts'

export type CompactionCall =
  /** Begins with the dirtiest log; `known`: what the directory's checkpoint says, by folder name. */
  | { kind: 'compaction-find', known: readonly (readonly [key: string, cleanedTo: Offset])[] }
  | { kind: 'compaction-swap', row: number, key: string, group: CleanedGroup }
  | { kind: 'compaction-end', row: number, key: string, end: CompactionEnd }

/** How one ended: -1 when it was given up. */
export interface CompactionEnd { readonly cleanedTo: Offset, readonly corrupt: boolean }

export interface FoundCompaction { readonly row: number, readonly plan: CompactionPlan }

interface Row { readonly log: Log, readonly key: string }

export function runCompaction (
  core: LogCore, rows: readonly (Row | undefined)[], call: CompactionCall, nowMs: number
): FoundCompaction | boolean | null {
  if (call.kind === 'compaction-find') return find(core, rows, new Map(call.known), nowMs)
  const row = rows[call.row]
  // The row may be another log's by now.
  if (row === undefined || row.key !== call.key) return false
  const { log } = row
  if (call.kind === 'compaction-swap') {
    const swapped = swapIn(log, call.group, nowMs)
    if (swapped) core.publishState(call.row)
    return swapped
  }
  const { cleanedTo } = call.end
  if (log.compaction.running !== null && cleanedTo >= 0) log.compaction.cleanedTo = cleanedTo
  if (call.end.corrupt) log.compaction.uncleanable = true
  log.compaction.running = null
  return true
}

function find (
  core: LogCore, rows: readonly (Row | undefined)[], known: ReadonlyMap<string, Offset>, nowMs: number
): FoundCompaction | null {
  let best: { row: number, log: Log, range: CleanableRange } | null = null
  rows.forEach((open, row) => {
    if (open === undefined || !open.log.config.compacts) return
    const { log, key } = open
    if (log.compaction.cleanedTo < 0) log.compaction.cleanedTo = known.get(key) ?? -1
    const range = cleanableRange(log, core.parts.table.highWatermark(row), nowMs)
    if (range !== null && (best === null || range.ratio > best.range.ratio)) best = { row, log, range }
  })
  const found = best as { row: number, log: Log, range: CleanableRange } | null
  return found === null ? null : { row: found.row, plan: planCompaction(found.log, found.range, nowMs) }
}
