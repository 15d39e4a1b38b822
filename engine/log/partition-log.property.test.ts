// Random lives of a log against a list in memory: appends, rolls, retries, cuts, retention, closes and kills.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { buildBatch } from '../protocol/record.ts'
import { type Log } from './partition-log.ts'
import { SegmentReader, segmentAt } from './reader.ts'
import { contents, now, open, type Opened } from './testing/kit.ts'
import { type LogConfig, type Offset } from './types.ts'

interface Model {
  /** Batches in the log: first offset and values. */
  batches: { base: Offset, values: string[], timestampMs: number, producer: number, sequence: number }[]
  start: Offset
  end: Offset
  clockMs: number
}

type Step =
  | { kind: 'append', rounds: number[], producer: number, timeDelta: number }
  | { kind: 'retry', age: number }
  | { kind: 'cut', part: number }
  | { kind: 'restart', part: number }
  | { kind: 'reopen', clean: boolean, garbage: number }
  | { kind: 'retain', part: number }
  | { kind: 'flush' }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      rounds: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      producer: fc.integer({ min: -1, max: 2 }),
      timeDelta: fc.integer({ min: -5, max: 20 })
    })
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), age: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reopen' as const), clean: fc.boolean(), garbage: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retain' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) }
)

class Life {
  readonly disk = new MemoryDisk(() => now)
  readonly config: Partial<LogConfig>
  readonly model: Model = { batches: [], start: 0, end: 0, clockMs: now }
  opened: Opened
  epoch = 0
  written = 0

  constructor (config: Partial<LogConfig>) {
    this.config = config
    this.disk.makeDirectory('/data')
    this.opened = open(this.disk, config)
    this.opened.log.becomeLeader(0)
  }

  get log (): Log { return this.opened.log }

  append (rounds: number[], producer: number, timeDelta: number): void {
    const { model } = this
    for (const count of rounds) {
      const values = Array.from({ length: count }, () => `value ${this.written++}`)
      const timestampMs = Math.min(now + 3_000_000, model.clockMs += timeDelta)
      const sequence = this.nextSequence(producer)
      const bytes = this.batchOf(values, timestampMs, producer, sequence)
      const result = this.log.stageAsLeader(bytes, 'client', now)
      expect(result).toMatchObject({ errorCode: 0, baseOffset: model.end, duplicate: false })
      model.batches.push({ base: model.end, values, timestampMs, producer, sequence })
      model.end += count
    }
    this.log.write(now)
  }

  batchOf (values: string[], timestampMs: number, producer: number, sequence: number): Buffer {
    const options = producer < 0 ? {} : { producerId: producer, producerEpoch: 3, baseSequence: sequence }
    return buildBatch(options, values.map(value => ({ value: Buffer.from(value), timestamp: timestampMs })))
  }

  nextSequence (producer: number): number {
    const last = this.model.batches.filter(one => one.producer === producer && producer >= 0).at(-1)
    const known = this.log.producers.get(producer)
    const unknown = known === undefined ? 0 : known.lastSequence + 1
    return last === undefined ? unknown : last.sequence + last.values.length
  }

  retry (age: number): void {
    const mine = this.model.batches.filter(one => one.producer === 1).slice(-5)
    const one = mine.at(-1 - age)
    if (one === undefined) return
    const bytes = this.batchOf(one.values, one.timestampMs, 1, one.sequence)
    const result = this.log.stageAsLeader(bytes, 'client', now)
    expect(result).toMatchObject({ errorCode: 0, baseOffset: one.base, duplicate: true })
  }

  cut (part: number): void {
    const { model } = this
    const to = model.start + Math.floor((model.end - model.start) * part)
    this.log.truncateTo(to)
    if (to >= model.end) return
    model.batches = model.batches.filter(one => one.base + one.values.length <= to)
    const last = model.batches.at(-1)
    model.end = last === undefined ? Math.max(model.start, this.log.end) : last.base + last.values.length
  }

