// Compressed batches on their way in: unpacked to be walked, packed anew where the topic wants another codec.
import { batchHeaderBytes, type BatchHeader } from '../protocol/record-batch.ts'
import { renumber } from '../protocol/record-rewrite.ts'
import { recordsLent, uncompressedBytesMax, wrapBatch } from '../protocol/record.ts'
import { type CodecId, codecIds, compress, CompressionError, isCodecId } from '../protocol/compression/index.ts'
import { errorCodes } from '../protocol/errors.ts'
import { assert } from '../base/assert.ts'
import { type LogConfig } from './types.ts'

/** What the client is told about a batch that cannot be unpacked. */
export class UnpackError extends Error {
  override readonly name = 'UnpackError'
  readonly code: number
  constructor (code: number, cause: Error) {
    super(cause.message, { cause })
    this.code = code
  }
}

export function knownCodec (codec: number): boolean {
  return isCodecId(codec)
}

/** The plain records of a batch: there until the next is unpacked. */
export function unpack (batch: Buffer, header: BatchHeader, bytesMax: number): Buffer {
  try {
    const plain = recordsLent(batch, 0, header, bytesMax)
    return Buffer.from(plain.buffer, plain.byteOffset, plain.length)
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    // Kafka has no code for damage inside a batch whose checksum fits.
    const bomb = error.fault === 'too-large'
    throw new UnpackError(bomb ? errorCodes.MESSAGE_TOO_LARGE : errorCodes.UNKNOWN_SERVER_ERROR, error)
  }
}

/**
 * The same records with another codec; null when they do not fit max.message.bytes then. `ordered`: they are
 * numbered as a producer numbers them; else they are numbered anew.
 */
export function repack (
  header: BatchHeader, plain: Buffer, codec: number, ordered: boolean, config: LogConfig
): Buffer | null {
  assert(isCodecId(codec), 'a topic stores with a codec that exists')
  const { maxMessageBytes } = config
  const bytesMax = maxMessageBytes < 0 ? uncompressedBytesMax : maxMessageBytes - batchHeaderBytes
  const { recordCount, lastOffsetDelta, maxTimestamp, logAppendTime } = header
  // A batch that says "append time" gives all its records the time in its header.
  const baseTimestamp = logAppendTime ? maxTimestamp : header.baseTimestamp
  const body = ordered && !logAppendTime ? plain : renumber(plain, recordCount, logAppendTime)
  try {
    const packed = compress(codec, body, { level: levelOf(codec, config), bytesMax })
    return wrapBatch(packed, recordCount, lastOffsetDelta, baseTimestamp, maxTimestamp, {
      compression: codec,
      transactional: header.transactional,
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence
    })
  } catch (error) {
    if (error instanceof CompressionError && error.fault === 'too-large') return null
    throw error
  }
}

/** LZ4 has one level here: the native codec offers no other. */
function levelOf (codec: CodecId, { compressionLevels }: LogConfig): number | undefined {
  if (codec === codecIds.gzip) return compressionLevels.gzip
  return codec === codecIds.zstd ? compressionLevels.zstd : undefined
}

/** The codec that the topic wants a batch stored with. */
export function targetCodec (compressionType: string, codec: number): number {
  switch (compressionType) {
    case 'uncompressed': return 0
    case 'gzip': return 1
    case 'snappy': return 2
    case 'lz4': return 3
    case 'zstd': return 4
    default: return codec
  }
}
