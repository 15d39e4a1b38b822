// Every kind of file of a log directory, damaged in every way while the broker was down, which had ended in
// order or not. The start serves or refuses, and then names the file; it ends, and takes no memory for what
// is not there; and nothing is lost but what the damage was part of. A sample of it; MILLRACE_CORPUS=all
// tries every byte.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decodeRecords } from '../protocol/record.ts'
import { eachBatch, verifyCrc } from '../protocol/record-batch.ts'
import { fileNames, offsetOfName, suffix } from './names.ts'
import { type Log } from './partition-log.ts'
import { SegmentReader, segmentAt } from './reader.ts'
import { damages, directory, diskOf, type Files, leftBy, start, type Started } from './testing/corpus.ts'
import { append, batch } from './testing/kit.ts'

const step = process.env.MILLRACE_CORPUS === 'all' ? 1 : 31

/** Their numbers count, and nothing in Kafka's formats says when one is wrong. */
const believed: readonly string[] = [
  fileNames.logStarts, fileNames.recoveryPoints, fileNames.partitionMetadata
]

/** Sound batches by their bytes behind the leader epoch, of which no checksum speaks. */
function soundBatches (log: Log): Set<string> {
  const sound = new Set<string>()
  for (const segment of log.segments) {
    const bytes = log.parts.disk.readFile(segment.path).subarray(0, segment.bytes)
    eachBatch(bytes, 0, bytes.length, (at, length) => {
      if (verifyCrc(bytes, at, length)) sound.add(bytes.toString('latin1', at + 16, at + length))
    })
  }
  return sound
}

/** Those of a partition that a damage at `position` of one of its segments may not touch. */
function batchesBefore (files: Files, folder: string, path: string, position: number): string[] {
  const logs = [...files].filter(([name]) => name.startsWith(`${folder}/`) && name.endsWith(suffix.log))
  const found: string[] = []
  for (const [name, bytes] of logs.sort(([a], [b]) => a < b ? -1 : 1)) {
    const end = name === path ? position : bytes.length
    eachBatch(bytes, 0, bytes.length, (at, length) => {
      if (at + length <= end) found.push(bytes.toString('latin1', at + 16, at + length))
    })
    if (name === path) break
  }
  return found
}

function firstDifference (a: Buffer, b: Buffer): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}

/** Reads from some offsets and times on, appends, closes, and starts again. */
function use ({ disk, logs }: Started): void {
  for (const log of logs) {
    const reader = new SegmentReader(disk, 4)
    const views = log.segments.map(segment => segment.view())
    const { start: from, end } = log
    for (const offset of [from, from + 1, from + 7, end - 1]) {
      if (offset < from || offset >= end) continue
      const view = views[Math.max(0, segmentAt(views, offset))]
      const found = reader.find(view, offset, end)
      if (found !== null) reader.read(view, found.position, Buffer.alloc(Math.min(found.bytes, 10_000)))
      reader.offsetForTime(views, 1_800_000_000_001, from, end)
    }
    reader.close()
    const next = append(log, ['after'])
    expect([next, log.end]).toEqual([end, end + 1])
    log.tick(1_800_000_000_500)
    log.close(false)
  }
}

function check (files: Files, path: string, bytes: Buffer, clean: boolean, name: string): void {
  const changed = new Map(files).set(path, bytes)
  let started: Started
  try {
    started = start(diskOf(changed))
  } catch (error) {
    expect((error as Error).message, name).toContain(path)
    return
  }
  const isBelieved = believed.some(one => path.endsWith(one))
  for (const log of started.logs) {
    const { folder } = log.parts
    const damaged = path.startsWith(`${folder}/`) && offsetOfName(path.slice(folder.length + 1), suffix.log) >= 0
    if (isBelieved) continue
    const sound = soundBatches(log)
    const position = damaged ? firstDifference(files.get(path)!, bytes) : Infinity
    const lost = batchesBefore(files, folder, damaged ? path : '', position).filter(one => !sound.has(one))
    expect(lost.length, `${name}: of ${folder}, ${clean ? 'closed' : 'killed'}`).toBe(0)
  }
  try {
    use(started)
  } catch (error) {
    throw new Error(name, { cause: error })
  }
  const again = start(started.disk)
  for (const log of again.logs) {
    // Where a crash comes on top, the log ends at the damage: Kafka's rule.
    const damaged = path.startsWith(`${log.parts.folder}/`) && path.endsWith(suffix.log)
    if (!isBelieved && !damaged) expect(newestValue(log), name).toBe('after')
  }
}

const appendedBytes = batch(['after']).length

/** Of the batches as use() appends them: what else lies there may be nonsense with a checksum that fits. */
function newestValue (log: Log): string {
  let newest = ''
  for (const segment of log.segments) {
    const bytes = log.parts.disk.readFile(segment.path).subarray(0, segment.bytes)
    eachBatch(bytes, 0, bytes.length, (at, length) => {
      if (length !== appendedBytes || !verifyCrc(bytes, at, length)) return
      newest = String(decodeRecords(bytes, at)[0].value)
    })
  }
  return newest
}

/** No buffer is made that is larger than all files and a window together. */
const bufferBytesMax = 2 ** 21

describe.each([[true, 'closed in order'], [false, 'killed']])('a log directory', (clean, how) => {
  const files = leftBy(clean)
  afterEach(() => { vi.restoreAllMocks() })

  for (const path of files.keys()) {
    it(`${how}, with ${path.slice(directory.length + 1)} damaged, serves or says what is wrong`, () => {
      const made = [vi.spyOn(Buffer, 'alloc'), vi.spyOn(Buffer, 'allocUnsafe')]
      for (const { name, bytes } of damages(path, files, step)) {
        check(files, path, bytes, clean, `${path} ${name}`)
        for (const spy of made) {
          const most = Math.max(0, ...spy.mock.calls.map(([size]) => size as number))
          expect(most, `${path} ${name}`).toBeLessThan(bufferBytesMax)
          spy.mockClear()
        }
      }
    })
  }
})
