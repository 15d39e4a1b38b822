// Which partition a key belongs to: murmur2, as Kafka's own producers do it, so that records of one key
// meet in one partition whoever wrote them.

const seed = 0x9747b28c
const m = 0x5bd1e995
const r = 24

export function murmur2 (bytes: Uint8Array): number {
  const { length } = bytes
  let h = seed ^ length
  const whole = length & ~3
  for (let at = 0; at < whole; at += 4) {
    let k = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24
    k = Math.imul(k, m)
    k ^= k >>> r
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const left = length - whole
  if (left === 3) h ^= bytes[whole + 2] << 16
  if (left >= 2) h ^= bytes[whole + 1] << 8
  if (left >= 1) h = Math.imul(h ^ bytes[whole], m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ h >>> 15
}

export function partitionOfKey (key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
