// What the single things cost of which the loops are made: a copy, a write to and a read from the page
// cache, a checksum, LZ4, a hop to another thread and back.

import { crc32c } from '../../engine/base/crc32c.ts'
import { realDisk } from '../../engine/base/disk-real.ts'
import { codecIds, compress, decompress } from '../../engine/protocol/compression/index.ts'
import { buildRecords } from '../load/frames.ts'
import { suite as hops } from '../suites/thread-hop.ts'

/** How much memory a copy walks over: more than the caches hold. */
const memoryBytes = 256 * 2 ** 20
const blockBytes = 2 ** 20
const batchBytes = 16_384

/** Bytes handled per second of this thread's processor time, done again and again for so long. */
function rate (seconds: number, bytesEach: number, run: (time: number) => void): number {
  const untilMs = performance.now() + seconds * 1000
  let times = 0
  run(times++)
  const cpu = process.threadCpuUsage()
  const first = times
  do {
    for (let n = 0; n < 16; n++) run(times++)
  } while (performance.now() < untilMs)
  const spent = process.threadCpuUsage(cpu)
  return (times - first) * bytesEach / ((spent.user + spent.system) / 1e6)
}

export interface Pieces {
  readonly memcpy: number
  readonly pageCacheWrite: number
  readonly pageCacheRead: number
  readonly crc32c: number
  readonly lz4Compress: number
  readonly lz4Decompress: number
  /** There and back, one at a time, in microseconds. */
  readonly hopUs: number
}

export async function measurePieces (seconds: number, path: string): Promise<Pieces> {
  const memory = Buffer.alloc(memoryBytes, 'abc')
  const block = Buffer.alloc(blockBytes, 'abc')
  const blocks = memoryBytes / blockBytes
  const at = (time: number) => time % blocks * blockBytes
  const file = realDisk.open(path, 'write')
  // Not the same pages again: the cache has none yet of what a log appends to.
  const pageCacheWrite = rate(seconds, blockBytes, time => {
    if (time % blocks === 0) realDisk.truncate(file, 0)
    realDisk.writev(file, [block], at(time))
  })
  realDisk.writev(file, [memory], 0)
  const plain = buildRecords({ batchBytes: 65_536, recordBytes: 100, codec: 'none' }).bytes
  const packed = compress(codecIds.lz4, plain)
  const pieces = {
    memcpy: rate(seconds, blockBytes, time => { memory.set(block, at(time)) }),
    pageCacheWrite,
    pageCacheRead: rate(seconds, blockBytes, time => { realDisk.read(file, block, at(time)) }),
    crc32c: rate(seconds, batchBytes, time => {
      const from = time * batchBytes % memoryBytes
      crc32c(memory, from, from + batchBytes)
    }),
    lz4Compress: rate(seconds, plain.length, () => { compress(codecIds.lz4, plain) }),
    lz4Decompress: rate(seconds, plain.length, () => { decompress(codecIds.lz4, packed, plain.length) }),
    hopUs: await hopUs(seconds)
  }
  realDisk.close(file)
  return pieces
}

async function hopUs (seconds: number): Promise<number> {
  const { tasks, close } = await hops()
  const { run } = tasks.find(({ name }) => name.startsWith('ring'))!
  const times: number[] = []
  const untilMs = performance.now() + seconds * 1000
  for (let nowMs = performance.now(); nowMs < untilMs;) {
    await run()
    const thenMs = performance.now()
    times.push(thenMs - nowMs)
    nowMs = thenMs
  }
  await close?.()
  return times.sort((a, b) => a - b)[times.length >> 1] * 1000
}
