// Batches that take long to check: compressed ones of some size, all of gzip, and large ones that are packed
// anew. They are checked on a disk thread, where nobody else waits for it; what is found there crosses back
// as plain data, and admission goes on with it as if it had looked itself.
import { copyShared } from '../base/slices.ts'
import { codecIds } from '../protocol/compression/index.ts'
import { batchAttributes, batchHeader, batchHeaderBytes, currentMagic } from '../protocol/record-batch.ts'
import { Admission } from './admission.ts'
import { targetCodec } from './packed.ts'
import { type AppendKind, type CheckedRecords, type LogConfig } from './types.ts'

/** Unpacking less than this and walking over it takes a few tenths of a millisecond: not worth the way. */
const shortBytesMax = 65_536

/** Whether what must be done before these records may enter a log keeps others waiting. */
export function takesLong (records: Uint8Array, { compressionType }: LogConfig): boolean {
  if (records.length < batchHeaderBytes || records[batchHeader.magic] !== currentMagic) return false
  const codec = records[batchHeader.attributes + 1] & batchAttributes.codec
  const target = targetCodec(compressionType, codec)
  if (codec === codecIds.none && target === codecIds.none) return false
  if (codec === codecIds.gzip || target === codecIds.gzip) return true
  return records.length > shortBytesMax
}

const admission = new Admission()

/** Checks a client's or coordinator's records, in place. */
export function checkRecords (
  records: Buffer, kind: AppendKind, config: LogConfig, nowMs: number
): CheckedRecords {
  const errorCode = admission.admit(records, kind, config, nowMs)
  const { batch, errorMessage, recordErrors, logSeen } = admission
  const own = batch.buffer === records.buffer && batch.byteOffset === records.byteOffset
  const packed = own || errorCode !== 0 ? null : new Uint8Array(new SharedArrayBuffer(batch.length))
  if (packed !== null) copyShared(batch, 0, batch.length, packed, 0)
  return { errorCode, errorMessage, recordErrors, logSeen, bytes: batch.length, packed }
}

/** The disk thread has gone, or failed in a way that is ours. */
export function uncheckedRecords (errorCode: number): CheckedRecords {
  return { errorCode, errorMessage: null, recordErrors: [], logSeen: false, bytes: 0, packed: null }
}
