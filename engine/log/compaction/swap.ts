// The owner's part of a compaction: the rewritten segment takes the place of those it was made of. Files are
// renamed only, in an order in which a crash at any point leaves the old segments or the new one:
//
//   .cleaned -> .swap          from the last rename on the new one counts (leftovers.ts finishes it)
//   old files -> .deleted      they wait for readers
//   .swap -> their own names
import { type Log } from '../partition-log.ts'
import { segmentSuffixes, suffix } from '../names.ts'
import { Segment } from '../segment.ts'
import { type CleanedGroup } from './plan.ts'
import { retired } from './retired.ts'
import { type Compacting } from './state.ts'

/** False: the log has changed meanwhile, and nothing was done. */
export function swapIn (log: Log, group: CleanedGroup, nowMs: number): boolean {
  const { running } = log.compaction
  if (running === null || log.failed) return false
  const at = log.segments.findIndex(segment => segment.serial === group.serials[0])
  const old = at < 0 ? [] : log.segments.slice(at, at + group.serials.length)
  const same = old.length === group.serials.length &&
    old.every((segment, index) => segment.serial === group.serials[index] && segment.sealed)
  if (!same) return false
  const fresh = rename(log, group, old, running, nowMs)
  log.segments.splice(at, old.length, fresh)
  for (const segment of old.slice(1)) log.parts.listener.segmentRemoved(segment.baseOffset)
  log.parts.listener.segmentChanged(fresh.view())
  return true
}

function rename (
  log: Log, group: CleanedGroup, old: readonly Segment[], running: Compacting, nowMs: number
): Segment {
  const { disk, folder, identity } = log.parts
  const owner = `${identity.topicId}-${identity.partition}`
  const fresh = new Segment(disk, folder, group.baseOffset, owner, nowMs, 0)
  const endings = segmentSuffixes.filter(ending => ending !== suffix.transactionIndex || group.aborted)
  for (const ending of endings) {
    const path = fresh.pathOf(ending)
    disk.rename(path + suffix.cleaned, path + suffix.swap)
  }
  tell(running, old, retired.swapping)
  for (const segment of old) log.files.setAside(segment, nowMs + log.config.fileDeleteDelayMs)
  for (const ending of endings) disk.rename(fresh.pathOf(ending) + suffix.swap, fresh.pathOf(ending))
  tell(running, old, retired.done)
  const gone = new Set(old.slice(1).map(segment => segment.baseOffset))
  if (gone.size > 0) log.files.removeSnapshots(offset => gone.has(offset))
  log.files.namesChanged()
  const { meter } = fresh
  meter.bytes = group.bytes
  meter.maxTimestampMs = group.maxTimestampMs
  meter.maxTimestampOffset = group.maxTimestampOffset
  meter.offsetEntries = group.offsetEntries
  meter.timeEntries = group.timeEntries
  meter.firstTimestampMs = old[0].meter.firstTimestampMs
  if (group.aborted) fresh.transactionIndex().load(group.baseOffset, Infinity)
  fresh.sealLoaded()
  return fresh
}

function tell (running: Compacting, old: readonly Segment[], word: number): void {
  const words = new Int32Array(running.retired)
  running.sources.forEach((source, index) => {
    if (old.some(segment => segment.serial === source.serial)) Atomics.store(words, index, word)
  })
}
