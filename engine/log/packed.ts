// Compressed batches on their way in: unpacked to be walked, packed anew where the topic wants another codec.
import { type BatchHeader } from '../protocol/record-batch.ts'
import { buildBatch, decodeRecords, recordsOf, wrapBatch } from '../protocol/record.ts'
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

/** The plain records of a batch. */
export function unpack (batch: Buffer, header: BatchHeader, bytesMax: number): Buffer {
  try {
    const plain = recordsOf(batch, 0, header, bytesMax)
    return Buffer.from(plain.buffer, plain.byteOffset, plain.length)
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    // Kafka has no code for damage inside a batch whose checksum fits.
    const bomb = error.fault === 'too-large'
    throw new UnpackError(bomb ? errorCodes.MESSAGE_TOO_LARGE : errorCodes.UNKNOWN_SERVER_ERROR, error)
  }
}

/**
 * The same records with another codec. `ordered`: they are numbered as a producer numbers them; else they
 * are numbered anew.
 */
export function repack (
  batch: Buffer, header: BatchHeader, plain: Buffer, codec: number, ordered: boolean, config: LogConfig
): Buffer {
  assert(isCodecId(codec), 'a topic stores with a codec that exists')
  const options = {
    compression: codec,
    compressionLevel: levelOf(codec, config),
    transactional: header.transactional,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence
  }
  if (!ordered || header.logAppendTime) {
    const records = decodeRecords(batch, 0, config.decompressedBytesMax)
      .map(({ key, value, timestamp, headers }) => ({ key, value, timestamp, headers }))
    return buildBatch(options, records)
  }
  const { recordCount, lastOffsetDelta, baseTimestamp, maxTimestamp } = header
  const packed = compress(codec, plain, options.compressionLevel)
  return wrapBatch(packed, recordCount, lastOffsetDelta, baseTimestamp, maxTimestamp, options)
}

/** LZ4 has one level here: the native codec offers no other. */
function levelOf (codec: CodecId, { compressionLevels }: LogConfig): number | undefined {
  if (codec === codecIds.gzip) return compressionLevels.gzip
  return codec === codecIds.zstd ? compressionLevels.zstd : undefined
}
