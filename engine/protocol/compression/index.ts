// The codecs of record batches by their numbers. The native ones are loaded when first used: a process that
// never meets LZ4 does not pay for it.

import { CompressionError, tooLarge } from './error.ts'
import * as gzip from './gzip.ts'
import { type PackLimits } from './limits.ts'
import * as lz4 from './lz4.ts'
import { isLent } from './scratch.ts'
import * as snappy from './snappy.ts'
import * as zstd from './zstd.ts'

export { CompressionError, type CompressionFault } from './error.ts'

/** The numbers in a batch's attributes. */
export const codecIds = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

export type CodecName = keyof typeof codecIds
export type CodecId = typeof codecIds[CodecName]

/** Name by number, as Kafka's settings and tools write them. */
export const codecNames: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

interface Codec {
  compress (bytes: Uint8Array, limits: PackLimits): Buffer
  /** What it returns may be lent. */
  decompress (bytes: Uint8Array, bytesMax: number): Buffer
}

const codecs: readonly (Codec | null)[] = [null, gzip, snappy, lz4, zstd]

export function isCodecId (id: number): id is CodecId {
  return Number.isInteger(id) && id >= 0 && id < codecs.length
}

function codecOf (id: number): Codec | null {
  const codec = codecs[id]
  if (codec === undefined) throw new CompressionError('unknown-codec', `there is no codec ${id}`)
  return codec
}

const noLimits: PackLimits = {}

/** Throws CompressionError 'too-large' rather than make more than `bytesMax` bytes. */
export function compress (id: CodecId, bytes: Uint8Array, limits: PackLimits = noLimits): Uint8Array {
  const codec = codecOf(id)
  if (codec !== null) return codec.compress(bytes, limits)
  const { bytesMax = Infinity } = limits
  if (bytes.length > bytesMax) throw tooLarge(bytesMax)
  return bytes
}

/** Throws CompressionError; never makes more than about `bytesMax` bytes, whatever the input claims. */
export function decompress (id: number, bytes: Uint8Array, bytesMax: number): Uint8Array {
  const plain = decompressLent(id, bytes, bytesMax)
  return isLent(plain) ? Buffer.from(plain) : plain
}

/** The same for who only looks: the next batch that this thread decompresses may lie where this one did. */
export function decompressLent (id: number, bytes: Uint8Array, bytesMax: number): Uint8Array {
  const codec = codecOf(id)
  if (codec !== null) return codec.decompress(bytes, bytesMax)
  if (bytes.length > bytesMax) throw tooLarge(bytesMax)
  return bytes
}
