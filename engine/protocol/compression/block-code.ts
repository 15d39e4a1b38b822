// What takes LZ4 blocks and snappy blocks apart. Both are made of the same two things in turn: bytes as they
// are (literals), and a copy of bytes that came out before (a match: from so far back, so many). A match may
// reach into what it makes itself: three bytes back, thirty long, is those three ten times.
//
//  LZ4:     | token | length? ... | literals | distance, 2 | length? ... |     the last has literals alone
//            4 bits: literals, 4 bits: match - 4; 15: bytes follow that add to it, up to one below 255
//
//  snappy:  | bytes, varint |, then by the lowest two bits of a tag:
//           0: literals   1: match, distance of 11 bits   2: distance in 2 bytes   3: in 4 bytes
//
// Copies go in steps of 16 bytes and write up to 15 beyond their end, into what comes next or into room that
// is left for it. What is read or written beyond that is checked before, once per length.

import {
  add, and, atLeast, byteAt, type Code, either, equal, increase, int32At, less, loop, more, or, repeat,
  repeatIf, returned, set, shiftLeft, shiftRight, shuffled, storeVector, subtract, uint16At, type Value,
  vectorAt, type WasmFunction, when
} from '../../base/wasm.ts'

export const stepBytes = 16

/** Returned for a block that is damaged, or from which more comes than there is room for. */
export const refused = -1

/**
 * For each distance below 16 a row of the bytes of a vector that repeats the first so many of another; and
 * how many of them are whole repeats, in a byte for each. They lie at the start of the memory.
 */
export const repeatsAt = 0
export const repeatBytesAt = repeatsAt + stepBytes * stepBytes
export const tablesBytes = repeatBytesAt + stepBytes

export function writeTables (memory: Uint8Array): void {
  for (let distance = 1; distance < stepBytes; distance++) {
    const row = repeatsAt + distance * stepBytes
    for (let index = 0; index < stepBytes; index++) memory[row + index] = index % distance
    memory[repeatBytesAt + distance] = stepBytes - stepBytes % distance
  }
}

const parameters = ['source', 'sourceEnd', 'start', 'target', 'targetEnd']
const locals = ['tag', 'length', 'distance', 'from', 'end', 'step']

const refuse = returned(refused)

function refuseIf (condition: Code): Code {
  return when(condition, refuse)
}

/** `length` bytes from `from`, which lies at least 16 bytes before `target` or elsewhere. */
export const copyApart: readonly Code[] = [
  set('end', add('target', 'length')),
  loop('copy',
    storeVector('target', vectorAt('from')),
    increase('from', stepBytes),
    increase('target', stepBytes),
    repeatIf('copy', less('target', 'end'))),
  set('target', 'end')
]

/** `length` bytes that repeat the `distance` before `target`. */
const copyRepeats: readonly Code[] = [
  set('end', add('target', 'length')),
  set('step', byteAt(add('distance', repeatBytesAt))),
  set('vector', shuffled(vectorAt('from'), vectorAt(shiftLeft('distance', 4)))),
  loop('fill',
    storeVector('target', 'vector'),
    increase('target', 'step'),
    repeatIf('fill', less('target', 'end'))),
  set('target', 'end')
]

const copyLiterals: readonly Code[] = [
  refuseIf(more('length', subtract('sourceEnd', 'source'))),
  refuseIf(more('length', subtract('targetEnd', 'target'))),
  set('from', 'source'),
  increase('source', 'length'),
  ...copyApart
]

const copyMatch: readonly Code[] = [
  // A distance of 0 becomes the largest of all.
  refuseIf(atLeast(subtract('distance', 1), subtract('target', 'start'))),
  refuseIf(more('length', subtract('targetEnd', 'target'))),
  set('from', subtract('target', 'distance')),
  either(atLeast('distance', stepBytes), copyApart, copyRepeats)
]

function needs (bytes: Value): Code {
  return refuseIf(less(subtract('sourceEnd', 'source'), bytes))
}

/** A length of 15 goes on in bytes. Their sum stays below 2^31: no block is longer than 4 MB. */
const lz4LongLength: Code = when(equal('length', 15), loop('lengths',
  needs(1),
  set('step', byteAt('source')),
  increase('source', 1),
  increase('length', 'step'),
  repeatIf('lengths', equal('step', 255))))

/** memory[source .. sourceEnd) to memory[target .. at most targetEnd); matches reach back to `start`. */
const lz4Block: WasmFunction = {
  parameters,
  locals,
  body: [
    loop('sequence',
      needs(1),
      set('tag', byteAt('source')),
      increase('source', 1),
      set('length', shiftRight('tag', 4)),
      lz4LongLength,
      ...copyLiterals,
      when(equal('source', 'sourceEnd'), returned('target')),
      needs(2),
      set('distance', uint16At('source')),
      increase('source', 2),
      set('length', and('tag', 15)),
      lz4LongLength,
      increase('length', 4),
      ...copyMatch,
      repeat('sequence'))
  ]
}

/** A tag's length of 60 to 63: the length is what the next one to four bytes say. */
const snappyLongLength: Code = when(atLeast('length', 60),
  set('step', subtract('length', 59)),
  needs('step'),
  set('length', 0),
  set('from', 'step'),
  loop('lengths',
    increase('from', -1),
    set('length', or(shiftLeft('length', 8), byteAt(add('source', 'from')))),
    repeatIf('lengths', more('from', 0))),
  increase('source', 'step'),
  // One is added below.
  refuseIf(equal('length', -1)))

/** The length of this kind and the highest bits of its distance lie in the tag. */
const snappyNearMatch: readonly Code[] = [
  needs(1),
  set('distance', or(shiftLeft(and('tag', 0xe0), 3), byteAt('source'))),
  increase('source', 1),
  set('length', add(and('length', 7), 4))
]

const snappyFarMatch: readonly Code[] = [
  either(equal(and('tag', 3), 2), [
    needs(2),
    set('distance', uint16At('source')),
    increase('source', 2)
  ], [
    needs(4),
    set('distance', int32At('source')),
    increase('source', 4)
  ]),
  increase('length', 1)
]

/** The same, from behind the number of bytes at the start of the block. */
const snappyBlock: WasmFunction = {
  parameters,
  locals,
  body: [
    loop('element',
      when(equal('source', 'sourceEnd'), returned('target')),
      set('tag', byteAt('source')),
      increase('source', 1),
      set('length', shiftRight('tag', 2)),
      either(and('tag', 3), [
        either(equal(and('tag', 3), 1), snappyNearMatch, snappyFarMatch),
        ...copyMatch
      ], [
        snappyLongLength,
        increase('length', 1),
        ...copyLiterals
      ]),
      repeat('element'))
  ]
}

export const blockFunctions = { lz4Block, snappyBlock }
export type BlockFormat = keyof typeof blockFunctions
