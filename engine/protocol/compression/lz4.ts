// LZ4 frames as Kafka's clients write and read them: blocks that do not refer to each other. The library
// compresses the blocks alone (its frames have no bound), on a thread with an event loop. What comes in is
// taken apart without it, in memory that is there already: at 16 KB a batch at a quarter of the price
// (bench/suites/decompress).
//
//  | magic | flags | block size | content size? | header check |, then blocks: | size | content | checksum? |
//   4       1       1            8               1                              4                4
//  | 0, 4 | content checksum? |   numbers little-endian; the top bit of a size says: stored as it is
//    end    4

import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { packLz4Block } from './block-pack.ts'
import { damaged, tooLarge } from './error.ts'
import { type PackLimits } from './limits.ts'
import { blockBytesMax, scratch } from './scratch.ts'
import { xxhash32 } from './xxhash32.ts'

interface Native {
  /** The output is preceded by its size in four bytes: not part of LZ4. */
  compressSync (bytes: Uint8Array): Buffer
}

const frameMagic = 0x184d2204
const storedBit = 0x80000000
const flags = { version: 0xc0, independent: 0x20, blockChecksum: 0x10, contentSize: 0x08 }
const versionOne = 0x40
/** Version 1, independent blocks of up to 64 KB, and the check byte of those two. */
const frameHeader = Buffer.from([0x04, 0x22, 0x4d, 0x18, versionOne | flags.independent, 0x40, 0x82])
const blockBytes = 65_536
const sizeBytes = 4

let loaded: Native | null = null

function native (): Native {
  loaded ??= createRequire(import.meta.url)('lz4-napi') as Native
  return loaded
}

function libraryBlock (plain: Uint8Array): Uint8Array {
  return native().compressSync(plain).subarray(sizeBytes)
}

/** Our threads wait in one place and turn no event loop: there the library's blocks would never be freed. */
const packBlock = isMainThread ? libraryBlock : packLz4Block

export function compress (bytes: Uint8Array, { bytesMax = Infinity }: PackLimits): Buffer {
  const parts: Uint8Array[] = [frameHeader]
  let left = bytesMax - frameHeader.length - sizeBytes
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const plain = bytes.subarray(at, at + blockBytes)
    const packed = packBlock(plain)
    const stored = packed.length >= plain.length
    const block = stored ? plain : Buffer.from(packed)
    const size = Buffer.allocUnsafe(sizeBytes)
    size.writeUInt32LE(stored ? storedBit + plain.length : packed.length)
    parts.push(size, block)
    left -= sizeBytes + block.length
    if (left < 0) throw tooLarge(bytesMax)
  }
  parts.push(Buffer.alloc(sizeBytes))
  return Buffer.concat(parts)
}

/**
 * The first frame; what follows it is not read, as in Kafka: a batch that needs it has too few records then.
 * What is returned may be lent: see scratch.ts.
 */
export function decompress (bytes: Uint8Array, bytesMax: number): Buffer {
  const buf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const flag = frameFlags(buf)
  const outputMax = blockOutputMax(buf[5])
  const output = scratch()
  output.begin(bytesMax)
  let at = headerEnd(buf, flag)
  for (;;) {
    const size = uint32(buf, at)
    at += sizeBytes
    if (size === 0) break
    const length = size % storedBit
    if (length > outputMax) throw damaged('lz4 block is larger than its frame allows')
    if (length > buf.length - at) throw damaged('lz4 block is cut off')
    checkBlock(buf, at, length, flag)
    const block = buf.subarray(at, at + length)
    if (size >= storedBit) output.stored(block)
    else output.unpack('lz4Block', block, outputMax)
    at += length + ((flag & flags.blockChecksum) !== 0 ? 4 : 0)
  }
  return output.end()
}

function uint32 (buf: Buffer, at: number): number {
  if (at + 4 > buf.length) throw damaged('lz4 frame is cut off')
  return buf.readUInt32LE(at)
}

function frameFlags (buf: Buffer): number {
  if (uint32(buf, 0) !== frameMagic) throw damaged('no lz4 frame')
  if (buf.length < frameHeader.length) throw damaged('lz4 frame is cut off')
  const flag = buf[4]
  if ((flag & flags.version) !== versionOne) throw damaged('lz4 frame of an unknown version')
  if ((flag & flags.independent) === 0) throw damaged('lz4 blocks that refer to each other')
  return flag
}

/** 64 KB, 256 KB, 1 MB or 4 MB, by the three bits of the block descriptor. */
function blockOutputMax (descriptor: number): number {
  const size = descriptor >> 4 & 7
  if (size < 4) throw damaged('lz4 block size is unknown')
  return blockBytesMax >> 2 * (7 - size)
}

/** Checks the header's own check byte. The content size is a hint that nobody needs. */
function headerEnd (buf: Buffer, flag: number): number {
  const end = 6 + ((flag & flags.contentSize) !== 0 ? 8 : 0)
  if (end >= buf.length) throw damaged('lz4 frame is cut off')
  if ((xxhash32(buf, 4, end) >>> 8 & 0xff) !== buf[end]) throw damaged('lz4 frame header is damaged')
  return end + 1
}

function checkBlock (buf: Buffer, at: number, length: number, flag: number): void {
  if ((flag & flags.blockChecksum) === 0) return
  if (uint32(buf, at + length) !== xxhash32(buf, at, at + length)) throw damaged('lz4 block is damaged')
}
