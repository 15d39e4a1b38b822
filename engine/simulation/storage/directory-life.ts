// A log directory in the storage fuzzer: partitions that live random lives on a disk that fails and forgets,
// through checkpoints, clean ends, kills and power cuts. What is found afterwards must be what was promised.
import { DiskError } from '../../base/disk.ts'
import { FaultyDisk, type DiskOperation } from '../../base/disk-faulty.ts'
import { silentLogger } from '../../base/logger.ts'
import { SeededRandom } from '../../base/random-seeded.ts'
import { type LogConfig } from '../../log/types.ts'
import {
  checkpointDirectory, checkpointKey, folderOf, type FoundPartition, markClean, openDirectory, setAside
} from '../../log/log-directory.ts'
import { openLog } from '../../log/recovery.ts'
import { type Log } from '../../log/partition-log.ts'
import { checkContents, checkEpochs, checkIndexes, checkProducers, checkReader } from './checks.ts'
import { ExpectedLog, must } from './expected-log.ts'
import { PartitionLife } from './partition-life.ts'

export const directory = '/data'
const beginMs = 1_800_000_000_000
const topics = ['orders', 'pay-ments', 'x.y_z']

const faults: readonly (readonly [DiskOperation, string])[] = [
  ['write', 'EIO'], ['write', 'ENOSPC'], ['fsync', 'EIO'], ['open', 'EMFILE'], ['open', 'EIO'],
  ['rename', 'EIO'], ['unlink', 'EIO'], ['truncate', 'EIO'], ['make', 'ENOSPC'], ['list', 'EIO'], ['read', 'EIO']
]

type End = 'kill' | 'power cut'

export class DirectoryLife {
  readonly disk = new FaultyDisk(() => this.nowMs)
  readonly random: SeededRandom
  readonly trace: string[] = []
  readonly partitions: PartitionLife[]
  nowMs = beginMs
  #fsyncFailed = false
  /** How far each log was on the device when the broker went down. */
  readonly #durable = new Map<PartitionLife, number>()

  constructor (seed: number) {
    this.random = new SeededRandom(seed)
    this.disk.makeDirectory(directory)
    this.disk.fsyncDirectory('/')
    const count = 1 + this.random.below(topics.length)
    this.partitions = topics.slice(0, count).map((topic, partition) => {
      const identity = { topic, topicId: this.random.uuid(), partition }
      return new PartitionLife(identity, this.#config(), this.random, beginMs)
    })
    this.boot()
  }

  #config (): LogConfig {
    const { random } = this
    const one = <T>(...from: readonly T[]): T => from[random.below(from.length)]
    return {
      segmentBytes: one(800, 1500, 6000),
      segmentMs: one(604_800_000, 1_000),
      segmentJitterMs: one(0, 100),
      segmentIndexBytes: one(10 << 20, 10 << 20, 64),
      indexIntervalBytes: one(60, 300, 4096),
      maxMessageBytes: 1_048_588,
      retentionMs: one(-1, 2_000),
      retentionBytes: one(-1, 2_000),
      fileDeleteDelayMs: one(0, 500),
      logAppendTime: false,
      timestampBeforeMaxMs: -1,
      timestampAfterMaxMs: 3_600_000,
      deletes: true,
      compacts: one(false, false, true),
      compressionType: 'producer',
      flushMessages: one(-1, -1, 5, 1),
      flushMs: one(-1, -1, 300),
      preallocate: one(false, false, true),
      compressionLevels: { gzip: -1, lz4: 9, zstd: 3 },
      decompressedBytesMax: 2 ** 24,
      minCleanableRatio: 0.5,
      minCompactionLagMs: 0,
      maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
      deleteRetentionMs: 86_400_000,
      producerIdExpirationMs: 86_400_000_000,
      durability: one('page-cache', 'group-commit', 'always')
    }
  }

  /** Some steps, then an end. */
  live (steps: number): void {
    if (this.random.below(3) === 0) this.#armFault()
    try {
      for (let step = 0; step < steps; step++) this.#step()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#note(`the disk refused: ${error.message}`)
    }
    if (this.#firstDoubt() === undefined && this.random.below(3) === 0) this.closeCleanly()
    else this.end(this.#someEnd())
  }

  #step (): void {
    const what = this.random.below(20)
    const partition = this.partitions[this.random.below(this.partitions.length)]
    if (what === 0) return this.checkpoint()
    if (what === 1 && this.random.below(4) === 0) return this.#recreate(partition)
    partition.nowMs = Math.max(partition.nowMs, this.nowMs)
    const done = partition.step()
    this.nowMs = partition.nowMs
    this.#note(`${checkpointKey(partition.identity)}: ${done}`)
    // Else the checkpoint would say of what is appended next that it is on the device.
    if (/^(cut|restart) .*\d/.test(done)) this.checkpoint()
  }

  #note (line: string): void {
    this.trace.push(line)
  }

