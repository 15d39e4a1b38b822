// Whether what a log keeps beside its records says what the records say: ends, indexes, newest times, leader
// epochs, producers, open transactions.
import { readInt64 } from '../../protocol/record-batch.ts'
import { type Log } from '../../log/partition-log.ts'
import { suffix } from '../../log/names.ts'
import { type ProducerEntry } from '../../log/producer-entry.ts'
import { SegmentReader, segmentAt } from '../../log/reader.ts'
import { type Segment } from '../../log/segment.ts'
import { type Random } from '../../base/random.ts'
import { batchesOf, type ExpectedBatch, type ExpectedLog, must } from './expected-log.ts'

/** A log in the middle of its life: nothing is in doubt. */
export function checkContents (log: Log, expected: ExpectedLog): void {
  const told = `start ${log.start}, end ${log.end}, expected ${expected.start} to ${expected.end}`
  must(log.start === expected.start && log.end === expected.end, told)
  const found = batchesOf(log).filter(one => one.last >= log.start).map(({ base, values }) => `${base} ${values}`)
  const wanted = expected.readable.map(({ base, values }) => `${base} ${values}`)
  must(found.join('\n') === wanted.join('\n'), `found\n${found.join('\n')}\nexpected\n${wanted.join('\n')}\n${told}`)
  must(log.recoveryPoint <= log.end, `the recovery point ${log.recoveryPoint} lies behind the end: ${told}`)
  const bytes = log.segments.reduce((sum, segment) => sum + segment.bytes, 0)
  must(log.bytes === bytes, `the log says it has ${log.bytes} bytes, its segments ${bytes}`)
}

export function checkEpochs (log: Log, expected: ExpectedLog): void {
  const { epochs } = log.files
  const from = Math.max(log.start, Math.min(epochs.entries[0]?.[1] ?? Infinity, expected.startEver))
  for (const { base, epoch } of expected.batches) {
    if (base < from) continue
    const known = epochs.epochAt(base)
    must(known === epoch, `leader epochs ${JSON.stringify(epochs.entries)} say ${known} of ${base}, its batch ${epoch}`)
  }
  // In gaps epochs may begin where no batch does; one that begins at the end has no records.
  if (log.config.compacts || expected.gaps) return
  const found = JSON.stringify(epochs.entries.filter(([, start]) => start < log.end))
  const wanted = JSON.stringify(expected.epochs(from).filter(([, start]) => start < log.end))
  must(found === wanted, `leader epochs ${found}, the batches say ${wanted}`)
}

/** Every entry of every index file points at a batch, and says of it what is true. */
export function checkIndexes (log: Log, expected: ExpectedLog): void {
  for (const [at, segment] of log.segments.entries()) {
    const next = log.segments[at + 1]?.baseOffset ?? Infinity
    const batches = expected.batches.filter(one => one.base >= segment.baseOffset && one.base < next)
    const newestMs = Math.max(-1, ...batches.map(one => one.timestampMs))
    must(segment.meter.maxTimestampMs === newestMs,
      `${segment.path}: newest time ${segment.meter.maxTimestampMs}, its records say ${newestMs}`)
    if (segment.sealed) checkFiles(log, segment, batches, newestMs)
  }
}

function checkFiles (log: Log, segment: Segment, batches: ExpectedBatch[], newestMs: number): void {
  const { disk } = log.parts
  const path = segment.pathOf(suffix.offsetIndex)
  const entries = disk.readFile(path)
  const positions = positionsOf(log, segment)
  for (let at = 0; at < entries.length; at += 8) {
    const position = positions.get(segment.baseOffset + entries.readInt32BE(at))
    must(position === entries.readInt32BE(at + 4), `${path}: entry ${at / 8} points at no batch that ends there`)
  }
  const timePath = segment.pathOf(suffix.timeIndex)
  const times = disk.readFile(timePath)
  for (let at = 0; at < times.length; at += 12) {
    const last = segment.baseOffset + times.readInt32BE(at + 8)
    const before = batches.filter(one => one.last <= last)
    const truth = Math.max(-1, ...before.map(one => one.timestampMs))
    must(readInt64(times, at) === truth, `${timePath}: entry ${at / 12} says ${readInt64(times, at)} up to ${last}, it is ${truth}`)
  }
  const told = times.length === 0 ? -1 : readInt64(times, times.length - 12)
  must(told === newestMs, `${timePath} ends with ${told}, the newest record has ${newestMs}`)
}

