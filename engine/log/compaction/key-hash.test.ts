import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { KeyHash } from './key-hash.ts'

/** The key and some of the tags that the algorithm was published with: of the bytes 0, 1, 2 .. */
const secret = Buffer.from('33343d839f389f004fe6982339cf7a41', 'hex')
const published: readonly [bytes: number, tag: readonly number[]][] = [
  [0, [0x43CB1F41, 0x51EBA0C2, 0xFF0A8AC3, 0x7EE3F642]],
  [1, [0xF9AC2067, 0x9C35A846, 0x441AAD3D, 0x777B7330]],
  [8, [0x9FAF57D6, 0xF4BC02CF, 0x6AF6D831, 0xD2930D90]],
  [15, [0x03CFB44B, 0x283C8163, 0xFCA71448, 0xC40A0AEA]],
  [16, [0x5DD0E2A9, 0xFB5EAC8C, 0x633A392E, 0x500C36F3]],
  [17, [0x8B5F6D5A, 0x202314F6, 0x22092368, 0x9639E606]],
  [32, [0x77962784, 0x07C647FA, 0xDD752C0F, 0xD2F5A799]],
  [63, [0x2DD072E1, 0x42B89EFE, 0xFB26B615, 0x049AA451]]
]

function wordsOf ({ word0, word1, word2, word3 }: KeyHash): number[] {
  return [word0, word1, word2, word3].map(word => word >>> 0)
}

it.each(published)('hashes %d bytes as published, wherever they lie', (bytes, tag) => {
  const hash = new KeyHash(secret)
  const around = Buffer.alloc(bytes + 20, 0xee)
  for (let at = 0; at < bytes; at++) around[at + 9] = at
  hash.take(around, 9, bytes + 9)
  expect(wordsOf(hash)).toEqual(tag)
})

it('knows a long key by half of its SHA-256, and no short key is that', () => {
  const hash = new KeyHash(secret)
  const key = Buffer.alloc(1000, 'long')
  const digest = createHash('sha256').update(key).digest()
  hash.take(key, 0, key.length)
  const long = wordsOf(hash)
  expect(long).toEqual([0, 4, 8, 12].map(at => digest.readUInt32BE(at)))
  hash.take(digest, 0, digest.length)
  expect(wordsOf(hash)).not.toEqual(long)
})

it('hashes otherwise under another secret', () => {
  const key = Buffer.from('orders')
  const [one, other] = [new KeyHash(secret), new KeyHash(Buffer.alloc(16, 1))]
  one.take(key, 0, key.length)
  other.take(key, 0, key.length)
  expect(wordsOf(one)).not.toEqual(wordsOf(other))
})
