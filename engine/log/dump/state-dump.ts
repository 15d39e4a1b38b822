// Dumps what a segment remembers of producers: .snapshot and .txnindex files.
import { crc32c } from '../../base/crc32c.ts'
import { AbortedTxn } from '../../protocol/records/aborted-txn.ts'
import { decodeVersioned } from '../../protocol/records/record-type.ts'
import { ProtocolError } from '../../protocol/wire.ts'
import { decodeSnapshot } from '../producer-snapshot.ts'
import { type ProducerEntry, takeFromSequence } from '../producer-entry.ts'
import { type LogDump } from './log-dump.ts'
import { DumpError } from './types.ts'

/** A million producers take 46 MB; more of them, or a file of something else, is not read whole. */
const snapshotBytesMax = 64 * 2 ** 20
const snapshotVersion = 1
const crcAt = 2
const crcEnd = 6
/** A version, then four int64s. */
const abortedBytes = 34
const blockEntries = 4096

export function * dumpSnapshot (dump: LogDump): Generator<string, void> {
  const bytes = readWhole(dump)
  const entries = decodeSnapshot(bytes, 0)
  if (entries === null) throw new DumpError(snapshotFault(bytes, dump.path))
  for (const entry of entries) yield producerLine(entry)
}

function readWhole ({ disk, path }: LogDump): Buffer {
  const bytes = disk.status(path)?.bytes ?? 0
  if (bytes <= snapshotBytesMax) return disk.readFile(path)
  throw new DumpError(`${path} has ${bytes} bytes, more than the ${snapshotBytesMax} a snapshot is read with`)
}

function snapshotFault (bytes: Buffer, path: string): string {
  if (bytes.length < crcEnd) return `Snapshot ${path} is cut short: it has ${bytes.length} bytes`
  const version = bytes.readInt16BE(0)
  if (version !== snapshotVersion) return `Snapshot ${path} contained an unknown file version ${version}`
  const stored = bytes.readUInt32BE(crcAt)
  const computed = crc32c(bytes, crcEnd)
  if (stored !== computed) {
    return `Snapshot ${path} is corrupt (CRC is no longer valid). Stored crc: ${stored}. Computed crc: ${computed}`
  }
  return `Snapshot ${path} is corrupt: its entries do not add up to its ${bytes.length} bytes`
}

function producerLine (entry: ProducerEntry): string {
  const open = entry.transactionStart < 0 ? 'OptionalLong.empty' : `OptionalLong[${entry.transactionStart}]`
  const start = `producerId: ${entry.id} producerEpoch: ${entry.epoch} ` +
    `coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ${open} ` +
    `lastTimestamp: ${entry.timestampMs}`
  if (entry.count === 0) return `${start}\n`
  const slot = entry.slot(0)
  const [lastSequence, lastOffset, offsetDelta, timestampMs] = entry.ring.slice(slot, slot + 4)
  return `${start} firstSequence: ${takeFromSequence(lastSequence, offsetDelta)} lastSequence: ${lastSequence} ` +
    `lastOffset: ${lastOffset} offsetDelta: ${offsetDelta} timestamp: ${timestampMs}\n`
}

export function * dumpTransactionIndex ({ disk, path }: LogDump): Generator<string, void> {
  const file = disk.open(path, 'read')
  try {
    const block = Buffer.allocUnsafe(blockEntries * abortedBytes)
    for (let position = 0; ;) {
      const read = disk.read(file, block, position)
      let at = 0
      for (; at + abortedBytes <= read; at += abortedBytes) {
        yield abortedLine(block.subarray(at, at + abortedBytes), path, position + at)
      }
      if (at === 0) return
      position += at
    }
  } finally {
    disk.close(file)
  }
}

function abortedLine (bytes: Buffer, path: string, position: number): string {
  try {
    const { version, value } = decodeVersioned(AbortedTxn, bytes)
    return `version: ${version} producerId: ${value.producerId} firstOffset: ${value.firstOffset} ` +
      `lastOffset: ${value.lastOffset} lastStableOffset: ${value.lastStableOffset}\n`
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new DumpError(`The entry at position ${position} of transaction index ${path} cannot be read: ` +
      error.message)
  }
}
