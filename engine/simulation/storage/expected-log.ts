// What a log must hold: the model of the storage fuzzer. It remembers every batch since the log began, also
// what retention took, because that decides what producers are known; and what a failed call leaves open.
import { BatchHeader, eachBatch, readBatchHeader, verifyCrc } from '../../protocol/record-batch.ts'
import { decodeRecords } from '../../protocol/record.ts'
import { LeaderEpochs } from '../../log/leader-epochs.ts'
import { type Log } from '../../log/partition-log.ts'
import { type Offset } from '../../log/types.ts'

export interface ExpectedBatch {
  base: Offset
  last: Offset
  /** Of all its records, joined. */
  values: string
  epoch: number
  timestampMs: number
  /** -1: none. */
  producerId: number
  producerEpoch: number
  sequence: number
  transactional: boolean
  control: boolean
}

/** What a crash or a failed call may have done to the log. */
export interface Doubt {
  /** The log ends there at the earliest. */
  endMin: Offset
  /** It starts there at the latest. */
  startMax: Offset
  /** Batches behind the known end that may be there, in this order. */
  maybe: ExpectedBatch[]
  /** It may be empty and begin there; -1: not so. */
  restart: Offset
}

export class ExpectedLog {
  /** Where it began, or ended last with nothing before: it never ends below. */
  origin: Offset = 0
  batches: ExpectedBatch[] = []
  start: Offset = 0
  /** A checkpoint on the device says so: it never starts below. */
  startMin: Offset = 0
  /** Where it ever started: a crash may bring back what was below, but not which leaders wrote it. */
  startEver: Offset = 0
  /** What a cut took that was not carried out to the end: while nothing follows, a power cut may undo it. */
  #ghosts: ExpectedBatch[] = []
  /** A power cut took the end of a segment and spared the next. */
  gaps = false
  /** Producers whose batches retention took, and of which a power cut may have left older knowledge. */
  readonly forgotten = new Set<number>()

  get end (): Offset {
    return this.endAfter(this.batches)
  }

