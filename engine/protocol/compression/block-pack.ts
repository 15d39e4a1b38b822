// What makes LZ4 blocks (block-code.ts draws one) where the library may not: what it makes is freed by a turn
// of the event loop, which log workers and disk threads do not have.
//
// A table remembers by a hash of four bytes where they were seen last. Where they are again a match begins,
// as far back and as far on as it goes; all between two matches are literals. The longer nothing is found,
// the larger the steps: what does not compress costs little.

import { assert } from '../../base/assert.ts'
import { copyShared } from '../../base/slices.ts'
import {
  add, atLeast, byteAt, type Code, either, equal, increase, instantiate, int32At, less, loop, more, multiply,
  or, repeat, repeatIf, returned, set, shiftLeft, shiftRight, storeByte, storeUint16, subtract, trailingZeros,
  uint16At, type WasmFunction, when, xor
} from '../../base/wasm.ts'
import { copyApart, stepBytes } from './block-code.ts'

/** Places in the table, and distances, are of 16 bits. */
export const packedBytesMax = 65_536
/** For steps that go on beyond an end. */
const roomBytes = 4 * stepBytes
const hashBits = 13
const tableBytes = 2 << hashBits
/** 2^32 divided by the golden ratio: its multiples are spread evenly. */
const hashFactor = 0x9e3779b1 | 0
const minimumMatch = 4
/** A block's last five bytes are literals, and its last match begins twelve before its end or earlier. */
const lastLiterals = 5
const lastMatch = 12
/** Steps grow by one byte with so many of them in vain, as a power of two. */
const patienceBits = 6

const sourceAt = tableBytes + roomBytes
const targetAt = sourceAt + packedBytesMax + roomBytes
/** Literals alone, with a length byte for every 255 of them, are the worst. */
const targetBytes = packedBytesMax + Math.ceil(packedBytesMax / 255) + stepBytes
const memoryBytes = targetAt + targetBytes + roomBytes

/** The rest of a length that did not fit its 4 bits. */
function longLength (rest: Code): readonly Code[] {
  return [
    set('rest', rest),
    loop('lengths', when(atLeast('rest', 255),
      storeByte('target', 255),
      increase('target', 1),
      increase('rest', -255),
      repeat('lengths'))),
    storeByte('target', 'rest'),
    increase('target', 1)
  ]
}

/** From `anchor` on, `length` of them, behind the place of their sequence's token. */
const literals: readonly Code[] = [
  set('token', 'target'),
  increase('target', 1),
  either(atLeast('length', 15),
    [set('tag', 0xf0), ...longLength(subtract('length', 15))],
    [set('tag', shiftLeft('length', 4))]),
  set('from', 'anchor'),
  ...copyApart
]

/** The place in the table of the four bytes in `word`. */
const slotOfWord: Code = set('slot',
  add('table', shiftLeft(shiftRight(multiply('word', hashFactor), 32 - hashBits), 1)))

const goBack: Code = loop('back',
  when(more('at', 'anchor'), when(more('candidate', 'source'),
    when(equal(byteAt(subtract('at', 1)), byteAt(subtract('candidate', 1))),
      increase('at', -1),
      increase('candidate', -1),
      repeat('back')))))

/** Leaves `from` behind the match: four bytes at a time, then one by one. */
const goOn: readonly Code[] = [
  set('from', add('at', minimumMatch)),
  increase('candidate', minimumMatch),
  loop('words', when(atLeast(subtract('matchEnd', 'from'), 4),
    set('word', xor(int32At('from'), int32At('candidate'))),
    // Of a word without differences all 32 bits: four bytes.
    set('step', shiftRight(trailingZeros('word'), 3)),
    increase('from', 'step'),
    increase('candidate', 'step'),
    repeatIf('words', equal('word', 0)))),
  loop('bytes', when(less('from', 'matchEnd'), when(equal(byteAt('from'), byteAt('candidate')),
    increase('from', 1),
    increase('candidate', 1),
    repeat('bytes'))))
]

/** memory[source .. sourceEnd) as a block from `target` on; returns its end. The table is all zeros. */
const lz4Pack: WasmFunction = {
  parameters: ['table', 'source', 'sourceEnd', 'target'],
  locals: [
    'at', 'anchor', 'searchEnd', 'matchEnd', 'patience', 'word', 'slot', 'candidate', 'distance', 'length',
    'rest', 'token', 'tag', 'from', 'end', 'step'
  ],
  body: [
    // An empty place of the table names the first byte, where nothing has to be looked for.
    set('at', add('source', 1)),
    set('anchor', 'source'),
    set('searchEnd', subtract('sourceEnd', lastMatch)),
    set('matchEnd', subtract('sourceEnd', lastLiterals)),
    set('patience', 1 << patienceBits),
    loop('search',
      when(more('at', 'searchEnd'),
        set('length', subtract('sourceEnd', 'anchor')),
        ...literals,
        storeByte('token', 'tag'),
        returned('target')),
      set('word', int32At('at')),
      slotOfWord,
      set('candidate', add('source', uint16At('slot'))),
      storeUint16('slot', subtract('at', 'source')),
      when(more(xor(int32At('candidate'), 'word'), 0),
        increase('at', shiftRight('patience', patienceBits)),
        increase('patience', 1),
        repeat('search')),
      goBack,
      set('distance', subtract('at', 'candidate')),
      set('length', subtract('at', 'anchor')),
      ...literals,
      storeUint16('target', 'distance'),
      increase('target', 2),
      ...goOn,
      set('length', subtract(subtract('from', 'at'), minimumMatch)),
      either(atLeast('length', 15),
        [set('tag', or('tag', 15)), ...longLength(subtract('length', 15))],
        [set('tag', or('tag', 'length'))]),
      storeByte('token', 'tag'),
      set('at', 'from'),
      set('anchor', 'from'),
      set('patience', 1 << patienceBits),
      // Where the next match may well begin.
      set('from', subtract('from', 2)),
      set('word', int32At('from')),
      slotOfWord,
      storeUint16('slot', subtract('from', 'source')),
      repeat('search'))
  ]
}

class Packer {
  readonly #wasm = instantiate({ lz4Pack }, memoryBytes)
  readonly #bytes = Buffer.from(this.#wasm.memory)

  pack (plain: Uint8Array): Buffer {
    assert(plain.length <= packedBytesMax, 'a block has 64 KB at most')
    this.#bytes.fill(0, 0, tableBytes)
    copyShared(plain, 0, plain.length, this.#bytes, sourceAt)
    const end = this.#wasm.functions.lz4Pack(0, sourceAt, sourceAt + plain.length, targetAt)
    return this.#bytes.subarray(targetAt, end)
  }
}

let made: Packer | null = null

/** A block of at most packedBytesMax plain bytes. Valid until the next call on this thread. */
export function packLz4Block (plain: Uint8Array): Buffer {
  made ??= new Packer()
  return made.pack(plain)
}
