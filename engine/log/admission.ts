// What may enter a log: one partition's records of a Produce request, checked as Kafka checks them and in
// its order, so that the first thing that is wrong is the one that is named. One object per thread, used
// batch after batch: the everyday batch (uncompressed, in order) is admitted without allocating.
import { errorCodes, errorName } from '../protocol/errors.ts'
import {
  batchAttributes, BatchHeader, batchHeaderBytes, currentMagic, noTimestamp, readBatchHeader, scan, scanBatch,
  setMaxTimestamp, verifyCrc
} from '../protocol/record-batch.ts'
import { RecordWalk, walkRecords, walkResults } from '../protocol/record-walk.ts'
import { knownCodec, repack, targetCodec, unpack, UnpackError } from './packed.ts'
import { recordErrorsOf } from './record-errors.ts'
import { type AppendKind, type AppendResult, type CheckedRecords, type LogConfig } from './types.ts'

type RecordErrors = AppendResult['recordErrors']

const noErrors: RecordErrors = []

export class Admission {
  readonly header = new BatchHeader()
  readonly walk = new RecordWalk()
  /** The batch that was admitted: the caller's bytes, trimmed to it, or packed anew. */
  batch: Buffer = Buffer.alloc(0)
  /** Its newest time as it will be stored. */
  maxTimestampMs = noTimestamp
  errorMessage: string | null = null
  recordErrors: RecordErrors = noErrors
  /** False where Kafka fails before it looks at the log: the answer then carries no log start offset. */
  logSeen = false

  /**
   * An error code; NONE when `batch` may be appended. Time and type bits are set in place, the CRC with
   * them. `checked`: what a disk thread found when it did all this.
   */
  admit (
    records: Buffer, kind: AppendKind, config: LogConfig, nowMs: number, checked: CheckedRecords | null = null
  ): number {
    if (checked !== null) return this.#take(records, checked)
    this.errorMessage = null
    this.recordErrors = noErrors
    this.logSeen = false
    const bytes = scanBatch(records, 0, records.length)
    if (bytes <= 0) return this.#unframed(bytes)
    if (records[16] < currentMagic) return errorCodes.INVALID_RECORD
    if (bytes !== records.length) {
      const more = scanBatch(records, bytes, records.length)
      // Half a batch behind a whole one is nothing, as after a fetch that was cut.
      if (more !== scan.partial) return more > 0 ? errorCodes.INVALID_RECORD : this.#unframed(more)
      records = records.subarray(0, bytes)
    }
    this.batch = records
    return this.#checkBatch(kind, config, nowMs)
  }

