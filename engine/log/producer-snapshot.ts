// Producer states on disk, `<offset>.snapshot`: what the batches below that offset add up to. Kafka's file,
// big-endian:
//
//   0         2         6         10     46 bytes each                                             ours
//   | version | CRC-32C | entries | id epoch seq offset delta time coordEpoch txnStart | ... | older batches
//                       ^ the checksum covers from here to the end of the file
//
// Kafka keeps only each producer's newest batch there and reads no further. The four older ones lie behind,
// so that a retry is
// recognised across a restart too:
//
//   | count | id lastSequence lastOffset delta time | ...      32 bytes each, a producer's oldest first
import { crc32c } from '../base/crc32c.ts'
import { ProducerEntry } from './producer-entry.ts'
import { readInt64, writeInt64 } from '../protocol/record-batch.ts'

const version = 1
const crcAt = 2
const entriesAt = 6
const entryBytes = 46
const olderBytes = 32

export function encodeSnapshot (producers: Iterable<ProducerEntry>): Buffer {
  const entries = [...producers]
  let older = 0
  for (const entry of entries) older += Math.max(0, entry.count - 1)
  const tail = older === 0 ? 0 : 4 + older * olderBytes
  const bytes = Buffer.alloc(entriesAt + 4 + entries.length * entryBytes + tail)
  bytes.writeInt16BE(version, 0)
  let at = bytes.writeInt32BE(entries.length, entriesAt)
  for (const entry of entries) at = writeEntry(bytes, entry, at)
  if (older > 0) {
    at = bytes.writeInt32BE(older, at)
    for (const entry of entries) at = writeOlder(bytes, entry, at)
  }
  bytes.writeUInt32BE(crc32c(bytes, entriesAt), crcAt)
  return bytes
}

function writeEntry (bytes: Buffer, entry: ProducerEntry, at: number): number {
  const newest = entry.slot(0)
  writeInt64(bytes, at, entry.id)
  bytes.writeInt16BE(entry.epoch, at + 8)
  bytes.writeInt32BE(entry.lastSequence, at + 10)
  writeInt64(bytes, at + 14, entry.lastOffset)
  bytes.writeInt32BE(entry.count === 0 ? 0 : entry.ring[newest + 2], at + 22)
  writeInt64(bytes, at + 26, entry.timestampMs)
  bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
  writeInt64(bytes, at + 38, entry.transactionStart)
  return at + entryBytes
}

function writeOlder (bytes: Buffer, entry: ProducerEntry, at: number): number {
  for (let age = entry.count - 1; age > 0; age--) {
    const slot = entry.slot(age)
    writeInt64(bytes, at, entry.id)
    bytes.writeInt32BE(entry.ring[slot], at + 8)
    writeInt64(bytes, at + 12, entry.ring[slot + 1])
    bytes.writeInt32BE(entry.ring[slot + 2], at + 20)
    writeInt64(bytes, at + 24, entry.ring[slot + 3])
    at += olderBytes
  }
  return at
}

/** null when the bytes are no whole, undamaged snapshot. */
export function decodeSnapshot (bytes: Buffer, nowMs: number): ProducerEntry[] | null {
  if (bytes.length < entriesAt + 4 || bytes.readInt16BE(0) !== version) return null
  if (crc32c(bytes, entriesAt) !== bytes.readUInt32BE(crcAt)) return null
  const count = bytes.readInt32BE(entriesAt)
  const olderAt = entriesAt + 4 + count * entryBytes
  if (count < 0 || olderAt > bytes.length) return null
  const older = readOlder(bytes, olderAt, nowMs)
  const entries: ProducerEntry[] = []
  for (let at = entriesAt + 4; at < olderAt; at += entryBytes) {
    const id = readInt64(bytes, at)
    const entry = older.get(id) ?? new ProducerEntry(id, nowMs)
    entry.epoch = bytes.readInt16BE(at + 8)
    const lastOffset = readInt64(bytes, at + 14)
    const timestampMs = readInt64(bytes, at + 26)
    if (lastOffset >= 0) {
      entry.push(bytes.readInt32BE(at + 10), lastOffset, bytes.readInt32BE(at + 22), timestampMs)
    }
    entry.timestampMs = timestampMs
    entry.coordinatorEpoch = bytes.readInt32BE(at + 34)
    entry.transactionStart = readInt64(bytes, at + 38)
    entries.push(entry)
  }
  return entries
}

function readOlder (bytes: Buffer, at: number, nowMs: number): Map<number, ProducerEntry> {
  const entries = new Map<number, ProducerEntry>()
  if (at + 4 > bytes.length) return entries
  const end = at + 4 + bytes.readInt32BE(at) * olderBytes
  if (end !== bytes.length) return entries
  for (at += 4; at < end; at += olderBytes) {
    const id = readInt64(bytes, at)
    let entry = entries.get(id)
    if (entry === undefined) {
      entry = new ProducerEntry(id, nowMs)
      entries.set(id, entry)
    }
    const delta = bytes.readInt32BE(at + 20)
    entry.push(bytes.readInt32BE(at + 8), readInt64(bytes, at + 12), delta, readInt64(bytes, at + 24))
  }
  return entries
}
