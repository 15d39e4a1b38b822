// What a follower checks of the batches that its leader sent, before any of them is staged.
import { errorCodes } from '../protocol/errors.ts'
import { BatchHeader, eachBatch, readBatchHeader, scan, scanBatch, verifyCrc } from '../protocol/record-batch.ts'
import { type Offset } from './types.ts'

const header = new BatchHeader()

/**
 * Batches as a leader sends them: whole, undamaged, rising from `from` on. A cut one at the end is
 * nothing: it comes again.
 */
export function checkFetched (records: Buffer, from: Offset): number {
  let end = from
  let error: number = errorCodes.NONE
  const reached = eachBatch(records, 0, records.length, (at, bytes) => {
    if (error !== errorCodes.NONE) return
    if (!verifyCrc(records, at, bytes)) error = errorCodes.CORRUPT_MESSAGE
    else if (readBatchHeader(records, at, header).baseOffset < end) error = errorCodes.OFFSET_OUT_OF_RANGE
    else if (header.lastOffsetDelta < 0 || !header.exact) error = errorCodes.CORRUPT_MESSAGE
    end = header.lastOffset + 1
  })
  if (error !== errorCodes.NONE) return error
  const cut = scanBatch(records, reached, records.length) === scan.partial
  return cut && end > from ? errorCodes.NONE : errorCodes.CORRUPT_MESSAGE
}
