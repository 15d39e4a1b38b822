// The block decoders against the libraries, which know nothing of them: the same bytes or the same refusal
// for what was compressed, for what was damaged, and for what never was a block.

import fc from 'fast-check'
import { compressSync as compressLz4, uncompressSync as uncompressLz4 } from 'lz4-napi'
import { compressSync as compressSnappy, uncompressSync as uncompressSnappy } from 'snappy'
import { describe, expect, test } from 'vitest'
import { instantiate } from '../../base/wasm.ts'
import { type BlockFormat, blockFunctions, refused, stepBytes, tablesBytes, writeTables } from './block-code.ts'

const outputMax = 70_000
const startAt = 200_000 // of the output; what lies before it belongs to others
const around = Buffer.alloc(1000, 0xa5)
const { memory, functions } = instantiate(blockFunctions, 400_000)
const bytes = Buffer.from(memory)

writeTables(bytes)

/** Null: refused. Nothing before the output was touched, nor beyond the room for steps behind its bound. */
function unpack (format: BlockFormat, block: Uint8Array, max: number): Buffer | null {
  const before = bytes.subarray(startAt - around.length, startAt)
  const behind = bytes.subarray(startAt + max + stepBytes).subarray(0, around.length)
  before.set(around)
  behind.set(around)
  bytes.set(block, tablesBytes)
  const end = functions[format](tablesBytes, tablesBytes + block.length, startAt, startAt, startAt + max)
  expect(around.equals(before) && around.equals(behind)).toBe(true)
  if (end === refused) return null
  expect(end).toBeGreaterThanOrEqual(startAt)
  expect(end).toBeLessThanOrEqual(startAt + max)
  return Buffer.from(bytes.subarray(startAt, end))
}

interface Oracle {
  compress (plain: Buffer): Buffer
  /** What the library makes of a block of which at most `max` bytes may come; null: it refuses. */
  unpack (block: Uint8Array, max: number): Buffer | null
  /** What we make of it. */
  ours (block: Uint8Array, max: number): Buffer | null
}

function orNull (unpacked: () => Buffer): Buffer | null {
  try {
    return unpacked()
  } catch {
    return null
  }
}

const lz4: Oracle = {
  compress: plain => compressLz4(plain).subarray(4),
  unpack (block, max) {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(max)
    return orNull(() => uncompressLz4(Buffer.concat([size, block])))
  },
  ours: (block, max) => unpack('lz4Block', block, max)
}

/** The bytes at the start of a snappy block that say how many come out of it. */
function announcement (block: Uint8Array): { lengthBytes: number, announced: number } {
  let announced = 0
  for (let index = 0; index < 4 && index < block.length; index++) {
    announced += (block[index] & 0x7f) << (7 * index)
    if (block[index] < 0x80) return { lengthBytes: index + 1, announced }
  }
  return { lengthBytes: 0, announced: 0 }
}

const snappy: Oracle = {
  compress: plain => compressSnappy(plain),
  unpack: block => orNull(() => uncompressSnappy(block, { asBuffer: true }) as Buffer),
  ours (block) {
    const { lengthBytes, announced } = announcement(block)
    const plain = unpack('snappyBlock', block.subarray(lengthBytes), announced)
    return plain?.length === announced ? plain : null
  }
}

/** Texts that make all kinds of sequences: runs of every period, words, noise, and lengths around a step. */
const plains = fc.array(fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.record({ unit: fc.uint8Array({ minLength: 1, maxLength: 40 }), times: fc.integer({ min: 1, max: 60 }) })
    .map(({ unit, times }) => Buffer.concat(Array.from({ length: times }, () => unit))),
  fc.constantFrom(...['{"id":', '"user":"', 'the quick brown fox ', '0000000', '\n']).map(word => Buffer.from(word))
), { maxLength: 60 }).map(parts => Buffer.concat(parts))