  /**
   * A power cut may take the end of a segment and spare the next one: a gap, as compaction leaves them. It
   * may lie only behind what was acknowledged.
   */
  #dropHoles (log: Log, found: readonly ExpectedBatch[], doubt: Doubt): void {
    const bases = new Set(found.map(one => one.base))
    const starts = log.segments.map(({ baseOffset }) => baseOffset)
    const lost = (one: ExpectedBatch): boolean => !bases.has(one.base) && one.last >= doubt.endMin &&
      starts.some(next => next > one.base) && one.base >= log.segments[0].baseOffset && one.last < log.end
    this.gaps ||= this.batches.some(lost) || doubt.maybe.some(lost)
    this.batches = this.batches.filter(one => !lost(one))
    doubt.maybe = doubt.maybe.filter(one => !lost(one))
  }

  endAfter (batches: readonly ExpectedBatch[]): Offset {
    return Math.max(this.origin, (batches.at(-1)?.last ?? -1) + 1)
  }

  /** Those that readers may see. */
  get readable (): ExpectedBatch[] {
    return this.batches.filter(one => one.last >= this.start)
  }

  certain (): Doubt {
    return { endMin: this.end, startMax: this.start, maybe: [], restart: -1 }
  }

  restartAt (offset: Offset): void {
    this.origin = offset
    this.batches = []
    this.start = offset
    this.startEver = offset
  }

  /** Batches that reach `offset` are gone. The end may lie in a gap that the cut laid open. */
  cutTo (offset: Offset, start: Offset, end: Offset): void {
    this.batches = this.batches.filter(one => one.last < offset)
    this.origin = Math.min(this.origin, end)
    must(end <= offset && end >= this.end, `cut to ${offset}, the log ends at ${end}`)
    if (end > this.end) this.origin = end
    must(start <= end && (start <= this.start || start === end), `cut to ${offset}, the log starts at ${start}`)
    this.start = start
  }

  /** The history of leaders from `from` on that the batches tell. */
  epochs (from: Offset): (readonly [epoch: number, start: Offset])[] {
    const history = new LeaderEpochs()
    for (const { epoch, base } of this.batches) if (epoch > history.latest) history.assign(epoch, base)
    history.truncateFromEnd(this.end)
    history.truncateFromStart(from)
    return [...history.entries]
  }

  /** Takes over what is left of a log after a crash; throws where that is not what may be left. */
  settle (log: Log, doubt: Doubt): void {
    const found = batchesOf(log)
    this.#dropHoles(log, found, doubt)
    const told = `start ${log.start}, end ${log.end}, expected ${this.start} to ${this.end}, at least ${doubt.endMin}`
    must(log.start <= log.end, `a log starts before its end: ${told}`)
    if (found.length === 0 && doubt.restart === log.end) return this.restartAt(log.end)
    const [ghost] = this.#ghosts
    const isBack = ghost !== undefined && ghost.base >= this.end && found.some(one =>
      one.base === ghost.base && one.values === ghost.values && one.timestampMs === ghost.timestampMs)
    const all = [...this.batches, ...isBack ? this.#ghosts : doubt.maybe]
    const first = found.length === 0 ? -1 : all.findIndex(one => one.base === found[0].base)
    must(found.length === 0 || first >= 0, `the first batch is at ${found[0]?.base}, where none was: ${told}`)
    found.forEach((one, index) => same(one, all[first + index], told))
    const count = found.length === 0 ? all.filter(one => one.last < log.end).length : first + found.length
    if (log.end >= doubt.endMin) this.origin = Math.min(this.origin, log.end)
    // Only the name of a compacted log's last segment may tell where it ends.
    if (log.config.compacts && log.segments.at(-1)?.bytes === 0) this.origin = log.active.baseOffset
    const end = this.endAfter(all.slice(0, count))
    if (found.length === 0 && log.end !== end) {
      // A checkpoint that failed in the middle may have told the start.
      must(log.end === this.startMin || log.end === this.start, `an empty log begins where nothing ended: ${told}`)
      // A cut laid a gap open, and no records are left that could be lost: the log ends before the gap.
      const laidOpen = this.gaps && this.batches.length === 0
      must(doubt.endMin <= log.end || laidOpen, `acknowledged records are gone: ${told}`)
      return this.restartAt(log.end)
    }
    must(log.end === end, `the log ends at ${log.end}, its last batch at ${end}: ${told}`)
    must(log.end >= doubt.endMin, `acknowledged records are gone: ${told}`)
    must(log.start >= Math.min(this.startMin, log.end), `deleted records are back, below ${this.startMin}: ${told}`)
    const missing = all.slice(0, Math.max(0, first)).some(one => one.last >= log.start)
    must(!missing, `records between the log start and the first batch are gone: ${told}`)
    // Offsets below the first record that ever was may be left out.
    const startMax = Math.max(doubt.startMax, this.startMin, all[0]?.base ?? 0)
    must(log.start <= startMax || found.length === 0, `the log starts too late: ${told}`)
    this.#ghosts = doubt.endMin < this.end ? all.slice(count) : []
    this.batches = all.slice(0, count)
    this.start = log.start
  }
}

export function must (holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

const header = new BatchHeader()

/** All batches in a log's files, decoded; throws at the first byte that belongs to none. */
export function batchesOf (log: Log): ExpectedBatch[] {
  const found: ExpectedBatch[] = []
  for (const segment of log.segments) {
    const bytes = log.parts.disk.readFile(segment.path).subarray(0, segment.bytes)
    const reached = eachBatch(bytes, 0, bytes.length, (at, length) => {
      must(verifyCrc(bytes, at, length), `a batch at ${at} of ${segment.path} is damaged`)
      found.push(batchAt(bytes, at))
    })
    must(reached === bytes.length, `${segment.path} ends with ${bytes.length - reached} bytes that are no batch`)
  }
  return found
}

export function batchAt (bytes: Buffer, at: number): ExpectedBatch {
  readBatchHeader(bytes, at, header)
  const { baseOffset, lastOffset, partitionLeaderEpoch, maxTimestamp, producerId, producerEpoch } = header
  const { baseSequence, transactional, control } = header
  return {
    base: baseOffset,
    last: lastOffset,
    values: control ? '' : decodeRecords(bytes, at).map(({ value }) => String(value)).join(','),
    epoch: partitionLeaderEpoch,
    timestampMs: maxTimestamp,
    producerId,
    producerEpoch,
    sequence: baseSequence,
    transactional,
    control
  }
}

function same (found: ExpectedBatch, expected: ExpectedBatch | undefined, told: string): void {
  const equal = expected !== undefined && found.base === expected.base && found.last === expected.last &&
    found.values === expected.values && found.epoch === expected.epoch &&
    found.producerId === expected.producerId && found.producerEpoch === expected.producerEpoch &&
    found.sequence === expected.sequence && found.control === expected.control
  must(equal, `found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}: ${told}`)
}
