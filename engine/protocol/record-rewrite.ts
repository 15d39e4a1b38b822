// The plain records of a batch numbered anew, without making anything of them: of each only the deltas at its
// start change.
//
//  | length | attrs | time delta | offset delta | key, value, headers ...
//    anew     as is   as is or 0    0, 1, 2 ...    as they are
import { readVarint, sizeOfVarint, varintBytes, varlongBytes, writeVarint } from './varint.ts'

/**
 * The `count` records of `plain`, which a walk has found in order. `sameTime`: all have the batch's base
 * time.
 */
export function renumber (plain: Buffer, count: number, sameTime: boolean): Buffer {
  const target = Buffer.allocUnsafe(rewrite(plain, count, sameTime, null))
  rewrite(plain, count, sameTime, target)
  return target
}

/** Returns the bytes that the records take; writes them where there is a target. */
function rewrite (plain: Buffer, count: number, sameTime: boolean, target: Buffer | null): number {
  let at = 0
  let out = 0
  for (let index = 0; index < count; index++) {
    const bodyAt = at + varintBytes(plain, at)
    const end = bodyAt + readVarint(plain, at)
    const timeAt = bodyAt + 1
    const offsetAt = timeAt + varlongBytes(plain, timeAt)
    const restAt = offsetAt + varintBytes(plain, offsetAt)
    const timeBytes = sameTime ? 1 : offsetAt - timeAt
    const bytes = 1 + timeBytes + sizeOfVarint(index) + end - restAt
    if (target === null) {
      out += sizeOfVarint(bytes) + bytes
    } else {
      out = writeVarint(target, out, bytes)
      target[out++] = plain[bodyAt]
      if (sameTime) target[out] = 0
      else plain.copy(target, out, timeAt, offsetAt)
      out = writeVarint(target, out + timeBytes, index)
      out += plain.copy(target, out, restAt, end)
    }
    at = end
  }
  return out
}