describe.each([['lz4', lz4], ['snappy', snappy]] as const)('%s', (name, { compress, unpack, ours }) => {
  const example = Buffer.from('{"id":1,"user":"u-1"}{"id":2,"user":"u-2"}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcbcbcbcbcbcbcbc' +
    'no word of this comes twice, which takes a longer run of plain bytes, the last of which are: xyz')

  test('takes apart what the library has put together, to the byte and not one more', () => {
    fc.assert(fc.property(plains, (plain) => {
      const block = compress(plain)
      expect(ours(block, plain.length)).toEqual(plain)
      if (name === 'lz4' && plain.length > 0) expect(ours(block, plain.length - 1)).toBeNull()
    }), { numRuns: 400 })
  })

  test('a text of the largest blocks', () => {
    const plain = Buffer.concat(Array.from({ length: 1000 }, (_, n) => Buffer.from(`${n * 7919} and so on; `)))
    const long = Buffer.concat([plain, Buffer.alloc(30_000, 'ab'), plain]).subarray(0, 65_536)
    expect(ours(compress(long), outputMax)).toEqual(long)
  })

  test('every byte of a block, changed to any other', () => {
    const block = compress(example)
    for (let at = 0; at < block.length; at++) {
      for (let byte = 0; byte < 256; byte += 3) {
        const hurt = Buffer.from(block)
        hurt[at] = byte
        if (name === 'snappy' && announcement(hurt).announced > outputMax) continue
        expect(ours(hurt, outputMax), `${byte} at ${at}`).toEqual(unpack(hurt, outputMax))
      }
    }
  }, 60_000)

  test('a block cut anywhere', () => {
    const block = compress(example)
    for (let cut = 1; cut < block.length; cut++) {
      expect(ours(block.subarray(0, cut), outputMax), `cut at ${cut}`).toEqual(unpack(block.subarray(0, cut), outputMax))
    }
  })

  test('bytes that are no block', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (block) => {
      fc.pre(name === 'lz4' || announcement(block).announced <= outputMax)
      expect(ours(block, outputMax)).toEqual(unpack(block, outputMax))
    }), { numRuns: 3000 })
  })
})

describe('matches', () => {
  test('of every distance and length, as if copied byte by byte', () => {
    const literals = Buffer.from(Array.from({ length: 40 }, (_, n) => n * 37))
    for (let distance = 1; distance <= literals.length; distance++) {
      for (let length = 4; length < 80; length++) {
        const plain = [...literals]
        for (let n = 0; n < length; n++) plain.push(plain[plain.length - distance])
        const extra = length - 4 >= 15 ? [length - 4 - 15] : []
        const token = 0xf0 | Math.min(length - 4, 15)
        const block = [token, literals.length - 15, ...literals, distance, 0, ...extra, 0x10, 7]
        expect(unpack('lz4Block', Buffer.from(block), plain.length + 1)).toEqual(Buffer.from([...plain, 7]))
      }
    }
  })

  test('never from before the start, from nowhere, or from far away', () => {
    const after = (...distance: number[]): Buffer => Buffer.from([0x40, 1, 2, 3, 4, ...distance, 0x10, 7])
    expect(unpack('lz4Block', after(4, 0), 20)).toEqual(Buffer.from([1, 2, 3, 4, 1, 2, 3, 4, 7]))
    expect(unpack('lz4Block', after(5, 0), 20)).toBeNull()
    expect(unpack('lz4Block', after(0, 0), 20)).toBeNull()
    expect(unpack('lz4Block', after(255, 255), 20)).toBeNull()
    // snappy's distances of 4 bytes
    const far = (...distance: number[]): Buffer => Buffer.from([3 << 2, 1, 2, 3, 4, 3 << 2 | 3, ...distance])
    expect(unpack('snappyBlock', far(4, 0, 0, 0), 20)).toEqual(Buffer.from([1, 2, 3, 4, 1, 2, 3, 4]))
    expect(unpack('snappyBlock', far(5, 0, 0, 0), 20)).toBeNull()
    expect(unpack('snappyBlock', far(0, 0, 0, 0), 20)).toBeNull()
    expect(unpack('snappyBlock', far(4, 0, 0, 0x80), 20)).toBeNull()
  })
})

describe('snappy literals', () => {
  test('whose length takes one to four bytes', () => {
    const plain = Buffer.alloc(300, 'abc')
    for (let more = 1; more <= 4; more++) {
      const size = Buffer.alloc(4)
      size.writeUInt32LE(plain.length - 1)
      const length = more === 1 ? 200 : plain.length
      if (more === 1) size[0] = length - 1
      const tag = Buffer.from([(59 + more) << 2])
      const block = Buffer.concat([tag, size.subarray(0, more), plain.subarray(0, length)])
      expect(unpack('snappyBlock', block, length)).toEqual(plain.subarray(0, length))
      expect(unpack('snappyBlock', block, length - 1)).toBeNull()
      expect(unpack('snappyBlock', block.subarray(0, -1), length)).toBeNull()
    }
  })
  test('whose length is the largest there is', () => {
    expect(unpack('snappyBlock', Buffer.from([63 << 2, 255, 255, 255, 255]), 100)).toBeNull()
  })
})
