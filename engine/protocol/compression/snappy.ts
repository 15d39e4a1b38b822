// Snappy in the framing of Java's snappy stream, which is what Kafka's clients write; a bare snappy block is
// read too.
//
//  | 82 'SNAPPY' 00 | version 1 | readable since 1 |, then blocks: | bytes, int32 | one snappy block |
//  8 bytes            int32       int32                           numbers big-endian
//
// The sixteen bytes may come again before any block (streams that were joined).
//
// The library compresses; what comes in is taken apart in memory that is there already, but for blocks above
// 4 MB: at 16 KB a batch at a tenth of the price (bench/suites/decompress).

import { createRequire } from 'node:module'
import { damaged, tooLarge } from './error.ts'
import { type PackLimits } from './limits.ts'
import { blockBytesMax, type Scratch, scratch } from './scratch.ts'

interface Native {
  compressSync (bytes: Uint8Array, options: { copyOutputData: true }): Buffer
  uncompressSync (bytes: Uint8Array, options: { asBuffer: true }): Buffer
}

const streamMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const streamHeaderBytes = 16
const readableVersionMin = 1
/** What Java's stream cuts its input into. */
const blockBytes = 32_768
/** Three bytes of a block stand for 64 at most. */
const expansionMax = 22

// With the copy, what comes out is V8's own memory. What is the library's is freed by the event loop, and a
// log worker has none.
let loaded: Native | null = null

function native (): Native {
  loaded ??= createRequire(import.meta.url)('snappy') as Native
  return loaded
}

export function compress (bytes: Uint8Array, { bytesMax = Infinity }: PackLimits): Buffer {
  const header = Buffer.alloc(streamHeaderBytes)
  header.set(streamMagic)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Uint8Array[] = [header]
  let left = bytesMax - header.length
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = native().compressSync(bytes.subarray(at, at + blockBytes), { copyOutputData: true })
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
    left -= length.length + block.length
    if (left < 0) throw tooLarge(bytesMax)
  }
  return Buffer.concat(parts)
}

export function decompress (bytes: Uint8Array, bytesMax: number): Buffer {
  const buf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const output = scratch()
  output.begin(bytesMax)
  if (!startsStream(buf, 0)) {
    uncompressBlock(buf, output)
    return output.end()
  }
  let at = 0
  while (at + 4 <= buf.length) { // fewer than four bytes at the end are ignored, as Java does
    if (startsStream(buf, at)) {
      if (buf.readInt32BE(at + 12) < readableVersionMin) throw damaged('snappy stream of an unknown version')
      at += streamHeaderBytes
      continue
    }
    const length = buf.readInt32BE(at)
    at += 4
    if (length < 0 || length > buf.length - at) throw damaged('snappy block is cut off')
    uncompressBlock(buf.subarray(at, at + length), output)
    at += length
  }
  return output.end()
}

function startsStream (buf: Buffer, at: number): boolean {
  return at + streamHeaderBytes <= buf.length && streamMagic.equals(buf.subarray(at, at + 8))
}

/**
 * A block starts with the number of bytes that come out of it: checked before anything makes room for them.
 */
function uncompressBlock (block: Buffer, output: Scratch): void {
  const lengthBytes = announcementBytes(block)
  const announced = announcedBytes(block, lengthBytes)
  if (announced > block.length * expansionMax) throw damaged('snappy block promises more than it can hold')
  output.announce(announced)
  if (announced > blockBytesMax || block.length > blockBytesMax) {
    output.take(uncompressLarge(block))
  } else if (output.unpack('snappyBlock', block.subarray(lengthBytes), announced) !== announced) {
    throw damaged('snappy block holds less than it promises')
  }
}

function uncompressLarge (block: Buffer): Buffer {
  try {
    return native().uncompressSync(block, { asBuffer: true })
  } catch (error) {
    throw damaged('damaged snappy', error)
  }
}

function announcementBytes (block: Buffer): number {
  for (let index = 0; index < 5 && index < block.length; index++) {
    if (block[index] < 0x80) return index + 1
  }
  throw damaged('snappy block without a length')
}

function announcedBytes (block: Buffer, lengthBytes: number): number {
  let bytes = 0
  for (let index = 0; index < lengthBytes; index++) bytes += (block[index] & 0x7f) * 2 ** (7 * index)
  return bytes
}