  #armFault (): void {
    if (this.random.below(4) === 0) {
      this.disk.capacityBytes = this.random.below(8_000)
      this.#note(`the disk has room for ${this.disk.capacityBytes} bytes`)
      return
    }
    const [operation, code] = faults[this.random.below(faults.length)]
    const after = this.random.below(this.random.below(2) === 0 ? 5 : 60)
    this.disk.failWith({ operation, code, after })
    this.#note(`${operation} fails with ${code} after ${after}`)
    this.#fsyncFailed ||= operation === 'fsync'
  }

  #firstDoubt (): PartitionLife | undefined {
    return this.partitions.find(({ doubt }) => doubt !== null)
  }

  /** After a failed fsync the page cache is not to be believed: only what the device has counts. */
  #someEnd (): End {
    return this.#fsyncFailed || this.random.below(2) === 0 ? 'power cut' : 'kill'
  }

  /** As the broker does it now and then, and when a log has come or gone. */
  checkpoint (): void {
    const open = this.partitions.filter(({ log }) => log !== null)
    const logs = open.map(({ identity, log }) => [checkpointKey(identity), log!] as const)
    checkpointDirectory(this.disk, directory, {
      recoveryPoints: new Map(logs.map(([key, log]) => [key, log.background.mark(log)])),
      logStarts: new Map(logs.filter(([, log]) => startsInside(log)).map(([key, log]) => [key, log.start])),
      highWatermarks: new Map(logs.map(([key, log]) => [key, log.durableEnd]))
    })
    for (const { log, expected } of open) expected.startMin = startsInside(log!) ? log!.start : 0
    this.#note('checkpoint')
  }

  /** The topic is deleted and made again. */
  #recreate (partition: PartitionLife): void {
    const { identity, log } = partition
    // Whether it happened is known only when it is done.
    partition.doubt = { endMin: -1, startMax: Infinity, maybe: [], restart: 0 }
    log!.close(false)
    const aside = setAside(this.disk, directory, identity, this.random, 'delete')
    partition.log = null
    partition.expected = new ExpectedLog()
    partition.epoch = 0
    partition.identity = { ...identity, topicId: this.random.uuid() }
    this.checkpoint()
    this.disk.removeDirectory(aside)
    partition.log = this.#open(partition, undefined, true)
    partition.log.becomeLeader(0)
    partition.doubt = null
    this.checkpoint()
    this.#note(`${checkpointKey(identity)}: deleted and made again`)
  }

  closeCleanly (): void {
    try {
      for (const { log } of this.partitions) log!.close(true)
      this.checkpoint()
      markClean(this.disk, directory, -1)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#note(`the disk refused the end: ${error.message}`)
      return this.end(this.#someEnd())
    }
    this.#note('closed cleanly')
    this.end(this.#someEnd())
  }

  end (end: End): void {
    this.#note(end)
    for (const partition of this.partitions) {
      const { log } = partition
      if (log !== null) this.#durable.set(partition, log.recoveryPoint)
      else if (!this.#durable.has(partition)) this.#durable.set(partition, 0)
      partition.down(this.#durable.get(partition)!, end === 'power cut')
    }
    if (end === 'power cut') this.disk.crash(this.random)
    else this.disk.kill()
    this.disk.heal()
    this.#fsyncFailed = false
  }

  /** Starts again, sometimes on a disk that fails meanwhile; then once more. */
  boot (): void {
    for (;;) {
      if (this.random.below(6) === 0) this.#armFault()
      try {
        this.#start()
        this.disk.heal()
        break
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        this.#note(`the disk refused the start: ${error.message}`)
        for (const partition of this.partitions) partition.log = null
        this.end(this.#someEnd())
      }
    }
    this.#durable.clear()
    for (const partition of this.partitions) this.#verify(partition)
    // New logs are known to the checkpoints before long.
    try {
      this.checkpoint()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
    this.#note('serves')
  }

  /** As boot() does, once, on a disk that is well; what is found is not checked. */
  startOnce (): void {
    this.#start()
  }

  #start (): void {
    const { disk, random } = this
    const options = { disk, path: directory, nodeId: 1, clusterId: 'a', logger: silentLogger, random }
    const { clean, partitions } = openDirectory(options)
    for (const partition of this.partitions) {
      const key = checkpointKey(partition.identity)
      const found = partitions.find(one => checkpointKey(one) === key)
      partition.log = this.#open(partition, found, clean)
    }
  }

  #open (partition: PartitionLife, found: FoundPartition | undefined, clean: boolean): Log {
    const { identity, config } = partition
    return openLog({
      disk: this.disk,
      logger: silentLogger,
      random: this.random,
      listener: { segmentChanged () {}, segmentRemoved () {}, epochsChanged () {} },
      identity,
      folder: folderOf(directory, identity),
      config,
      nowMs: this.nowMs,
      clean: found === undefined ? true : clean,
      recoveryPoint: found?.recoveryPoint ?? -1,
      logStart: found?.logStart ?? 0
    })
  }

  #verify (partition: PartitionLife): void {
    const { expected, doubt } = partition
    const log = partition.log!
    const key = checkpointKey(partition.identity)
    try {
      expected.settle(log, doubt ?? expected.certain())
      partition.doubt = null
      checkContents(log, expected)
      checkEpochs(log, expected)
      checkIndexes(log, expected)
      checkProducers(log, expected)
      checkReader(log, expected, this.random)
      must(log.config.durability === 'page-cache' || log.recoveryPoint === log.end,
        'what readers see is on the device where acks wait for it')
    } catch (error) {
      throw new Error(`${key}: ${(error as Error).message}`, { cause: error })
    }
    partition.epoch = Math.max(partition.epoch, log.leaderEpoch) + this.random.below(2)
    log.becomeLeader(partition.epoch)
  }
}

function startsInside (log: Log): boolean {
  const first = log.segments[0]
  return first !== undefined && log.start > first.baseOffset
}
