// A log of any size at the price of little: segments of Kafka's format, laid into the folder of a broker
// that has stopped in order. Each batch is one record whose value is a megabyte of zeros, so that all but its
// first bytes is a hole in a sparse file: a hundred gigabytes take half a one. Everything is right about it
// (checksums, offsets, both indexes, the producers' snapshot), as if the broker had written it itself.
import {
  closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync
} from 'node:fs'
import { join } from 'node:path'
import { decodeOffsets, encodeOffsets } from '../../engine/log/checkpoints.ts'
import { fileNames, offsetFile, suffix } from '../../engine/log/names.ts'
import { encodeSnapshot } from '../../engine/log/producer-snapshot.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import { batchHeader, batchHeaderBytes, readInt64, setBaseOffset } from '../../engine/protocol/record-batch.ts'

const valueBytes = 1_000_000
/** As both roll: no segment is larger. */
const segmentBytesMax = 2 ** 30
/** Header and the start of the record: all that is not zero but for its last byte, a count of no headers. */
const headBytes = batchHeaderBytes + 32

interface Segment { readonly base: number, readonly batches: number }

function writeSegment (folder: string, batch: Buffer, { base, batches }: Segment): void {
  const log = openSync(offsetFile(folder, base, suffix.log), 'w')
  ftruncateSync(log, batches * batch.length)
  for (let index = 0; index < batches; index++) {
    setBaseOffset(batch, 0, base + index)
    writeSync(log, batch, 0, headBytes, index * batch.length)
  }
  closeSync(log)
  // An entry for each batch that begins more than 4 KB behind the last entry: all but the first.
  const entries = Buffer.alloc((batches - 1) * 8)
  for (let index = 1; index < batches; index++) {
    entries.writeInt32BE(index, (index - 1) * 8)
    entries.writeInt32BE(index * batch.length, (index - 1) * 8 + 4)
  }
  writeFileSync(offsetFile(folder, base, suffix.offsetIndex), entries)
  // All are of one time: the first batch says it.
  const time = Buffer.alloc(12)
  time.writeBigInt64BE(BigInt(readInt64(batch, batchHeader.maxTimestamp)), 0)
  writeFileSync(offsetFile(folder, base, suffix.timeIndex), time)
}

/** Replaces the log of `topic`-0 in the data folder by one of so many bytes. */
export function laySparseLog (data: string, topic: string, bytes: number): void {
  const folder = join(data, `${topic}-0`)
  for (const name of readdirSync(folder)) {
    if (/^\d{20}\./.test(name)) rmSync(join(folder, name))
  }
  const batch = Buffer.from(buildBatch({}, [{ value: Buffer.alloc(valueBytes), timestamp: Date.now() }]))
  const perSegment = Math.floor(segmentBytesMax / batch.length)
  const batches = Math.ceil(bytes / batch.length)
  for (let base = 0; base < batches; base += perSegment) {
    writeSegment(folder, batch, { base, batches: Math.min(perSegment, batches - base) })
  }
  writeFileSync(offsetFile(folder, batches, suffix.snapshot), encodeSnapshot([]))
  for (const name of [fileNames.recoveryPoints, fileNames.highWatermarks]) {
    const path = join(data, name)
    const offsets = decodeOffsets(readFileSync(path, 'utf8'))
    offsets.set(`${topic}-0`, batches)
    writeFileSync(path, encodeOffsets(offsets))
  }
}