  restart (part: number): void {
    const at = this.model.end + Math.floor(part * 10)
    this.log.truncateFullyAndStartAt(at)
    Object.assign(this.model, { batches: [], start: at, end: at })
  }

  reopen (clean: boolean, garbage: number): void {
    const { log, model } = this
    const recoveryPoint = clean ? model.end : log.recoveryPoint
    if (clean) log.close(true)
    else if (garbage > 0 && log.segments.length > 0) {
      const file = this.disk.open(log.activePath, 'write')
      const next = this.batchOf(['torn'], now, 1, this.nextSequence(1)).subarray(0, garbage)
      this.disk.writev(file, [next.subarray(0, 70)], this.disk.size(file))
      this.disk.close(file)
    }
    this.opened = open(this.disk, this.config, { clean, recoveryPoint, logStart: model.start })
    this.log.becomeLeader(++this.epoch)
  }

  retain (part: number): void {
    const { model } = this
    const highWatermark = model.start + Math.floor((model.end - model.start) * part)
    this.log.retain(now, highWatermark)
    expect(this.log.start).toBeGreaterThanOrEqual(model.start)
    if (this.log.start > model.start) expect(this.log.start).toBeLessThanOrEqual(highWatermark)
    model.start = this.log.start
    model.batches = model.batches.filter(one => one.base >= model.start)
  }

  step (step: Step): void {
    switch (step.kind) {
      case 'append': return this.append(step.rounds, step.producer, step.timeDelta)
      case 'retry': return this.retry(step.age)
      case 'cut': return this.cut(step.part)
      case 'restart': return this.restart(step.part)
      case 'reopen': return this.reopen(step.clean, step.garbage)
      case 'retain': return this.retain(step.part)
      case 'flush': return this.log.flush()
    }
  }

  check (): void {
    const { log, model } = this
    expect([log.start, log.end]).toEqual([model.start, model.end])
    const all = model.batches.flatMap(({ base, values }) => {
      return values.map((value, index) => [base + index, value])
    })
    expect(contents(log)).toEqual(all)
    expect(log.bytes).toBe(log.segments.reduce((sum, segment) => sum + segment.bytes, 0))
    this.checkReader()
  }

  checkReader (): void {
    const { model } = this
    const views = [...this.opened.seen.views.values()].sort((a, b) => a.baseOffset - b.baseOffset)
    const reader = new SegmentReader(this.disk, 2)
    for (const { base, values, timestampMs } of model.batches) {
      const last = base + values.length - 1
      for (const offset of [base, last]) {
        const view = views[segmentAt(views, offset)]
        const found = reader.find(view, offset, model.end)
        expect(found).toMatchObject({ baseOffset: base, lastOffset: last })
        expect(reader.endPosition(view, last + 1)).toBe((found?.position ?? 0) + (found?.bytes ?? 0))
      }
      const earliest = model.batches.find(one => one.timestampMs >= timestampMs)
      expect(reader.offsetForTime(views, timestampMs, model.start, model.end))
        .toMatchObject({ offset: earliest?.base, timestampMs: earliest?.timestampMs })
    }
    const newestMs = Math.max(...model.batches.map(one => one.timestampMs))
    const newest = model.batches.find(one => one.timestampMs === newestMs)
    expect(reader.offsetOfMaxTimestamp(views, model.start, model.end).offset).toBe(newest?.base ?? -1)
    reader.close()
  }
}

describe('a log and its model', () => {
  it.each([150, 400, 5000])('agree in segments of %i bytes', segmentBytes => {
    fc.assert(fc.property(fc.array(steps, { maxLength: 25 }), list => {
      const life = new Life({ segmentBytes, indexIntervalBytes: 120, retentionBytes: 600, retentionMs: -1 })
      for (const step of list) {
        life.step(step)
        life.check()
      }
    }), { numRuns: 150 })
  })
})
