// Random lives of a log with transactions. The model is the list of its batches: what is open, what was
// aborted and what a reader of committed records must see follow from that alone.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { type AbortedTransaction } from './transaction-index.ts'
import { type Log } from './partition-log.ts'
import { type LogConfig, type Offset } from './types.ts'
import { append, now, open, type Opened } from './testing/kit.ts'
import { abortedFrom, committedIn, stageEnd, stageIn } from './testing/transactions.ts'

type Step =
  | { kind: 'write', rounds: { producer: number, act: 'records' | 'commit' | 'abort' | 'plain' }[] }
  | { kind: 'cut', part: number }
  | { kind: 'reopen', clean: boolean, flushed: boolean }
  | { kind: 'retain' }
  | { kind: 'watermark', part: number }

const part = fc.double({ min: 0, max: 1, noNaN: true })
const round = fc.record({
  producer: fc.integer({ min: 1, max: 4 }),
  act: fc.constantFrom('records' as const, 'records' as const, 'commit' as const, 'abort' as const, 'plain' as const)
})
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('write' as const), rounds: fc.array(round, { minLength: 1, maxLength: 5 }) })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), part }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('reopen' as const), clean: fc.boolean(), flushed: fc.boolean() })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retain' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('watermark' as const), part }) }
)

interface Entry { offset: Offset, producer: number, act: 'records' | 'commit' | 'abort' | 'plain', value: string }

/** What the batches below `end` say. */
function told (entries: readonly Entry[], end: Offset) {
  const open = new Map<number, Offset>()
  const aborted: AbortedTransaction[] = []
  const fate = new Map<number, Entry[]>()
  const committed: Entry[] = []
  for (const entry of entries.filter(({ offset }) => offset < end)) {
    const { offset, producer, act } = entry
    if (act === 'plain') committed.push(entry)
    if (act === 'plain') continue
    if (act === 'records') {
      if (!open.has(producer)) open.set(producer, offset)
      fate.set(producer, [...fate.get(producer) ?? [], entry])
      continue
    }
    const firstOffset = open.get(producer)
    open.delete(producer)
    if (act === 'commit') committed.push(...fate.get(producer) ?? [])
    fate.delete(producer)
    if (firstOffset === undefined || act === 'commit') continue
    const lastStableOffset = Math.min(offset + 1, ...open.values())
    aborted.push({ producerId: producer, firstOffset, lastOffset: offset, lastStableOffset })
  }
  const stable = Math.min(end, ...open.values())
  const values = committed.filter(({ offset }) => offset < stable).sort((a, b) => a.offset - b.offset)
  return { stable, aborted, values: values.map(({ value }) => value) }
}

class Life {
  readonly disk = new MemoryDisk(() => now)
  readonly config: Partial<LogConfig>
  opened: Opened
  entries: Entry[] = []
  highWatermark: Offset = 0
  /** Markers below were there at the last start: as in Kafka, a snapshot does not tell how new they are. */
  #started: Offset = 0
  #written = 0
  #epoch = 0

  constructor (config: Partial<LogConfig>) {
    this.config = config
    this.disk.makeDirectory('/data')
    this.opened = open(this.disk, config)
    this.opened.log.becomeLeader(0)
  }

  get log (): Log { return this.opened.log }

  run (step: Step): void {
    switch (step.kind) {
      case 'write': return this.#write(step.rounds)
      case 'cut': return this.#cut(step.part)
      case 'reopen': return this.#reopen(step.clean, step.flushed)
      case 'retain': this.log.retain(now, this.highWatermark); return
      case 'watermark': {
        const { end } = this.log
        this.highWatermark = Math.max(this.highWatermark, Math.min(end, Math.floor(step.part * (end + 1))))
        return this.log.replicated(this.highWatermark)
      }
    }
  }

