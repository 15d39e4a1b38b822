// How fast one thread compacts, by itself and without a limit: the steps that a disk thread takes, over a
// log of 100-byte records. MB/s are of the log's bytes, each of which is read twice: for the map of keys, and
// when it is rewritten.
//
//   node bench/compaction/main.ts [--megabytes 256] [--records 130] [--keys 100000] [--rounds 3]
//                                 [--data /dev/shm] [--quick]
//
// `--keys`: how many different ones. Few: nearly all goes; as many as there are records: all stays.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { realClock } from '../../engine/base/clock-real.ts'
import { realDisk } from '../../engine/base/disk-real.ts'
import { realRandom } from '../../engine/base/random-real.ts'
import { Cleaning } from '../../engine/log/compaction/cleaning.ts'
import {
  type CompactionCounts, type CompactionPlan, type SourceSegment
} from '../../engine/log/compaction/plan.ts'
import { offsetFile, suffix } from '../../engine/log/names.ts'
import { buildBatch } from '../../engine/protocol/record.ts'

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string' },
    records: { type: 'string', default: '130' },
    keys: { type: 'string', default: '100000' },
    rounds: { type: 'string' },
    data: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
    quick: { type: 'boolean', default: false }
  }
})
const { quick } = values
const bytesWanted = Number(values.megabytes ?? (quick ? 8 : 256)) * 1e6
const recordsPerBatch = Number(values.records)
const keys = Number(values.keys)
const rounds = Number(values.rounds ?? (quick ? 1 : 3))
const segmentBytes = 32 * 2 ** 20
/** As the broker's settings are by default. */
const bounds = {
  mapBytes: 128 * 2 ** 20, loadFactor: 0.9, bufferBytes: 512 * 1024, secret: realRandom.bytes(16)
}

/** Records a millisecond apart; keys in no order, so that batches keep some. */
function batchAt (baseOffset: number): Buffer {
  const records = Array.from({ length: recordsPerBatch }, (_, index) => {
    const offset = baseOffset + index
    const key = Buffer.from(`key-${(Math.imul(offset, 0x9e3779b1) >>> 0) % keys}`)
    return { key, value: Buffer.alloc(100, `value ${offset} `), timestamp: 1_800_000_000_000 + offset }
  })
  return Buffer.from(buildBatch({ baseOffset }, records))
}

function makeLog (folder: string): SourceSegment[] {
  const sources: SourceSegment[] = []
  for (let offset = 0, total = 0; total < bytesWanted;) {
    const [baseOffset, batches] = [offset, [] as Buffer[]]
    let bytes = 0
    for (; bytes < segmentBytes && total + bytes < bytesWanted; offset += recordsPerBatch) {
      batches.push(batchAt(offset))
      bytes += batches.at(-1)!.length
    }
    const path = offsetFile(folder, baseOffset, suffix.log)
    const file = realDisk.open(path, 'new')
    batches.forEach((batch, index) => realDisk.writev(file, [batch], index === 0 ? 0 : realDisk.size(file)))
    realDisk.close(file)
    sources.push({
      baseOffset, path, bytes, serial: sources.length, end: offset, offsetIndexBytes: 0, timeIndexBytes: 0
    })
    total += bytes
  }
  return sources
}

function planOf (folder: string, sources: readonly SourceSegment[]): CompactionPlan {
  return {
    key: 'compacted-0',
    folder,
    firstDirty: 0,
    firstUncleanable: sources.at(-1)!.end,
    ratio: 1,
    nowMs: 1_800_000_000_000,
    sources,
    rest: [],
    retired: new SharedArrayBuffer(sources.length * 4),
    producers: [],
    rules: {
      segmentBytes,
      segmentIndexBytes: 10 * 2 ** 20,
      indexIntervalBytes: 4096,
      deleteRetentionMs: 86_400_000,
      decompressedBytesMax: 128 * 2 ** 20
    }
  }
}

interface Run {
  readonly counts: CompactionCounts
  readonly mapMs: number
  readonly allMs: number
  /** Milliseconds of each, ascending. */
  readonly steps: Float64Array
}

function run (plan: CompactionPlan, logBytes: number): Run {
  const steps: number[] = []
  const cleaning = new Cleaning(realDisk, realClock, plan, bounds)
  const beganMs = performance.now()
  let [read, mapMs] = [0, 0]
  for (;;) {
    const stepMs = performance.now()
    const progress = cleaning.step()
    const nowMs = performance.now()
    steps.push(nowMs - stepMs)
    read += progress.bytes
    if (mapMs === 0 && read >= logBytes) mapMs = nowMs - beganMs
    // The log stays as it is, for the next round.
    if (progress.kind === 'group') cleaning.dismiss(progress.group)
    if (progress.kind === 'corrupt') throw new Error(progress.reason)
    if (progress.kind === 'done') {
      cleaning.stop()
      const { counts } = progress
      return { counts, mapMs, allMs: nowMs - beganMs, steps: Float64Array.from(steps).sort() }
    }
  }
}

const folder = mkdtempSync(join(values.data, 'millrace-compaction-'))
try {
  const sources = makeLog(folder)
  const bytes = sources.reduce((sum, source) => sum + source.bytes, 0)
  for (let round = 0; round < rounds; round++) {
    const { counts, mapMs, allMs, steps } = run(planOf(folder, sources), bytes)
    const per = (ms: number): string => `${(bytes / ms / 1e3).toFixed(0).padStart(4)} MB/s ` +
      `${(ms * 1e6 / counts.records).toFixed(0).padStart(5)} ns a record`
    const slow = steps[Math.floor(steps.length * 0.99)]
    const slowest = `p99 ${slow.toFixed(1)} max ${steps.at(-1)!.toFixed(1)} ms`
    const found = `${counts.records} records, ${counts.recordsKept} stay`
    process.stdout.write(`${found}: ${per(allMs)}   ` +
      `map ${per(mapMs)}   rewrite ${per(allMs - mapMs)}   steps ${slowest}\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
