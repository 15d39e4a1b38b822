// Zig-zag varints as records use them: seven bits a byte, the lowest first, the sign in the lowest bit of
// all. Value and width are read by two functions without a shared cursor: both are put in line where they are
// called and wait for nothing in memory.

/** Width of a varint that does not end where it must: added to a position it leads beyond any buffer. */
export const varintTooLong = 0x40000000

/**
 * Reads up to 32 bits; higher ones are dropped, as Kafka does. 0 when the varint is too long: see
 * varintBytes.
 */
export function readVarint (buf: Uint8Array, at: number): number {
  const byte = buf[at]
  if (byte < 0x80) return byte >>> 1 ^ -(byte & 1)
  const next = buf[at + 1]
  return next < 0x80 ? ((byte & 0x7f) | next << 7) >>> 1 ^ -(byte & 1) : slowVarint(buf, at)
}

/** Reads up to 64 bits; exact up to 2^53. */
export function readVarlong (buf: Uint8Array, at: number): number {
  const byte = buf[at]
  if (byte < 0x80) return byte >>> 1 ^ -(byte & 1)
  const next = buf[at + 1]
  return next < 0x80 ? ((byte & 0x7f) | next << 7) >>> 1 ^ -(byte & 1) : slowVarlong(buf, at)
}

/** Bytes of the varint at `at`: at most five, else varintTooLong. */
export function varintBytes (buf: Uint8Array, at: number): number {
  return buf[at] < 0x80 ? 1 : buf[at + 1] < 0x80 ? 2 : slowWidth(buf, at, 5)
}

/** The same for 64 bits: at most ten. */
export function varlongBytes (buf: Uint8Array, at: number): number {
  return buf[at] < 0x80 ? 1 : buf[at + 1] < 0x80 ? 2 : slowWidth(buf, at, 10)
}

function slowWidth (buf: Uint8Array, at: number, bytesMax: number): number {
  for (let bytes = 3; bytes <= bytesMax; bytes++) {
    if (buf[at + bytes - 1] < 0x80) return bytes
  }
  return varintTooLong
}

function slowVarint (buf: Uint8Array, at: number): number {
  let raw = 0
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = buf[at++]
    raw |= (byte & 0x7f) << shift
    if (byte < 0x80) return raw >>> 1 ^ -(raw & 1)
  }
  return 0
}

/** The low 28 bits apart, the others in a double. */
function slowVarlong (buf: Uint8Array, at: number): number {
  let low = 0
  let high = 0
  let weight = 1
  for (let index = 0; index < 10; index++) {
    const byte = buf[at++]
    if (index < 4) {
      low |= (byte & 0x7f) << (7 * index)
    } else {
      high += (byte & 0x7f) * weight
      weight *= 128
    }
    if (byte < 0x80) {
      const magnitude = (high % 2 ** 36) * 2 ** 27 + (low >>> 1)
      return (low & 1) === 0 ? magnitude : -magnitude - 1
    }
  }
  return 0
}

/** Bytes that `value` (a safe integer) takes. */
export function sizeOfVarint (value: number): number {
  let left = value < 0 ? -2 * value - 1 : 2 * value
  let bytes = 1
  while (left >= 0x80) {
    left = Math.floor(left / 128)
    bytes++
  }
  return bytes
}

/**
 * Writes a safe integer; returns where it ends. Beyond 2^52 the doubled value would not be exact: refused.
 */
export function writeVarint (buf: Uint8Array, at: number, value: number): number {
  let left = value < 0 ? -2 * value - 1 : 2 * value
  if (!Number.isSafeInteger(left)) throw new RangeError(`${value} does not fit a varint`)
  while (left >= 0x80) {
    buf[at++] = (left % 128) | 0x80
    left = Math.floor(left / 128)
  }
  buf[at++] = left
  return at
}
