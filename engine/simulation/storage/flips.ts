// One bit of one file is turned while the broker is down. What starts then must serve, or refuse and say
// which file it is; and nothing but what that bit was part of may be lost.
import { type Random } from '../../base/random.ts'
import { fileNames, suffix } from '../../log/names.ts'
import { type Log } from '../../log/partition-log.ts'
import { SegmentReader, segmentAt } from '../../log/reader.ts'
import { verifyCrc } from '../../protocol/record-batch.ts'
import { batchAt, type ExpectedLog, must } from './expected-log.ts'
import { type DirectoryLife, directory } from './directory-life.ts'

/** Their numbers count, and nothing in Kafka's formats says when one is wrong. */
const believed: readonly string[] = [
  fileNames.logStarts, fileNames.recoveryPoints, fileNames.partitionMetadata
]

export function flipAndStart (life: DirectoryLife): void {
  const path = flip(life)
  if (path === null) return
  try {
    life.startOnce()
  } catch (error) {
    const { message } = error as Error
    if (!message.includes(path)) {
      throw new Error(`a bit of ${path} is turned, the refusal does not name it: ${message}`, { cause: error })
    }
    return
  }
  const isBelieved = believed.some(name => path.endsWith(name))
  for (const { log, expected } of life.partitions) {
    const damaged = path.endsWith(suffix.log) && path.startsWith(`${log!.parts.folder}/`)
    if (!isBelieved && !damaged) {
      must(log!.start === expected.start && log!.end === expected.end,
        `a bit of ${path} is turned, and ${log!.parts.folder} goes from ${log!.start} to ${log!.end}`)
    }
    readAll(log!, expected, path, damaged)
  }
}

/** Returns the file's path; null when there is none with a bit. */
function flip ({ disk, random, trace }: DirectoryLife): string | null {
  const files = [directory, ...disk.list(directory).map(name => `${directory}/${name}`)]
    .filter(path => disk.status(path)?.directory === true)
    .flatMap(folder => disk.list(folder).map(name => `${folder}/${name}`))
    .filter(path => (disk.status(path)?.bytes ?? 0) > 0)
  if (files.length === 0) return null
  const path = files[random.below(files.length)]
  const bytes = disk.readFile(path)
  const bit = random.below(bytes.length * 8)
  bytes[bit >> 3] ^= 1 << (bit & 7)
  const file = disk.open(path, 'write')
  disk.writev(file, [bytes], 0)
  disk.fsync(file)
  disk.close(file)
  trace.push(`bit ${bit & 7} of byte ${bit >> 3} of ${path} is turned`)
  return path
}

/** Every offset is found, in a batch that is sound or shows that it is not. */
function readAll (log: Log, expected: ExpectedLog, path: string, damaged: boolean): void {
  const reader = new SegmentReader(log.parts.disk, 4)
  const views = log.segments.map(segment => segment.view())
  let unsound = 0
  for (const one of expected.readable) {
    if (one.base < log.start || one.last >= log.end) continue
    const found = reader.find(views[segmentAt(views, one.last)], one.last, log.end)
    if (found === null || found.baseOffset !== one.base) {
      unsound++
      continue
    }
    const bytes = Buffer.alloc(found.bytes)
    reader.read(views[segmentAt(views, one.last)], found.position, bytes)
    if (!verifyCrc(bytes, 0, bytes.length)) {
      unsound++
      continue
    }
    const { values } = batchAt(bytes, 0)
    // No checksum covers a base offset: with a bit of it turned, a neighbour stands in this one's place.
    const neighbour = damaged && expected.readable.some(other => other !== one && other.values === values)
    must(values === one.values || neighbour,
      `a bit of ${path} is turned, and the batch at ${one.base} reads otherwise`)
  }
  reader.close()
  // A length or an offset that lies hides what comes before the next index entry.
  must(damaged || unsound === 0, `a bit of ${path} is turned, and ${unsound} batches of ${log.parts.folder} cannot be read`)
}

export function flips (random: Random): boolean {
  return random.below(3) === 0
}
