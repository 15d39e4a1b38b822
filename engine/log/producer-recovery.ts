// Producer states at start and after a cut: the newest sound snapshot, then the headers of the batches
// behind it.
import { type FileHandle } from '../base/disk.ts'
import { readEndMarker } from '../protocol/end-marker.ts'
import { type BatchHeader, noProducerId, verifyCrc } from '../protocol/record-batch.ts'
import { offsetFile, suffix } from './names.ts'
import { floorPosition } from './offset-index.ts'
import { type Log } from './partition-log.ts'
import { decodeSnapshot } from './producer-snapshot.ts'
import { type Segment } from './segment.ts'
import { type AbortedTransaction } from './transaction-index.ts'
import { type Offset, type Position } from './types.ts'

/** Far more than a marker has: what claims more is none. */
const markerBytesMax = 65_536

/** The states as the batches below `upTo` leave them. */
export function loadProducers (log: Log, upTo: Offset): void {
  const decided = [...log.producers.transactions.decided]
  const from = loadSnapshot(log, upTo)
  log.producers.transactions.waitStill(decided, from)
  replayHeaders(log, from, upTo)
}

/**
 * Takes the newest snapshot at or below `upTo` that can be read; damaged ones go. Returns the offset to
 * replay from.
 */
export function loadSnapshot (log: Log, upTo: Offset): Offset {
  const { disk, folder, logger } = log.parts
  log.producers.clear()
  log.snapshotOffset = -1
  for (const offset of log.files.snapshots().reverse()) {
    // What lay between an older one and the first segment is gone: no knowledge is better than old.
    if (offset > upTo || offset < (log.segments[0]?.baseOffset ?? 0)) continue
    const path = offsetFile(folder, offset, suffix.snapshot)
    const entries = decodeSnapshot(disk.readFile(path), log.nowMs)
    if (entries !== null) {
      log.producers.load(entries)
      log.snapshotOffset = offset
      return offset
    }
    logger.warn({ path }, 'a producer snapshot is damaged: the states are read from the log instead')
    disk.unlink(path)
  }
  return 0
}

/** The transactions that the markers in a segment abort, from the states as the log leaves them there. */
export function abortsIn (log: Log, segment: Segment): AbortedTransaction[] {
  const { disk } = log.parts
  replayHeaders(log, loadSnapshot(log, segment.baseOffset), segment.baseOffset)
  const found: AbortedTransaction[] = []
  const file = disk.open(segment.path, 'read')
  try {
    replaySegment(log, segment, file, segment.baseOffset, Infinity, found)
  } finally {
    disk.close(file)
  }
  return found
}

/** Replays the batches in [from, upTo) by their headers. */
export function replayHeaders (log: Log, from: Offset, upTo: Offset): void {
  const { disk } = log.parts
  for (let index = 0; index < log.segments.length; index++) {
    const segment = log.segments[index]
    const end = log.segments[index + 1]?.baseOffset ?? log.end
    if (end <= from || segment.baseOffset >= upTo || segment.bytes === 0) continue
    const file = disk.open(segment.path, 'read')
    try {
      replaySegment(log, segment, file, from, upTo)
    } finally {
      disk.close(file)
    }
  }
}

function replaySegment (
  log: Log, segment: Segment, file: FileHandle, from: Offset, upTo: Offset, aborts: AbortedTransaction[] = []
): void {
  const { scan } = log
  scan.reset()
  // Of a sealed segment the index is not in memory: it is read from its start.
  const relative = from - segment.baseOffset
  let position = relative > 0 ? floorPosition(segment.offsetIndex.memory, relative - 1) : 0
  for (; scan.load(file, position, segment.bytes); position += scan.header.bytes) {
    const { header } = scan
    if (header.baseOffset >= upTo) break
    if (header.baseOffset < from || header.producerId === noProducerId) continue
    const batch = header.control ? markerAt(log, segment, file, position, header.bytes) : null
    const aborted = replayBatch(log, header, batch)
    if (aborted !== null) aborts.push(aborted)
  }
  scan.reset()
}

/** A control batch that no checksum was asked about so far. A damaged one decides nothing: null. */
function markerAt (
  log: Log, segment: Segment, file: FileHandle, position: Position, bytes: number
): Buffer | null {
  const batch = Buffer.alloc(Math.min(bytes, markerBytesMax))
  log.parts.disk.read(file, batch, position)
  if (bytes <= markerBytesMax && verifyCrc(batch, 0, bytes)) return batch
  log.parts.logger.warn({ path: segment.path, position },
    'the marker of a transaction is damaged: the transaction stays open')
  return null
}

/**
 * `batch` is the whole batch where it is a control batch: its marker ends a transaction. Returns the one that
 * it aborts, if it does.
 */
export function replayBatch (log: Log, header: BatchHeader, batch: Buffer | null): AbortedTransaction | null {
  const marker = header.control && batch !== null ? readEndMarker(batch) : null
  const aborted = log.producers.replay(header, marker, log.nowMs)
  log.producers.commit()
  return aborted
}