  #take (records: Buffer, checked: CheckedRecords): number {
    const { bytes, packed } = checked
    this.errorMessage = checked.errorMessage
    this.recordErrors = checked.recordErrors
    this.logSeen = checked.logSeen
    if (checked.errorCode !== errorCodes.NONE) return checked.errorCode
    this.batch = packed === null ? records.subarray(0, bytes) : Buffer.from(packed.buffer, 0, bytes)
    this.maxTimestampMs = readBatchHeader(this.batch, 0, this.header).maxTimestamp
    return errorCodes.NONE
  }

  #unframed (found: number): number {
    if (found === scan.partial) return errorCodes.INVALID_RECORD
    this.errorMessage = found === scan.badLength
      ? 'The size of the record batch is less than any batch has'
      : 'The format version of the record batch is unknown'
    return errorCodes.CORRUPT_MESSAGE
  }

  #checkBatch (kind: AppendKind, config: LogConfig, nowMs: number): number {
    const { batch, header } = this
    const bytes = batch.length
    if (bytes < batchHeaderBytes) return errorCodes.CORRUPT_MESSAGE
    readBatchHeader(batch, 0, header)
    if (kind === 'client' && header.baseOffset !== 0) return this.#refused(errorCodes.INVALID_RECORD)
    if (config.maxMessageBytes >= 0 && bytes > config.maxMessageBytes) return errorCodes.MESSAGE_TOO_LARGE
    if (!verifyCrc(batch, 0, bytes)) return errorCodes.CORRUPT_MESSAGE
    if (!knownCodec(header.codec)) return this.#refused(errorCodes.UNKNOWN_SERVER_ERROR)
    if (!this.#headerFits(kind)) return this.#refused(errorCodes.INVALID_RECORD)

    const target = targetCodec(config.compressionType, header.codec)
    const error = header.codec === 0 && target === 0
      ? this.#checkPlain(batch, bytes, config, nowMs)
      : this.#checkPacked(target, config, nowMs)
    if (error !== errorCodes.NONE) return this.#refused(error)
    if (this.batch.length > config.segmentBytes) return errorCodes.RECORD_LIST_TOO_LARGE
    this.logSeen = true
    return errorCodes.NONE
  }

  #refused (error: number): number {
    this.logSeen = true
    return error
  }

  #headerFits (kind: AppendKind): boolean {
    const { header } = this
    if (!header.exact || header.lastOffsetDelta < 0) return false
    if (kind === 'coordinator') return true
    return header.recordCount > 0 && header.recordCount === header.lastOffsetDelta + 1 &&
      (header.attributes & (batchAttributes.control | batchAttributes.transactional)) === 0 &&
      !(header.hasProducerId && header.baseSequence < 0)
  }

  #checkPlain (batch: Buffer, bytes: number, config: LogConfig, nowMs: number): number {
    const { header, walk } = this
    this.#setRules(config, nowMs)
    const result = walkRecords(batch, batchHeaderBytes, bytes, header.recordCount, header.baseTimestamp, walk)
    if (result !== walkResults.ok) return errorCodes.INVALID_RECORD
    const error = this.#checkFindings(batch, config, nowMs)
    if (error !== errorCodes.NONE) return error
    this.#stamp(config, nowMs)
    return errorCodes.NONE
  }

  /** Compressed, or to be compressed otherwise. What takes long no log worker does: see checked.ts. */
  #checkPacked (target: number, config: LogConfig, nowMs: number): number {
    const { batch, header, walk } = this
    let plain: Buffer
    try {
      plain = unpack(batch, header, config.decompressedBytesMax)
    } catch (error) {
      if (error instanceof UnpackError) return error.code
      throw error
    }
    this.#setRules(config, nowMs)
    const result = walkRecords(plain, 0, plain.length, header.recordCount, header.baseTimestamp, walk)
    if (result !== walkResults.ok) return errorCodes.INVALID_RECORD
    const error = this.#checkFindings(plain, config, nowMs)
    if (error !== errorCodes.NONE) return error
    if (target === header.codec) {
      // Kafka would have to number the records anew and cannot, in the form in which it has them then.
      if (!walk.offsetsInOrder && header.codec !== 0) return errorCodes.UNKNOWN_SERVER_ERROR
    } else if (!header.control) {
      const packed = repack(header, plain, target, walk.offsetsInOrder, config)
      if (packed === null) return errorCodes.MESSAGE_TOO_LARGE
      this.batch = packed
      readBatchHeader(this.batch, 0, header)
    }
    this.#stamp(config, nowMs)
    return errorCodes.NONE
  }

  #setRules (config: LogConfig, nowMs: number): void {
    const { walk } = this
    walk.keysNeeded = config.compacts
    walk.timestampMin = config.logAppendTime || config.timestampBeforeMaxMs < 0
      ? -Infinity
      : nowMs - config.timestampBeforeMaxMs
    walk.timestampMax = config.logAppendTime || config.timestampAfterMaxMs < 0
      ? Infinity
      : nowMs + config.timestampAfterMaxMs
  }

  /**
   * What the walk found about keys and times. `records` holds the plain records (from its 61st byte when
   * it is the batch itself).
   */
  #checkFindings (records: Buffer, config: LogConfig, nowMs: number): number {
    const { header, walk } = this
    // A batch that says "append time" gives all its records the time in its header.
    if (header.logAppendTime) walk.maxTimestamp = header.maxTimestamp
    const timesFit = header.logAppendTime
      ? !config.logAppendTime && header.maxTimestamp !== noTimestamp &&
        header.maxTimestamp >= walk.timestampMin && header.maxTimestamp <= walk.timestampMax
      : walk.timestampsOutside === 0
    if (timesFit && walk.keysMissing === 0) return errorCodes.NONE
    const at = records === this.batch ? batchHeaderBytes : 0
    const found = recordErrorsOf(records, at, header, walk, timesFit, nowMs)
    this.recordErrors = found.errors
    const code = found.timestamps ? errorCodes.INVALID_TIMESTAMP : errorCodes.INVALID_RECORD
    this.errorMessage = `${found.errors.length} records were refused: ${errorName(code)}`
    return code
  }

  #stamp (config: LogConfig, nowMs: number): void {
    this.maxTimestampMs = config.logAppendTime ? nowMs : this.walk.maxTimestamp
    setMaxTimestamp(this.batch, 0, this.maxTimestampMs, config.logAppendTime)
    this.header.maxTimestamp = this.maxTimestampMs
  }
}
