// Opens one partition's folder. After a clean shutdown nothing but ends of indexes is read; otherwise
// everything from the recovery point on is checked batch by batch and cut at the first bad byte (L1 to L6
// of what a log must survive).
import { type BatchHeader } from '../protocol/record-batch.ts'
import { textOf } from './checkpoints.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { settleLeftovers } from './leftovers.ts'
import { fileNames, offsetOfName, suffix } from './names.ts'
import { type OffsetIndex } from './offset-index.ts'
import { Log, type LogParts } from './partition-log.ts'
import { abortsIn, loadProducers, loadSnapshot, replayBatch, replayHeaders } from './producer-recovery.ts'
import { SegmentReader } from './reader.ts'
import {
  fits, glanceAtIndexes, readIndexes, rebuildIndexes, type RecoveredSegment, recoverSegment, resumeSegment,
  unseal
} from './segment-recovery.ts'
import { Segment } from './segment.ts'
import { type TimeIndex } from './time-index.ts'
import { type AbortedTransaction } from './transaction-index.ts'
import { type Offset } from './types.ts'

export interface OpenOptions extends LogParts {
  nowMs: number
  /** The directory was closed cleanly. */
  clean: boolean
  /** From the directory's checkpoints; -1 when they say nothing. */
  recoveryPoint: Offset
  /** From there too; 0 when they say nothing. */
  logStart: Offset
}

/** Opens the partition in `folder`, or makes it there. */
export function openLog (options: OpenOptions): Log {
  const { disk, folder } = options
  const log = new Log(options, { segments: [], start: 0, end: 0, recoveryPoint: 0 })
  log.nowMs = options.nowMs
  if (disk.status(folder) === null) log.files.createFolder()
  settleLeftovers(disk, folder, options.logger)
  findSegments(log)
  const epochsKnown = loadEpochs(log)
  const end = options.clean ? loadClean(log) : recover(log, options.recoveryPoint)
  settleStart(log, options.logStart, end)
  if (!epochsKnown && log.segments.length > 0) readEpochs(log)
  trimEpochs(log)
  log.recoveryPoint = options.clean ? log.end : Math.min(Math.max(0, options.recoveryPoint), log.end)
  log.files.removeSnapshots(offset => offset > log.end || isStray(log, offset))
  if (log.snapshotOffset > log.end) log.snapshotOffset = -1
  // Where acks wait for the device, so do readers: what was found is made durable before it is shown.
  if (options.config.durability !== 'page-cache') log.flush()
  for (const segment of log.segments) options.listener.segmentChanged(segment.view())
  if (log.files.epochs.entries.length > 0) options.listener.epochsChanged(log.files.epochs.entries)
  return log
}

/** Segments by their .log files; indexes without one go. */
function findSegments (log: Log): void {
  const { disk, folder, identity } = log.parts
  const names = disk.list(folder)
  const owner = `${identity.topicId}-${identity.partition}`
  const bases = names.map(name => offsetOfName(name, suffix.log)).filter(base => base >= 0)
  bases.sort((a, b) => a - b)
  const withAborts = new Set(names.map(name => offsetOfName(name, suffix.transactionIndex)))
  for (const base of bases) {
    const segment = new Segment(disk, folder, base, owner, log.nowMs, log.files.jitterMs(log.config))
    segment.meter.bytes = disk.status(segment.path)?.bytes ?? 0
    if (withAborts.has(base)) segment.transactionIndex()
    log.segments.push(segment)
  }
  for (const name of names) {
    for (const ending of [suffix.offsetIndex, suffix.timeIndex, suffix.transactionIndex]) {
      const base = offsetOfName(name, ending)
      if (base >= 0 && !bases.includes(base)) disk.unlink(`${folder}/${name}`)
    }
  }
}

/** Returns the log's end. */
function loadClean (log: Log): Offset {
  if (log.segments.length === 0) return 0
  loadAllSealed(log, log.segments.length - 1)
  const end = loadActive(log, log.active)
  log.reset(0, end)
  checkAborts(log, log.segments.length - 1, end)
  loadProducers(log, end)
  log.background.resume(log.active.baseOffset, end, log.active.bytes)
  return end
}

function loadAllSealed (log: Log, count: number): void {
  const reader = new SegmentReader(log.parts.disk)
  try {
    for (const segment of log.segments.slice(0, count)) loadSealed(log, reader, segment)
    for (let index = 0; index < count; index++) checkAborts(log, index, log.segments[index + 1].baseOffset)
  } finally {
    reader.close()
  }
}

/** A segment that is not appended to any more: only the ends of its indexes are looked at. */
function loadSealed (log: Log, reader: SegmentReader, segment: Segment): void {
  const { disk, logger } = log.parts
  const glance = glanceAtIndexes(disk, reader, segment)
  if (glance === null) {
    logger.warn({ path: segment.path }, 'an index is missing or damaged: it is made again')
    rebuildIndexes(disk, log.scan, segment, log.config)
  } else {
    segment.meter.maxTimestampMs = glance.maxTimestampMs
    segment.meter.maxTimestampOffset = segment.baseOffset + glance.relative
  }
  segment.sealLoaded()
}

