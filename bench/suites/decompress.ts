// What comes out of compressed batches: half random letters as the load generator makes them, and text as it
// is found in messages. In the memory of an arena, as a log worker gets it.

import { codecNames, compress, decompressLent } from '../../engine/protocol/compression/index.ts'
import { buildRecords } from '../load/frames.ts'
import { type BenchTask, type Suite } from '../suite.ts'

const codecs = ['lz4', 'snappy', 'zstd', 'gzip'] as const

function messages (bytes: number): Buffer {
  let text = ''
  for (let id = 0; text.length < bytes; id++) {
    text += JSON.stringify({ id: id * 7919, user: `user-${id * 31 % 977}`, at: 1.7e12 + id * 37, ok: id % 3 > 0 })
  }
  return Buffer.from(text.slice(0, bytes))
}

export function suite (): Suite {
  const plains: [string, Buffer][] = [
    ['16 KB, half random', buildRecords({ batchBytes: 16_384, recordBytes: 100, codec: 'none' }).bytes],
    ['100 KB, half random', buildRecords({ batchBytes: 102_400, recordBytes: 10_240, codec: 'none' }).bytes],
    ['16 KB of JSON', messages(16_384)]
  ]
  const tasks = plains.flatMap(([name, plain]) => codecs.map((codec): BenchTask => {
    const id = codecNames.indexOf(codec) as 1 | 2 | 3 | 4
    const packed = compress(id, plain)
    const shared = Buffer.from(new SharedArrayBuffer(packed.length + 8), 3, packed.length)
    shared.set(packed)
    return {
      name: `${codec}, ${name}`,
      run: () => decompressLent(id, shared, plain.length),
      handles: { count: plain.length, unit: 'byte' }
    }
  }))
  return { tasks }
}
