// A small log directory with every kind of file, and what may have become of one of them while the broker was
// down: cut, emptied, zeroed, bits turned, garbage behind it, another file's bytes, its numbers at their
// limits with checksums that fit.
import { MemoryDisk } from '../../base/disk-memory.ts'
import { crc32c } from '../../base/crc32c.ts'
import { type Logger, silentLogger } from '../../base/logger.ts'
import {
  batchAttributes, batchHeader, eachBatch, updateCrc, writeInt16, writeInt32, writeInt64
} from '../../protocol/record-batch.ts'
import { writeOffsets } from '../checkpoints.ts'
import {
  checkpointDirectory, checkpointKey, folderOf, type FoundPartition, markClean, openDirectory
} from '../log-directory.ts'
import { fileNames, suffix } from '../names.ts'
import { type Log } from '../partition-log.ts'
import { openLog } from '../recovery.ts'
import { append, defaults, fixedRandom, now, topicId } from './kit.ts'
import { abort, commit, writeIn } from './transactions.ts'

export const directory = '/data'
const config = { ...defaults, segmentBytes: 700, indexIntervalBytes: 60 }
const identities = [{ topic: 'orders', topicId, partition: 0 }, { topic: 'pay', topicId, partition: 3 }]

export type Files = ReadonlyMap<string, Buffer>

export interface Started {
  readonly disk: MemoryDisk
  readonly logs: readonly Log[]
}

/** Opens what lies there, as a broker's start does. Throws where it refuses. */
export function start (disk: MemoryDisk, logger: Logger = silentLogger): Started {
  const { clean, partitions } = openDirectory({
    disk, path: directory, nodeId: 1, clusterId: 'a', logger, random: fixedRandom
  })
  const logs = identities.map(identity => {
    const found = partitions.find(one => checkpointKey(one) === checkpointKey(identity))
    return openOne(disk, identity, found, clean && found?.foreign !== true, logger)
  })
  return { disk, logs }
}

function openOne (
  disk: MemoryDisk, identity: (typeof identities)[number], found: FoundPartition | undefined, clean: boolean,
  logger: Logger
): Log {
  const log = openLog({
    disk,
    logger,
    random: fixedRandom,
    listener: { segmentChanged () {}, segmentRemoved () {}, epochsChanged () {} },
    identity,
    folder: folderOf(directory, identity),
    config,
    nowMs: now,
    clean: found === undefined || clean,
    recoveryPoint: found?.recoveryPoint ?? -1,
    logStart: found?.logStart ?? 0
  })
  log.becomeLeader(Math.max(log.leaderEpoch, 0) + 1)
  return log
}

/** What a broker leaves when it ends, in order or not: all files by their paths. */
export function leftBy (clean: boolean): Files {
  const disk = new MemoryDisk(() => now)
  disk.makeDirectory(directory)
  const { logs } = start(disk)
  logs.forEach(fill)
  logs[1].advanceStart(2)
  const points = new Map<string, number>()
  logs.forEach((log, index) => {
    log.tick(now)
    log.close(clean)
    points.set(checkpointKey(identities[index]), clean ? log.end : log.segments[1].baseOffset)
  })
  checkpointDirectory(disk, directory, {
    recoveryPoints: points,
    logStarts: new Map([[checkpointKey(identities[1]), 2]]),
    highWatermarks: new Map(logs.map((log, index) => [checkpointKey(identities[index]), log.end]))
  })
  writeOffsets(disk, directory, fileNames.cleanerOffsets, new Map([[checkpointKey(identities[0]), 3]]))
  if (clean) markClean(disk, directory, -1)
  return filesOf(disk)
}

function fill (log: Log): void {
  for (let round = 0; round < 4; round++) {
    writeIn(log, [`a${round}`, 'b'], { producerId: 1 }, now + round)
    append(log, [`plain ${round}`], { producerId: 7, producerEpoch: 0, baseSequence: round }, now + round)
    if (round % 2 === 0) abort(log, { producerId: 1 })
    else commit(log, { producerId: 1 })
    append(log, ['c', 'd', 'e'], { compression: 3 }, now + round)
  }
  writeIn(log, ['open'], { producerId: 2 })
}

export function filesOf (disk: MemoryDisk): Files {
  const files = new Map<string, Buffer>()
  const walk = (folder: string): void => {
    for (const name of disk.list(folder)) {
      const path = `${folder}/${name}`
      if (disk.status(path)!.directory) walk(path)
      else files.set(path, disk.readFile(path))
    }
  }
  walk(directory)
  return files
}

export function diskOf (files: Files): MemoryDisk {
  const disk = new MemoryDisk(() => now)
  for (const [path, bytes] of files) {
    disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    disk.replaceFile(path, bytes)
  }
  return disk
}

export interface Damage {
  readonly name: string
  readonly bytes: Buffer
}