/** The transaction index of a segment whose batches need no check. It can be made again from them. */
function checkAborts (log: Log, index: number, end: Offset): void {
  const segment = log.segments[index]
  const { aborted, baseOffset } = segment
  if (aborted === null || aborted.load(baseOffset, end)) return
  const path = segment.pathOf(suffix.transactionIndex)
  log.parts.logger.warn({ path }, 'a transaction index is damaged: it is made again')
  aborted.replace(abortsIn(log, segment))
}

/**
 * The segment to append to: indexes in memory, and the few batches behind their last entry. A tail that is
 * no batch is cut off.
 */
function loadActive (log: Log, segment: Segment): Offset {
  const { disk, logger } = log.parts
  const { scan } = log
  const indexes = readIndexes(disk, segment)
  const size = segment.bytes
  if (size === 0 || indexes === null || !tailFits(log, segment, indexes.offsets, indexes.times)) {
    if (size > 0) logger.warn({ path: segment.path }, 'an index is missing or damaged: it is made again')
    return recoverActive(log, segment)
  }
  const { meter } = segment
  segment.loadIndexes(indexes.offsets, indexes.times)
  meter.maxTimestampMs = indexes.times.lastTimestampMs
  meter.maxTimestampOffset = segment.baseOffset + Math.max(0, indexes.times.lastRelative)
  const file = disk.open(segment.path, 'read')
  scan.reset()
  let end = segment.baseOffset
  let position = indexes.offsets.lastPosition
  if (scan.load(file, 0, size)) meter.firstTimestampMs = scan.header.maxTimestamp
  for (; scan.load(file, position, size); position += scan.header.bytes) {
    if (!fits(scan.header, segment.baseOffset, end)) break
    end = scan.header.lastOffset + 1
    if (scan.header.maxTimestamp > meter.maxTimestampMs) {
      meter.maxTimestampMs = scan.header.maxTimestamp
      meter.maxTimestampOffset = scan.header.lastOffset
    }
  }
  disk.close(file)
  scan.reset()
  if (position === size) return end
  logger.warn({ path: segment.path, position, size }, 'the segment does not end with a whole batch, though the shutdown was clean')
  return recoverActive(log, segment)
}

/** After a clean shutdown, though something is wrong with it. */
function recoverActive (log: Log, segment: Segment): Offset {
  const { baseOffset } = segment
  if (segment.bytes > 0) replayHeaders(log, loadSnapshot(log, baseOffset), baseOffset)
  const { end } = recoverOne(log, segment, baseOffset, Infinity, baseOffset)
  segment.closeFile()
  return end
}

/**
 * The last index entry points at a batch that ends with its offset, and times are there where records have
 * them.
 */
function tailFits (log: Log, segment: Segment, offsets: OffsetIndex, times: TimeIndex): boolean {
  if (offsets.count === 0) return true
  const { disk } = log.parts
  const file = disk.open(segment.path, 'read')
  const { scan } = log
  scan.reset()
  const fits = scan.load(file, offsets.lastPosition, segment.bytes) &&
    scan.header.lastOffset === segment.baseOffset + offsets.lastRelative &&
    scan.load(file, 0, segment.bytes) && (times.count > 0 || scan.header.maxTimestamp < 0)
  scan.reset()
  disk.close(file)
  return fits
}

/** Checks what may not have reached the device. Returns the log's end. */
function recover (log: Log, recoveryPoint: Offset): Offset {
  log.files.mistrust()
  const { segments } = log
  if (segments.length === 0) return 0
  let first = segments.length - 1
  while (first > 0 && segments[first].baseOffset > recoveryPoint) first--
  loadAllSealed(log, first)
  const base = segments[first].baseOffset
  const from = resumeSegment(log.parts.disk, segments[first], recoveryPoint)
  log.reset(0, from)
  // What was flushed in background was flushed with the producers as they were behind it.
  const known = loadSnapshot(log, from === base ? base : recoveryPoint + 1)
  replayHeaders(log, known, from)
  segments[first].aborted?.truncate(Math.max(from, known))
  log.files.removeSnapshots(offset => offset > Math.max(from, known))
  log.background.resume(base, from, segments[first].bytes)
  const ends: Offset[] = []
  for (let index = first; index < segments.length; index++) {
    const segment = segments[index]
    const next = segments[index + 1]?.baseOffset ?? Infinity
    const recovered = recoverOne(log, segment, index === first ? from : segment.baseOffset, next, known)
    const { end, lostBytes, replaced } = recovered
    ends.push(end)
    // A gap before the next segment is none of our business, as in Kafka: compaction leaves them, and so do
    // a power cut that spared the next one and whoever else wrote here.
    if (replaced) {
      log.parts.disk.fsync(segment.file)
      log.parts.logger.warn({ path: segment.path, end, lostBytes },
        'the tail of a segment was replaced by the next segment: it is cut off there')
    } else if (lostBytes > 0) cutAfter(log, index, end, lostBytes)
    if (index === segments.length - 1) break
    segment.finishTimeIndex()
    segment.writeIndexes()
    segment.syncAborted()
    segment.sealLoaded()
    log.files.sealed(segment, next)
    log.takeSnapshot(next, null)
  }
  // Compaction leaves gaps in a sound log: there the empty segment alone knows where the log ends.
  if (!log.config.compacts) dropEmptyEnds(log, ends)
  log.active.closeFile()
  const end = ends[ends.length - 1]
  if (end < known) {
    log.reset(0, end)
    loadProducers(log, end)
  }
  return end
}

