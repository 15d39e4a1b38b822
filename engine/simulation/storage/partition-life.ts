// One partition in the storage fuzzer: a real log, what it must hold, and the random things that happen to
// both.
import { DiskError } from '../../base/disk.ts'
import { type SeededRandom } from '../../base/random-seeded.ts'
import { syncFile, syncSegment } from '../../log/log-files.ts'
import { type Log } from '../../log/partition-log.ts'
import { type LogConfig, type LogIdentity, type Offset } from '../../log/types.ts'
import { BatchMaker } from './batches.ts'
import { checkContents, checkIndexes, checkReader } from './checks.ts'
import { type Doubt, type ExpectedBatch, ExpectedLog, must } from './expected-log.ts'

/** An fsync that was asked for and is not done yet: what group commit hands to its disk thread. */
interface Sync {
  readonly path: string
  readonly end: Offset
}

export class PartitionLife {
  identity: LogIdentity
  config: LogConfig
  expected = new ExpectedLog()
  /** null while the broker is down. */
  log: Log | null = null
  /** What the next start may find otherwise than expected; null: nothing went wrong. */
  doubt: Doubt | null = null
  epoch = 0
  nowMs: number
  readonly #random: SeededRandom
  readonly #maker: BatchMaker
  #sync: Sync | null = null
  #stretch: ReturnType<Log['background']['begin']> = null

  constructor (identity: LogIdentity, config: LogConfig, random: SeededRandom, nowMs: number) {
    this.identity = identity
    this.config = config
    this.nowMs = nowMs
    this.#random = random
    this.#maker = new BatchMaker(random, config.compacts)
  }