  #write (rounds: Extract<Step, { kind: 'write' }>['rounds']): void {
    const { log } = this
    let next = log.end
    for (const { producer, act } of rounds) {
      const value = `value ${this.#written++}`
      const own = { producerId: producer }
      if (act === 'plain') {
        log.write(now)
        append(log, [value])
      } else {
        const error = act === 'records' ? stageIn(log, [value], own) : stageEnd(log, act === 'commit', own)
        expect(error).toBe('NONE')
      }
      this.entries.push({ offset: next++, producer, act, value })
    }
    log.write(now)
    expect(log.end).toBe(next)
  }

  #cut (where: number): void {
    const { log } = this
    // Never below what is committed.
    const to = this.highWatermark + Math.floor((log.end - this.highWatermark) * where)
    log.truncateTo(to)
    this.entries = this.entries.filter(({ offset }) => offset < to)
  }

  #reopen (clean: boolean, flushed: boolean): void {
    if (clean) this.log.close(true)
    else if (flushed) this.log.flush()
    const { recoveryPoint, start } = this.log
    this.opened = open(this.disk, this.config, { clean, recoveryPoint, logStart: start })
    this.log.becomeLeader(++this.#epoch)
    this.#started = this.log.end
    this.log.replicated(this.highWatermark)
  }

  check (): void {
    const { log, highWatermark } = this
    const all = told(this.entries, log.end)
    expect(log.firstUndecided).toBe(Math.max(log.start, all.stable))
    const seen = told(this.entries, highWatermark)
    const least = Math.max(log.start, seen.stable)
    const known = told(this.entries, Math.max(highWatermark, Math.min(this.#started, log.end)))
    const most = Math.max(log.start, Math.min(highWatermark, known.stable))
    const first = highWatermark > log.lastMarker ? log.firstUndecided : log.firstUnstable
    expect(Math.min(highWatermark, first)).toBeLessThanOrEqual(most)
    // Exactly there once the log was told of the high watermark.
    log.replicated(highWatermark)
    const stable = Math.min(highWatermark, log.firstUnstable)
    expect(stable).toBeGreaterThanOrEqual(least)
    expect(stable).toBeLessThanOrEqual(most)
    const kept = all.aborted.filter(({ lastOffset }) => lastOffset >= (log.segments[0]?.baseOffset ?? 0))
    const indexes = log.segments.flatMap(segment => segment.aborted?.entries() ?? [])
    expect(indexes).toEqual(kept)
    expect(log.lastAborted).toBe(kept.at(-1)?.lastOffset ?? -1)
    if (log.start === 0) expect(this.#committed(seen.stable)).toEqual(seen.values)
  }

  /** As consumers read: segment by segment, with what each answer names. */
  #committed (upper: Offset): string[] {
    const values: string[] = []
    for (const segment of this.log.segments) {
      const bytes = this.disk.readFile(segment.path).subarray(0, segment.bytes)
      if (bytes.length === 0 || segment.baseOffset >= upper) continue
      const aborted = abortedFrom(this.log, this.opened.seen.views, segment.baseOffset, bytes.length)
      values.push(...committedIn(bytes, segment.baseOffset, aborted).values)
    }
    const below = this.entries.filter(({ offset }) => offset < upper).map(({ value }) => value)
    return values.filter(value => below.includes(value))
  }
}

describe('a log with transactions, whatever happens to it', () => {
  it.each([
    ['one segment', { segmentBytes: 1 << 20 }],
    ['many segments', { segmentBytes: 250, indexIntervalBytes: 50 }],
    ['retention', { segmentBytes: 250, retentionBytes: 1500, indexIntervalBytes: 50 }]
  ])('knows what is stable and what was aborted: %s', (_, config) => {
    fc.assert(fc.property(fc.array(steps, { minLength: 5, maxLength: 40 }), (all) => {
      const life = new Life(config)
      for (const step of all) {
        life.run(step)
        life.check()
      }
    }), { numRuns: 150 })
  })
})
