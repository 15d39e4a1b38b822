import { expect, it } from 'vitest'
import { coordinatorPartition } from './hash.ts'

it('puts a key where Java would', () => {
  expect(coordinatorPartition('', 50)).toBe(0)
  expect(coordinatorPartition('hello', 1000)).toBe(99162322 % 1000)
  expect(coordinatorPartition('console-consumer', 50)).toBe(Math.abs(javaHash('console-consumer')) % 50)
  expect(coordinatorPartition('polygenelubricants', 50)).toBe(0) // its hash is the smallest int
})

/** Horner's rule with a remainder at each step, as a second opinion. */
function javaHash (text: string): number {
  let hash = 0
  for (const unit of text.split('')) {
    const high = Math.floor(hash / 65536) * 31 % 65536
    hash = (high * 65536 + (hash % 65536) * 31 + unit.charCodeAt(0)) % 4294967296
  }
  return hash > 2147483647 ? hash - 4294967296 : hash
}
