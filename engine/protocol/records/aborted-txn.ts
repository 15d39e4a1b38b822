// AbortedTxn, v0. One entry of a segment's .txnindex, behind the int16 version in which it is written.
import { int64, message } from '../schema.ts'

export const AbortedTxn = message('AbortedTxn', {
  versions: [0, 0],
  fields: {
    producerId: int64(),
    firstOffset: int64(),
    lastOffset: int64(),
    lastStableOffset: int64()
  }
})
