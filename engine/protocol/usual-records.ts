// The records that producers send nearly always, walked at half the price of walkEachRecord(): one- and
// two-byte varints, no headers, times that do not lie before the batch's first. Every byte is read once,
// and all is 32-bit arithmetic. Whatever else comes ends the walk, and the other one goes on from there.

/** How far the walk came, and what it met. Made once, used for batch after batch. */
export class UsualRecords {
  /** Where the first record lies that is not a usual one. */
  at = 0
  /** Of all before it: the largest time delta as it is written (doubled), and the first record that has it.
   *  */
  maxDelta = -1
  maxDeltaIndex = -1
}

/** A record's fields before its key's bytes take no more: they are read without a look at the end. */
const fieldBytesMax = 10

/**
 * Walks buf[at .. end), at most `count` records; returns how many were usual. 9-11 ns a record of 100 bytes
 * where the other walk took 19-26 (bench/suites/record-walk, Node 24).
 */
export function walkUsualRecords (
  buf: Uint8Array, at: number, end: number, count: number, keysNeeded: boolean, found: UsualRecords
): number {
  let maxDelta = -1
  let maxDeltaIndex = -1
  let index = 0
  for (; index < count; index++) {
    if (at > end - fieldBytesMax) break
    let here = at
    let length = buf[here++]
    if (length >= 0x80) {
      const high = buf[here++]
      if (high >= 0x80) break
      length = (length & 0x7f) | high << 7
    }
    const recordEnd = here + (length >>> 1)
    if ((length & 1) !== 0 || recordEnd > end) break
    here++ // attributes

    let delta = buf[here++]
    if (delta >= 0x80) {
      const high = buf[here++]
      if (high >= 0x80) break
      delta = (delta & 0x7f) | high << 7
    }
    if ((delta & 1) !== 0) break

    let offset = buf[here++]
    if (offset >= 0x80) {
      const high = buf[here++]
      offset = (offset & 0x7f) | (high & 0x7f) << 7
      if (high >= 0x80) {
        const highest = buf[here++]
        if (highest >= 0x80) break
        offset |= highest << 14
      }
    }
    if (offset !== index << 1) break

    let key = buf[here++]
    if (key !== 1) {
      if (key >= 0x80) {
        const high = buf[here++]
        if (high >= 0x80) break
        key = (key & 0x7f) | high << 7
      }
      if ((key & 1) !== 0) break
      here += key >>> 1
    } else if (keysNeeded) break
    // The value's length and the number of headers.
    if (here > recordEnd - 2) break

    let value = buf[here++]
    if (value >= 0x80) {
      const high = buf[here++]
      if (high >= 0x80) break
      value = (value & 0x7f) | high << 7
    }
    if ((value & 1) !== 0) break
    here += value >>> 1
    if (here !== recordEnd - 1 || buf[here] !== 0) break

    at = recordEnd
    if (delta > maxDelta) {
      maxDelta = delta
      maxDeltaIndex = index
    }
  }
  found.at = at
  found.maxDelta = maxDelta
  found.maxDeltaIndex = maxDeltaIndex
  return index
}