  get #open (): Log {
    must(this.log !== null, 'the log is open')
    return this.log!
  }

  /** Returns what it did, for the trace. Throws DiskError when the disk refused; `doubt` says what may be. */
  step (): string {
    const step = this.#random.below(100)
    if (step < 34) return this.#append(false)
    if (step < 46) return this.#append(true)
    if (step < 54) return this.#retry()
    if (step < 62) return this.#completeSync()
    if (step < 66) return this.#flush()
    if (step < 71) return this.#cut()
    if (step < 73) return this.#restart()
    if (step < 79) return this.#retain()
    if (step < 83) return this.#advanceStart()
    if (step < 88) return this.#lead()
    if (step < 93) return this.#tick()
    if (step < 95) return this.#reconfigure()
    return this.#check()
  }

  #append (follows: boolean): string {
    const log = this.#open
    const { expected } = this
    const staged: ExpectedBatch[] = []
    let end = expected.end
    if (!follows) this.#becomeLeader(0)
    const rounds = 1 + this.#random.below(this.#random.below(5) === 0 ? 12 : 3)
    for (let round = 0; round < rounds; round++) {
      this.nowMs += this.#random.below(50)
      const timestampMs = this.nowMs - this.#random.below(30)
      const [maker, epoch] = [this.#maker, this.epoch]
      const { bytes, expected: batch } = follows
        ? maker.fromLeader(expected, staged, end, epoch, timestampMs)
        : maker.fromClient(expected, staged, end, epoch, timestampMs)
      if (!follows) bytes.writeInt32BE(0, 4) // as a client numbers it
      const answer = follows
        ? log.stageAsFollower(bytes, this.nowMs)
        : log.stageAsLeader(bytes, 'client', this.nowMs)
      must(answer.errorCode === 0 && answer.baseOffset === batch.base && !answer.duplicate,
        `a batch for ${batch.base} was answered with error ${answer.errorCode}, ${answer.baseOffset}: ${JSON.stringify(batch)}`)
      staged.push(batch)
      end = batch.last + 1
    }
    this.#attempt(doubt => { doubt.maybe = staged }, () => log.write(this.nowMs))
    expected.batches.push(...staged)
    if (log.config.durability !== 'page-cache') this.#sync = { path: log.activePath, end: log.end }
    const last = staged[staged.length - 1].last
    return `${follows ? 'follow' : 'append'} ${staged.length} batches to ${last}`
  }

  /** Does something the disk may refuse; then it is open what of it happened. */
  #attempt (uncertain: (doubt: Doubt) => void, action: () => void): void {
    try {
      action()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.doubt = this.expected.certain()
      uncertain(this.doubt)
      throw error
    }
  }

  #retry (): string {
    const log = this.#open
    const { expected } = this
    const one = expected.batches[expected.batches.length - 1 - this.#random.below(8)]
    const entry = one === undefined ? undefined : log.producers.get(one.producerId)
    if (one === undefined || entry === undefined || one.control || one.transactional) return 'retry nothing'
    const ages = [0, 1, 2, 3, 4].slice(0, entry.count)
    const known = ages.some(age => entry.ring[entry.slot(age) + 1] === one.last)
    if (!known || one.producerEpoch !== entry.epoch) return 'retry nothing'
    const answer = log.stageAsLeader(this.#maker.again(one), 'client', this.nowMs)
    must(answer.duplicate && answer.baseOffset === one.base && answer.lastOffset === one.last,
      `the batch at ${one.base} was not recognised: error ${answer.errorCode}, ${answer.baseOffset}`)
    return `retry ${one.base}`
  }

  /** The disk thread is done: what was written when it was asked is on the device. */
  #completeSync (): string {
    const log = this.#open
    const { disk } = log.parts
    const sync = this.#sync
    this.#sync = null
    const found = sync !== null && disk.status(sync.path) !== null
    if (!found) return this.#random.below(2) === 0 ? this.#syncSealed() : this.#syncActive()
    this.#attempt(() => {}, () => syncFile(disk, sync.path))
    log.flushed(Math.min(sync.end, log.end))
    return `sync to ${sync.end}`
  }

  #syncSealed (): string {
    const log = this.#open
    const [sealed] = log.files.unflushed
    if (sealed === undefined) return 'sync nothing'
    this.#attempt(() => {}, () => syncSegment(log.parts.disk, sealed.path, sealed.end))
    log.files.dropUnflushed(sealed.baseOffset)
    log.flushed(sealed.end)
    return `sync the segment at ${sealed.baseOffset}`
  }

  /** In background, as a busy log's; other things may happen before it is done. */
  #syncActive (): string {
    const log = this.#open
    const begun = this.#stretch
    if (begun === null) {
      this.#attempt(() => {}, () => { this.#stretch = log.background.begin(log) })
      return `begin to flush to ${this.#stretch?.end}`
    }
    this.#stretch = null
    if (log.parts.disk.status(begun.path) === null) return 'sync nothing'
    this.#attempt(() => {}, () => {
      syncSegment(log.parts.disk, begun.path, begun.end)
      log.background.done(log, begun.base)
    })
    return `flushed to ${begun.end}`
  }

  #flush (): string {
    this.#attempt(() => {}, () => this.#open.flush())
    return `flush to ${this.#open.recoveryPoint}`
  }

  #cut (): string {
    const log = this.#open
    const { expected } = this
    if (expected.end === expected.start) return 'cut nothing'
    const offset = expected.end - this.#random.below(Math.min(25, expected.end - expected.start) + 1)
    const kept = expected.batches.findLast(one => one.last < offset)
    const endMin = kept === undefined ? 0 : kept.last + 1
    this.#attempt(doubt => { doubt.endMin = endMin }, () => log.truncateTo(offset))
    if (offset < expected.end) expected.cutTo(offset, log.start, log.end)
    if (this.#sync !== null && this.#sync.end > log.end) this.#sync = null
    return `cut to ${offset}`
  }

  #restart (): string {
    const { expected } = this
    const offset = expected.end + this.#random.below(30)
    this.#attempt(doubt => {
      doubt.restart = offset
      doubt.endMin = -1
      doubt.startMax = Infinity
    }, () => this.#open.truncateFullyAndStartAt(offset))
    expected.restartAt(offset)
    this.#sync = null
    return `restart at ${offset}`
  }

  #retain (): string {
    const log = this.#open
    const { expected } = this
    this.nowMs += this.#random.below(5) === 0 ? 3_000 : 0
    const highWatermark = expected.start + this.#random.below(log.durableEnd - expected.start + 1 || 1)
    this.#attempt(doubt => { doubt.startMax = highWatermark }, () => log.retain(this.nowMs, highWatermark))
    must(log.start >= expected.start && log.start <= Math.max(expected.start, highWatermark),
      `retention moved the start from ${expected.start} to ${log.start}, the high watermark is ${highWatermark}`)
    expected.start = log.start
    expected.startEver = Math.max(expected.startEver, log.start)
    return `retain: start ${log.start}`
  }

  /** As DeleteRecords: the directory's next checkpoint makes it last. */
  #advanceStart (): string {
    const { expected } = this
    const offset = expected.start + this.#random.below(expected.end - expected.start + 1)
    if (offset > this.#open.durableEnd) return 'delete nothing'
    this.#open.advanceStart(offset)
    expected.start = Math.max(expected.start, offset)
    expected.startEver = Math.max(expected.startEver, expected.start)
    return `delete below ${offset}`
  }

  #lead (): string {
    this.#becomeLeader(this.#random.below(3))
    return `lead with epoch ${this.epoch}`
  }

  #becomeLeader (more: number): void {
    this.epoch += more
    this.#open.becomeLeader(this.epoch)
  }

  #tick (): string {
    this.nowMs += this.#random.below(200)
    this.#attempt(() => {}, () => this.#open.tick(this.nowMs))
    return 'tick'
  }

  #reconfigure (): string {
    const segmentBytes = [800, 1500, 6000][this.#random.below(3)]
    this.config = { ...this.config, segmentBytes }
    this.#open.configure(this.config)
    return `segments of ${segmentBytes} bytes`
  }

  #check (): string {
    checkContents(this.#open, this.expected)
    checkReader(this.#open, this.expected, this.#random)
    checkIndexes(this.#open, this.expected)
    return 'check'
  }

  /** The broker is gone. `powerCut`: and with it what was not on the device. */
  down (recoveryPoint: Offset, powerCut: boolean): void {
    this.doubt ??= this.expected.certain()
    if (powerCut) this.doubt.endMin = Math.min(this.doubt.endMin, recoveryPoint)
    this.log = null
    this.#sync = null
    this.#stretch = null
  }
}
