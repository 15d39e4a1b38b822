// Decimal text of int64s that no number holds: tools must show every bit of what they find.

/** From the two halves: `high` as int32, `low` as uint32. */
export function int64Text (high: number, low: number): string {
  const value = high * 4294967296 + low
  if (Number.isSafeInteger(value)) return String(value)
  const isNegative = high < 0
  if (isNegative) {
    low = (~low + 1) >>> 0
    high = (~high + (low === 0 ? 1 : 0)) >>> 0
  }
  // Five digits at a time: what is carried into the lower half stays exact.
  let text = ''
  while (high > 0 || low > 0) {
    const carried = high % 100_000 * 4294967296 + low
    high = Math.floor(high / 100_000)
    low = Math.floor(carried / 100_000)
    text = String(carried % 100_000).padStart(5, '0') + text
  }
  return (isNegative ? '-' : '') + text.replace(/^0+/, '')
}

/** Of the eight bytes at `at`. */
export function int64TextAt (bytes: Buffer, at: number): string {
  return int64Text(bytes.readInt32BE(at), bytes.readUInt32BE(at + 4))
}
