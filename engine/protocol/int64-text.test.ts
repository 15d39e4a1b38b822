import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { int64Text, int64TextAt } from './int64-text.ts'

describe('the text of an int64', () => {
  it('shows all of its digits', () => {
    const bytes = Buffer.alloc(8)
    fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), value => {
      bytes.writeBigInt64BE(value)
      expect(int64TextAt(bytes, 0)).toBe(String(value))
    }))
    const edges = [0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 10n ** 18n, -(2n ** 32n)]
    for (const value of edges) {
      bytes.writeBigInt64BE(value)
      expect(int64Text(bytes.readInt32BE(0), bytes.readUInt32BE(4))).toBe(String(value))
    }
  })
})