/** Checks a segment from `from` on; the producers are those behind all batches below `known`. */
function recoverOne (
  log: Log, segment: Segment, from: Offset, before: Offset, known: Offset
): RecoveredSegment {
  const aborts: AbortedTransaction[] = []
  const { disk } = log.parts
  const seen = (header: BatchHeader, batch: Buffer): void => {
    if (header.partitionLeaderEpoch > log.files.epochs.latest) {
      log.assignEpoch(header.partitionLeaderEpoch, header.baseOffset)
    }
    if (header.lastOffset < known) return
    const aborted = replayBatch(log, header, header.control ? batch : null)
    if (aborted !== null) aborts.push(aborted)
  }
  const recovered = recoverSegment(disk, segment, log.config, from, before, seen)
  if (aborts.length > 0) {
    const kept = segment.aborted?.entries() ?? []
    segment.transactionIndex().replace([...kept, ...aborts])
  }
  return recovered
}

/**
 * A power cut may keep the name of a new segment but not the last batches of the one before. Where nothing
 * lies behind such a gap the log ends before it; records behind it stay, as in Kafka.
 */
function dropEmptyEnds (log: Log, ends: Offset[]): void {
  while (log.active.bytes === 0 && (ends.at(-2) ?? Infinity) < log.active.baseOffset) {
    ends.pop()
    cutAfter(log, log.segments.length - 2, ends[ends.length - 1], 0)
    unseal(log.parts.disk, log.scan, log.active, log.config)
    log.files.dropUnflushed(log.active.baseOffset)
  }
}

/** What lies behind a cut has no place in the log any more. */
function cutAfter (log: Log, index: number, end: Offset, lostBytes: number): void {
  const { path } = log.segments[index]
  const behind = log.segments.splice(index + 1).reverse()
  for (const segment of behind) log.files.doom(segment, 0)
  log.files.unlinkAll()
  // On the device before anything is appended: another power cut must not bring them back behind new records.
  log.parts.disk.fsync(log.segments[index].file)
  log.parts.disk.fsyncDirectory(log.parts.folder)
  log.parts.logger.warn({ path, end, lostBytes, segmentsDeleted: behind.length },
    'the tail of a segment is missing or is no whole batch: the log is cut off there')
}

function settleStart (log: Log, logStart: Offset, end: Offset): void {
  if (log.segments.length > 0 && end < logStart) {
    log.parts.logger.warn({ folder: log.parts.folder, end, logStart },
      'all that is left lies below the log start: it is deleted')
    log.truncateFullyAndStartAt(logStart)
  } else if (log.segments.length === 0) {
    log.reset(logStart, logStart)
    if (logStart > 0) log.roll(logStart, null, log.nowMs)
    log.reset(logStart, logStart)
  } else {
    log.reset(Math.max(logStart, log.segments[0].baseOffset), end)
  }
}

/** False when the file is missing or unreadable: the batches know. */
function loadEpochs (log: Log): boolean {
  const text = textOf(log.parts.disk, `${log.parts.folder}/${fileNames.leaderEpochs}`)
  const epochs = text === null ? null : LeaderEpochs.decode(text)
  if (epochs === null) return false
  log.files.epochs = epochs
  return true
}

function readEpochs (log: Log): void {
  const { disk } = log.parts
  const { scan } = log
  const found = new LeaderEpochs()
  for (const segment of log.segments) {
    const file = disk.open(segment.path, 'read')
    scan.reset()
    for (let position = 0; scan.load(file, position, segment.bytes); position += scan.header.bytes) {
      const { partitionLeaderEpoch, baseOffset } = scan.header
      if (partitionLeaderEpoch > found.latest) found.assign(partitionLeaderEpoch, baseOffset)
    }
    disk.close(file)
  }
  log.files.epochs = found
  log.files.epochsChanged()
  log.files.writeEpochs(false)
}

function trimEpochs (log: Log): void {
  const cut = log.files.epochs.truncateFromEnd(log.end)
  const begun = log.files.epochs.truncateFromStart(log.start)
  if (cut || begun) log.files.epochsChanged()
  if (cut) log.files.writeEpochs(true)
  log.leaderEpoch = log.files.epochs.latest
}

/** A snapshot that belongs to no segment and is not the newest one. */
function isStray (log: Log, offset: Offset): boolean {
  const newestBase = log.segments.length === 0 ? -1 : log.active.baseOffset
  return offset < newestBase && !log.segments.some(segment => segment.baseOffset === offset)
}