/** `step`: every so many of what can be done to each byte or number. */
export function * damages (path: string, files: Files, step: number): Generator<Damage> {
  const bytes = files.get(path)!
  for (let length = 0; length < bytes.length; length += step) {
    yield { name: `cut to ${length}`, bytes: bytes.subarray(0, length) }
  }
  for (let at = 0; at < bytes.length; at += step) {
    const bit = (at * 5 + step) & 7
    const turned = Buffer.from(bytes)
    turned[at] ^= 1 << bit
    yield { name: `bit ${bit} of byte ${at}`, bytes: turned }
  }
  let count = 0
  for (const damage of replacements(path, files)) if (count++ % Math.ceil(step / 6) === 0) yield damage
  for (const damage of structured(path, bytes)) if (count++ % step === 0) yield damage
}

function * replacements (path: string, files: Files): Generator<Damage> {
  const bytes = files.get(path)!
  for (const from of [0, 1, 3, bytes.length >> 1, bytes.length - 5].filter(at => at >= 0)) {
    const zeros = Buffer.alloc(Math.max(0, bytes.length - from))
    yield { name: `zeros from ${from}`, bytes: Buffer.concat([bytes.subarray(0, from), zeros]) }
  }
  for (const length of [1, 12, 61, 5000]) {
    for (const fill of [0, 0x7f, 0xa5, 0xff]) {
      yield { name: `${length} times ${fill} behind`, bytes: Buffer.concat([bytes, Buffer.alloc(length, fill)]) }
    }
  }
  yield { name: 'itself behind itself', bytes: Buffer.concat([bytes, bytes]) }
  for (const [other, otherBytes] of files) if (other !== path) yield { name: `as ${other}`, bytes: otherBytes }
}

const limits = [0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 61, 77]

function * structured (path: string, bytes: Buffer): Generator<Damage> {
  if (path.endsWith(suffix.log)) return yield * inBatches(bytes)
  if (path.endsWith(suffix.snapshot)) return yield * inSnapshot(bytes)
  if (/\.(index|timeindex|txnindex)$/.test(path)) return yield * inWords(bytes, () => {})
  yield * inText(bytes.toString())
}

/** Fields of batch headers, with a checksum that fits. */
function * inBatches (bytes: Buffer): Generator<Damage> {
  const places: [number, number][] = []
  eachBatch(bytes, 0, bytes.length, (at, length) => places.push([at, length]))
  const words = [
    batchHeader.length, batchHeader.partitionLeaderEpoch, batchHeader.lastOffsetDelta,
    batchHeader.baseSequence, batchHeader.recordCount
  ]
  const longs = [
    batchHeader.baseOffset, batchHeader.baseTimestamp, batchHeader.maxTimestamp, batchHeader.producerId
  ]
  for (const [at, length] of places.slice(0, 3).concat(places.slice(-2))) {
    const changed = (name: string, change: (copy: Buffer) => void): Damage => {
      const copy = Buffer.from(bytes)
      change(copy)
      updateCrc(copy, at, length)
      return { name: `${name} of the batch at ${at}`, bytes: copy }
    }
    for (const value of limits) {
      for (const field of words) {
        yield changed(`word ${field} is ${value}`, copy => writeInt32(copy, at + field, value))
      }
      for (const field of longs) {
        yield changed(`long ${field} is ${value}`, copy => writeInt64(copy, at + field, value))
      }
      const short = value << 16 >> 16
      yield changed(`epoch is ${short}`, copy => writeInt16(copy, at + batchHeader.producerEpoch, short))
    }
    for (const value of [2 ** 53 - 1, 2 ** 40]) {
      for (const field of longs) {
        yield changed(`long ${field} is ${value}`, copy => writeInt64(copy, at + field, value))
      }
    }
    for (let bits = 0; bits <= batchAttributes.known; bits++) {
      yield changed(`attributes ${bits}`, copy => writeInt16(copy, at + batchHeader.attributes, bits))
    }
  }
}

function * inSnapshot (bytes: Buffer): Generator<Damage> {
  yield * inWords(bytes, copy => { if (copy.length > 6) copy.writeUInt32BE(crc32c(copy, 6), 2) })
}

function * inWords (bytes: Buffer, seal: (copy: Buffer) => void): Generator<Damage> {
  for (let at = 0; at + 4 <= bytes.length; at += 2) {
    for (const value of limits) {
      const copy = Buffer.from(bytes)
      copy.writeInt32BE(value, at)
      seal(copy)
      yield { name: `the word at ${at} is ${value}`, bytes: copy }
    }
  }
}

function * inText (text: string): Generator<Damage> {
  for (const { index, 0: number } of text.matchAll(/\d+/g)) {
    for (const value of ['', '-1', '0', '2147483648', '9007199254740993', '9'.repeat(30), 'x', '1e9', '7\n7']) {
      const changed = text.slice(0, index) + value + text.slice(index + number.length)
      yield { name: `${value} for the number at ${index}`, bytes: Buffer.from(changed) }
    }
  }
  const lines = text.split('\n')
  for (let line = 0; line < lines.length; line++) {
    yield { name: `without line ${line}`, bytes: Buffer.from(lines.toSpliced(line, 1).join('\n')) }
    yield { name: `line ${line} twice`, bytes: Buffer.from(lines.toSpliced(line, 0, lines[line]).join('\n')) }
  }
}
