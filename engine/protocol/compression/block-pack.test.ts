// Blocks of our own making: the library takes them apart, and they keep the rules that fast decoders of other
// languages rely on.

import fc from 'fast-check'
import { uncompressSync } from 'lz4-napi'
import { describe, expect, test } from 'vitest'
import { packedBytesMax, packLz4Block } from './block-pack.ts'

function unpacked (block: Buffer, bytes: number): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes)
  return uncompressSync(Buffer.concat([size, block]))
}

interface Shape {
  /** Where the last match begins in what comes out; -1: there is none. */
  lastMatchAt: number
  lastLiterals: number
}

function shapeOf (block: Buffer): Shape {
  let at = 0
  let out = 0
  let lastMatchAt = -1
  const lengthOf = (bits: number): number => {
    if (bits < 15) return bits
    let length = 15
    for (let more = 255; more === 255;) length += more = block[at++]
    return length
  }
  for (;;) {
    const tag = block[at++]
    const literals = lengthOf(tag >> 4)
    at += literals
    out += literals
    if (at === block.length) return { lastMatchAt, lastLiterals: literals }
    at += 2
    lastMatchAt = out
    out += lengthOf(tag & 15) + 4
  }
}

function check (plain: Buffer): Shape {
  const block = Buffer.from(packLz4Block(plain))
  expect(Buffer.compare(unpacked(block, plain.length), plain)).toBe(0)
  const shape = shapeOf(block)
  if (shape.lastMatchAt >= 0) {
    expect(shape.lastMatchAt).toBeLessThanOrEqual(plain.length - 12)
    expect(shape.lastLiterals).toBeGreaterThanOrEqual(5)
  }
  return shape
}

const words = ['{"id":', '"user":"', 'the quick brown fox ', '0000000', '\n'].map(word => Buffer.from(word))
const plains = fc.array(fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.record({ unit: fc.uint8Array({ minLength: 1, maxLength: 40 }), times: fc.integer({ min: 1, max: 600 }) })
    .map(({ unit, times }) => Buffer.concat(Array.from({ length: times }, () => unit))),
  fc.constantFrom(...words)
), { maxLength: 60 }).map(parts => Buffer.concat(parts).subarray(0, packedBytesMax))

describe('an LZ4 block', () => {
  test('of any text comes out as it went in', () => {
    fc.assert(fc.property(plains, (plain) => { check(plain) }), { numRuns: 300 })
  })

  test('of every short length, of one byte again and again and of bytes that never come twice', () => {
    const noise = Buffer.from(Array.from({ length: 256 }, (_, index) => index * 167 & 0xff))
    for (let length = 0; length <= 256; length++) {
      check(Buffer.alloc(length, 'a'))
      check(noise.subarray(0, length))
    }
  })

  test('of lengths that take bytes of their own, to one byte', () => {
    const noise = Buffer.alloc(600)
    for (let index = 0; index < noise.length; index++) noise[index] = Math.imul(index + 1, 0x9e3779b1) >>> 24
    for (const literals of [13, 14, 15, 16, 268, 269, 270, 271, 523, 524, 525]) {
      for (const match of [17, 18, 19, 20, 272, 273, 274, 275, 527, 528, 529]) {
        check(Buffer.concat([noise.subarray(0, literals), Buffer.alloc(match, 0), noise.subarray(0, 40)]))
      }
    }
  })

  test('whose first bytes come again reaches no further back than they', () => {
    for (const before of [0, 1, 0x61]) {
      check(Buffer.from([...Buffer.from('first bytes'), before, ...Buffer.from('first bytes and those behind')]))
    }
  })

  test('is found small where it can be, and never larger than its bound', () => {
    const again = Buffer.from('every one of these lines says the same\n'.repeat(2000)).subarray(0, packedBytesMax)
    check(again)
    expect(packLz4Block(again).length).toBeLessThan(again.length / 100)
    const far = Buffer.alloc(packedBytesMax)
    for (let index = 0; index < far.length; index++) far[index] = Math.imul(index + 1, 0x9e3779b1) >>> 13
    far.copy(far, packedBytesMax - 1000, 0, 900)
    expect(check(far).lastMatchAt).toBeGreaterThan(-1)
    expect(packLz4Block(far).length).toBeLessThan(packedBytesMax * 256 / 255 + 16)
  })
})
