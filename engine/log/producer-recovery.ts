// Producer states at start and after a cut: the newest sound snapshot, then the headers of the batches
// behind it.
import { type FileHandle } from '../base/disk.ts'
import { type BatchHeader, noProducerId, readInt16, readInt32 } from '../protocol/record-batch.ts'
import { decodeRecords } from '../protocol/record.ts'
import { offsetFile, suffix } from './names.ts'
import { type Log } from './partition-log.ts'
import { decodeSnapshot } from './producer-snapshot.ts'
import { type Segment } from './segment.ts'
import { type Offset } from './types.ts'

/** The states as the batches below `upTo` leave them. */
export function loadProducers (log: Log, upTo: Offset): void {
  replayHeaders(log, loadSnapshot(log, upTo), upTo)
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
    if (offset > upTo) continue
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

function replaySegment (log: Log, segment: Segment, file: FileHandle, from: Offset, upTo: Offset): void {
  const { scan } = log
  scan.reset()
  for (let position = 0; scan.load(file, position, segment.bytes); position += scan.header.bytes) {
    const { header } = scan
    if (header.baseOffset >= upTo) break
    if (header.baseOffset < from || header.producerId === noProducerId) continue
    let batch: Buffer | null = null
    if (header.control) {
      batch = Buffer.alloc(header.bytes)
      log.parts.disk.read(file, batch, position)
    }
    replayBatch(log, header, batch)
  }
  scan.reset()
}

/** `batch` is the whole batch where it is a control batch: its marker carries the coordinator's epoch. */
export function replayBatch (log: Log, header: BatchHeader, batch: Buffer | null): void {
  log.producers.replay(header, header.control && batch !== null ? coordinatorEpochOf(batch) : -1, log.nowMs)
  log.producers.commit()
}

/**
 * A marker's value:  | version int16 | coordinator epoch int32 |; an empty control batch is what
 * compaction leaves.
 */
function coordinatorEpochOf (batch: Buffer): number {
  const marker = decodeRecords(batch)[0]
  if (marker?.value == null || marker.value.length < 6 || readInt16(marker.value, 0) < 0) return -1
  return readInt32(marker.value, 2)
}
