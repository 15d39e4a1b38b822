// Zstandard, by node:zlib. Its decoder stops after one frame, while other readers take several as one text:
// so the frames are told apart here, by their headers.
//
//  frame:  | magic | descriptor | window? | dictionary? | content size? | block ... | checksum? |
//           4       1            0-1       0, 1, 2, 4    0, 1, 2, 4, 8               0 or 4
//  block:  | last (1 bit), type (2 bits), size (21 bits) | content (one byte where a byte is repeated) |
//  skippable frame:  | magic | size, 4 | content |            numbers little-endian

import { kMaxLength } from 'node:buffer'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { damaged, tooLarge } from './error.ts'
import { type PackLimits } from './limits.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50 // the lowest four bits are free
const blockHeaderBytes = 3
const repeatedByte = 1
const chunkBytes = 65_536

export function compress (bytes: Uint8Array, limits: PackLimits): Buffer {
  const { level = constants.ZSTD_CLEVEL_DEFAULT, bytesMax = kMaxLength } = limits
  try {
    return zstdCompressSync(bytes, {
      chunkSize: chunkBytes,
      pledgedSrcSize: bytes.length,
      maxOutputLength: Math.max(bytesMax, 1),
      params: { [constants.ZSTD_c_compressionLevel]: level }
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw error
  }
}

export function decompress (bytes: Uint8Array, bytesMax: number): Buffer {
  const buf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const parts: Buffer[] = []
  let left = bytesMax
  let at = 0
  do {
    const end = frameEnd(buf, at)
    if (isFrame(buf, at)) {
      const part = decompressFrame(buf.subarray(at, end), left, bytesMax)
      parts.push(part)
      left -= part.length
    }
    at = end
  } while (at < buf.length)
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

function decompressFrame (frame: Buffer, left: number, bytesMax: number): Buffer {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: Math.max(left, 1), chunkSize: chunkBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw damaged('damaged zstd', error)
  }
}

function isFrame (buf: Buffer, at: number): boolean {
  return buf.readUInt32LE(at) === frameMagic
}

function frameEnd (buf: Buffer, start: number): number {
  if (start + 5 > buf.length) throw damaged('zstd frame is cut off')
  const magic = buf.readUInt32LE(start)
  let at = start
  if ((magic & ~0xf) === skippableMagic) {
    if (start + 8 > buf.length) throw damaged('zstd frame is cut off')
    at = start + 8 + buf.readUInt32LE(start + 4)
  } else if (magic === frameMagic) {
    at = blocksEnd(buf, start + 4 + headerBytes(buf[start + 4]))
    if ((buf[start + 4] & 4) !== 0) at += 4
  } else {
    throw damaged('no zstd frame')
  }
  if (at > buf.length) throw damaged('zstd frame is cut off')
  return at
}

/** Bytes of the descriptor and of the fields it announces. */
function headerBytes (descriptor: number): number {
  const singleSegment = (descriptor >> 5 & 1) === 1
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]
  return 1 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3] + sizeBytes
}

function blocksEnd (buf: Buffer, at: number): number {
  for (;;) {
    if (at + blockHeaderBytes > buf.length) throw damaged('zstd block is cut off')
    const header = buf.readUIntLE(at, blockHeaderBytes)
    const type = header >> 1 & 3
    at += blockHeaderBytes + (type === repeatedByte ? 1 : header >> 3)
    if ((header & 1) === 1) return at
  }
}
