// A thread as log workers are: busy in one place, without a turn of its event loop. Says for each codec by
// how many bytes the process has grown.

import { parentPort } from 'node:worker_threads'
import { type CodecId, codecIds, codecNames, compress, decompressLent } from './index.ts'

const rounds = 15_000
/** Half of it is noise: 8 KB come out. */
const plain = Buffer.alloc(16_384)
for (let index = 0; index < plain.length; index += 2) plain[index] = Math.imul(index + 1, 0x9e3779b1) >>> 13
plain.copyWithin(plain.length / 2, 0)

function grownBy (codec: CodecId): number {
  const fewer = codec === codecIds.gzip ? 10 : 1 // it takes its time
  let before = 0
  for (let round = 0; round < rounds / fewer; round++) {
    if (round === 200) before = process.memoryUsage().rss
    decompressLent(codec, compress(codec, plain), plain.length)
  }
  return process.memoryUsage().rss - before
}

parentPort!.postMessage(Object.fromEntries(Object.values(codecIds).map(id => [codecNames[id], grownBy(id)])))
