// Transactions in the log's tests: what a transactional producer and its coordinator append.
import { buildEndMarker, readEndMarker } from '../../protocol/end-marker.ts'
import { errorName } from '../../protocol/errors.ts'
import { eachBatch, readBatchHeader } from '../../protocol/record-batch.ts'
import { decodeRecords } from '../../protocol/record.ts'
import { collectAborted, abortedSearch, type AbortedRange } from '../aborted-reader.ts'
import { type Log } from '../partition-log.ts'
import { type SegmentView } from '../partition-log.types.ts'
import { SegmentReader, segmentAt } from '../reader.ts'
import { type Offset } from '../types.ts'
import { batch, now } from './kit.ts'

export interface Producing { producerId: number, producerEpoch?: number }

/** Stages a transactional batch as a broker's own component does; returns the error's name. */
export function stageIn (
  log: Log, values: string[], { producerId, producerEpoch = 0 }: Producing, timestamp = now
): string {
  const bytes = batch(values, { transactional: true, producerId, producerEpoch, baseSequence: 0 }, timestamp)
  return errorName(log.stageAsLeader(bytes, 'coordinator', now).errorCode)
}

export function stageEnd (
  log: Log, commit: boolean, { producerId, producerEpoch = 0 }: Producing, coordinatorEpoch = 0
): string {
  const marker = buildEndMarker({ commit, producerId, producerEpoch, coordinatorEpoch, timestamp: now })
  return errorName(log.stageAsLeader(marker, 'coordinator', now).errorCode)
}

/** In rounds of their own. Throw when refused. */
export function writeIn (log: Log, values: string[], producer: Producing, timestamp = now): void {
  taken(stageIn(log, values, producer, timestamp))
  log.write(now)
}

export function commit (log: Log, producer: Producing): void {
  taken(stageEnd(log, true, producer))
  log.write(now)
}

export function abort (log: Log, producer: Producing): void {
  taken(stageEnd(log, false, producer))
  log.write(now)
}

function taken (error: string): void {
  if (error !== 'NONE') throw new Error(`refused with ${error}`)
}

/** What a Fetch of committed records from `offset` on is told, when it reads as far as `bytes` reach. */
export function abortedFrom (
  log: Log, seen: ReadonlyMap<Offset, SegmentView>, offset: Offset, bytes = Infinity
): AbortedRange[] {
  const reader = new SegmentReader(log.parts.disk)
  try {
    const views = [...seen.values()].sort((a, b) => a.baseOffset - b.baseOffset)
    const at = Math.max(0, segmentAt(views, offset))
    const search = abortedSearch(views, at, log.end)
    const found = reader.find(views[at], offset, log.end)
    if (search === null || found === null) return []
    return collectAborted(reader, views[at], search, offset, found.position + bytes)
  } finally {
    reader.close()
  }
}

/** What a consumer of committed records makes of an answer: values from `offset` on, and where it goes on. */
export function committedIn (
  bytes: Buffer, offset: Offset, aborted: readonly AbortedRange[]
): { values: string[], next: Offset } {
  const coming = [...aborted].sort((x, y) => x.firstOffset - y.firstOffset)
  const skipped = new Set<number>()
  const values: string[] = []
  let next = offset
  eachBatch(bytes, 0, bytes.length, (at) => {
    const header = readBatchHeader(bytes, at)
    while (coming.length > 0 && coming[0].firstOffset <= header.lastOffset) {
      skipped.add(coming.shift()!.producerId)
    }
    if (header.control) {
      const batch = bytes.subarray(at, at + header.bytes)
      if (readEndMarker(batch)?.commit === false) skipped.delete(header.producerId)
    } else if (!(header.transactional && skipped.has(header.producerId))) {
      for (const record of decodeRecords(bytes, at)) {
        if (record.offset >= offset) values.push(record.value?.toString() ?? '')
      }
    }
    next = header.lastOffset + 1
  })
  return { values, next }
}
