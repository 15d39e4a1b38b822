// xxHash, 32 bits: the checksum inside LZ4 frames. Short inputs only (frame headers) or checked blocks: plain
// code will do.

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

function rotate (value: number, bits: number): number {
  return value << bits | value >>> (32 - bits)
}

function word (buf: Uint8Array, at: number): number {
  return buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16 | buf[at + 3] << 24
}

function round (lane: number, input: number): number {
  return Math.imul(rotate(lane + Math.imul(input, prime2) | 0, 13), prime1)
}

/** Of buf[start .. end), with seed 0. */
export function xxhash32 (buf: Uint8Array, start: number, end: number): number {
  let at = start
  let hash = prime5
  if (end - start >= 16) {
    let a = prime1 + prime2 | 0
    let b = prime2 | 0
    let c = 0
    let d = -prime1 | 0
    for (; at + 16 <= end; at += 16) {
      a = round(a, word(buf, at))
      b = round(b, word(buf, at + 4))
      c = round(c, word(buf, at + 8))
      d = round(d, word(buf, at + 12))
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
  }
  hash = hash + (end - start) | 0
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate(hash + Math.imul(word(buf, at), prime3) | 0, 17), prime4)
  }
  for (; at < end; at++) hash = Math.imul(rotate(hash + Math.imul(buf[at], prime5) | 0, 11), prime1)
  hash = Math.imul(hash ^ hash >>> 15, prime2)
  hash = Math.imul(hash ^ hash >>> 13, prime3)
  return (hash ^ hash >>> 16) >>> 0
}