/** Last offset -> where its batch starts. */
function positionsOf (log: Log, segment: Segment): Map<number, number> {
  const positions = new Map<number, number>()
  const { scan } = log
  const file = log.parts.disk.open(segment.path, 'read')
  for (let at = 0; scan.load(file, at, segment.bytes); at += scan.header.bytes) {
    positions.set(scan.header.lastOffset, at)
  }
  log.parts.disk.close(file)
  return positions
}

/** Some offsets and times are found where they are. */
export function checkReader (log: Log, expected: ExpectedLog, random: Random): void {
  const { readable } = expected
  if (readable.length === 0) return
  const views = log.segments.map(segment => segment.view())
  const reader = new SegmentReader(log.parts.disk, 4)
  const one = readable[random.below(readable.length)]
  const offset = one.base + random.below(one.last - one.base + 1)
  const found = reader.find(views[segmentAt(views, offset)], offset, log.end)
  must(found?.baseOffset === one.base && found.lastOffset === one.last,
    `offset ${offset} is found in the batch at ${found?.baseOffset}, it is in the one at ${one.base}`)
  const first = readable.find(({ timestampMs, control }) => !control && timestampMs >= one.timestampMs)
  const byTime = reader.offsetForTime(views, one.timestampMs, log.start, log.end)
  // A marker has a time too, and no value.
  const marked = readable.find(({ timestampMs }) => timestampMs >= one.timestampMs)
  const wanted = Math.max(marked?.base ?? -1, log.start)
  must(first === undefined || byTime.offset === wanted, `time ${one.timestampMs} leads to ${byTime.offset}, not to ${wanted}`)
  reader.close()
}

/**
 * What is known of each producer is what the newest of its batches say, as far as they lie in the log: of
 * those that retention took, a power cut may leave older knowledge.
 */
export function checkProducers (log: Log, expected: ExpectedLog): void {
  const first = log.segments[0]?.baseOffset ?? log.end
  const ids = new Set(expected.batches.map(one => one.producerId).filter(id => id >= 0))
  for (const entry of log.producers.entries()) {
    must(ids.has(entry.id), `producer ${entry.id} is known, and wrote nothing`)
  }
  for (const id of ids) {
    const mine = expected.batches.filter(one => one.producerId === id)
    const epoch = mine[mine.length - 1].producerEpoch
    const present = mine.some(one => one.base >= first)
    const entry = log.producers.get(id)
    if (!present) {
      expected.forgotten.add(id)
      continue
    }
    must(entry !== undefined, `producer ${id} is not known`)
    if (entry === undefined) continue
    must(entry.epoch === epoch, `producer ${id} has epoch ${entry.epoch}, its newest batch ${epoch}`)
    checkRing(entry, newestOfEpoch(mine), first)
    checkTransaction(entry, mine, first)
  }
}

/** Newest first. */
function newestOfEpoch (mine: readonly ExpectedBatch[]): ExpectedBatch[] {
  const newest: ExpectedBatch[] = []
  const epoch = mine[mine.length - 1].producerEpoch
  for (const one of mine.toReversed()) {
    if (one.producerEpoch !== epoch || newest.length === 5) break
    if (!one.control) newest.push(one)
  }
  return newest
}

function checkRing (entry: ProducerEntry, newest: readonly ExpectedBatch[], first: number): void {
  const needed = newest.filter(one => one.base >= first).length
  must(entry.count >= needed, `${entry.count} batches of producer ${entry.id} are known, ${needed} lie in the log`)
  for (let age = 0; age < needed; age++) {
    const at = entry.slot(age)
    const { base, last, sequence } = newest[age]
    const [lastSequence, lastOffset, delta] = entry.ring.slice(at, at + 3)
    must(lastOffset === last && delta === last - base && lastSequence === sequence + delta,
      `batch ${age} of producer ${entry.id} is remembered at ${lastOffset - delta} with sequence ${lastSequence - delta}, it is at ${base} with ${sequence}`)
  }
}

function checkTransaction (entry: ProducerEntry, mine: readonly ExpectedBatch[], first: number): void {
  let open = -1
  for (const { control, transactional, base } of mine) {
    if (control) open = -1
    else if (transactional && open < 0) open = base
  }
  const known = entry.transactionStart
  if (open >= 0 && open < first) return
  must(known === open, `producer ${entry.id} has a transaction open since ${known}, its batches say ${open}`)
}
