// A walk over the records of one batch without making anything of them: what has to hold before they may enter a log.
//
//  | length | attrs | time delta | offset delta | key length | key | value length | value | headers | ...
//  varint   int8    varlong      varint         varint -1: null    varint -1: null        varint
//                                              a header: | key length | key | value length, -1: null | value |
//
// Runs over every record that is produced, so it allocates nothing, calls nothing and reads each byte once. `length`
// counts the bytes after itself. All varints are zig-zag: the lowest bit is the sign.

export const walkResults = {
  ok: 0,
  /** A record, or its length, reaches beyond the batch. */
  truncated: 1,
  /** Bytes are left after the last record that the header counts. */
  remaining: 2,
  /** The fields of a record do not add up to its length. */
  size: 3,
  /** A negative number of headers, or more than bytes. */
  headerCount: 4,
  /** A header without a key. */
  headerKey: 5,
  /** A varint has more bytes than its type allows. */
  varint: 6
} as const

/** What each result means, for log lines and error messages. */
export const walkTexts: readonly string[] = [
  'no error',
  'a record reaches beyond the end of its batch',
  'bytes are left after the last record of the batch',
  'the fields of a record do not add up to its length',
  'a record has an impossible number of headers',
  'a record has a header without a key',
  'a varint in a record is too long'
]

/** The rules of one walk, and what it found. Made once, used for batch after batch. */
export class RecordWalk {
  /** Count records without a key (compacted topics). */
  keysNeeded = false
  /** Count records whose time is set (not -1) and lies outside of these bounds. */
  timestampMin = -Infinity
  timestampMax = Infinity

  /** One of walkResults. */
  result = 0
  /** Records seen whole. */
  count = 0
  /** The newest time of all records, at least -1. */
  maxTimestamp = -1
  /** Index in the batch of the first record with that time; -1 when no record has one. */
  maxTimestampIndex = -1
  keysMissing = 0
  timestampsOutside = 0
  /** True when the offset deltas are 0, 1, 2 ... as a producer writes them. */
  offsetsInOrder = true
}

// Where the last slow varint ended; -1 when it had too many bytes. A slow one is rare: its caller reads this at once.
let slowEnd = 0

/** A varint whose first bytes did not end it, read again from its start. Bits above the 32nd are dropped, as Kafka does. */
function slowVarint (buf: Uint8Array, at: number): number {
  let raw = 0
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = buf[at++]
    raw |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      slowEnd = at
      return raw >>> 1 ^ -(raw & 1)
    }
  }
  slowEnd = -1
  return 0
}

/** The same up to 64 bits, in two halves: at most ten bytes. */
function slowVarlong (buf: Uint8Array, at: number): number {
  let low = 0 // 28 bits
  let high = 0 // 36 bits, as a double
  let weight = 1
  for (let index = 0; index < 10; index++) {
    const byte = buf[at++]
    if (index < 4) low |= (byte & 0x7f) << (7 * index)
    else {
      high += (byte & 0x7f) * weight
      weight *= 128
    }
    if (byte < 0x80) {
      slowEnd = at
      const magnitude = (high % 68719476736) * 134217728 + (low >>> 1)
      return (low & 1) === 0 ? magnitude : -magnitude - 1
    }
  }
  slowEnd = -1
  return 0
}
