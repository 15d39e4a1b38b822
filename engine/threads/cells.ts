// How the arena is cut.
import { assert } from '../base/assert.ts'

/** A byte position in the arena. */
export type Address = number

/** Large enough that a frame of the usual 16 KB wastes little at its end, small enough that many cells fit a
 *  small budget. */
export const cellBytes = 262_144
/** Where the cell ends that `at` lies in, an address or a position in a file cut the same way. */
export function cellEnd (at: number): number {
  return at - at % cellBytes + cellBytes
}

/** Frames up to here share cells; larger ones get neighbouring cells of their own. */
export const smallFrameBytesMax = 65_536
assert(smallFrameBytesMax <= cellBytes, 'a small frame must fit a cell')
