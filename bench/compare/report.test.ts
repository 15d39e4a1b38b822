// From runs to figures, and from figures to pages: without a broker.
import { describe, expect, it } from 'vitest'
import { html } from './html.ts'
import { markdown } from './markdown.ts'
import { joined, type Report } from './report.ts'
import { type Measured, ratioOf, summarize, verdictsOf } from './statistics.ts'

const produced: Measured = {
  name: 'produce',
  group: 'produce',
  title: 'requests of <1 KB>',
  targets: [{ metric: 'recordsPerSecond', ratioMin: 2.5 }, { metric: 'cpuSecondsPerGigabyte', ratioMax: 0.25 }],
  limit: 'in',
  x: null,
  runs: {
    millrace: [{ recordsPerSecond: 300, megabytesPerSecond: 50, cpuSecondsPerGigabyte: 2 },
      { recordsPerSecond: 500, megabytesPerSecond: 50, cpuSecondsPerGigabyte: 3 },
      { recordsPerSecond: 400, megabytesPerSecond: 50, cpuSecondsPerGigabyte: 4 }],
    kafka: [{ recordsPerSecond: 100, cpuSecondsPerGigabyte: 6 },
      { recordsPerSecond: 100, cpuSecondsPerGigabyte: 6 },
      { recordsPerSecond: 200, cpuSecondsPerGigabyte: 6 }]
  },
  notes: []
}

const growing = [1, 10, 100].map((x): Measured => ({
  ...produced, name: `growth-${x}`, group: 'partitions', title: String(x), targets: [], limit: null, x
}))

const alone: Measured = {
  ...produced,
  name: 'embedded',
  group: 'start',
  title: 'embedded',
  targets: [{ metric: 'embeddedMs', valueMax: 150 }, { metric: 'startMs', ratioMax: 0.1 }],
  runs: { millrace: [{ embeddedMs: 200, startMs: 1 }], kafka: [] },
  notes: ['skipped: there is no Java']
}

const report: Report = {
  date: '2026-01-02',
  machine: {
    processor: 'a processor',
    cores: 2,
    memoryGb: 8,
    system: 'Linux',
    node: 'v24',
    java: null,
    dataFolder: '/data',
    fileSystem: 'tmpfs',
    loadBefore: 0.1
  },
  titles: { millrace: 'millrace 1', kafka: 'Apache Kafka 2' },
  overrides: ['a=b'],
  runs: 3,
  seconds: 1,
  quick: false,
  touchedBytes: 12e9,
  limits: {
    in: { bytesPerSecond: 100e6, cpuSecondsPerGb: 1 },
    out: { bytesPerSecond: 200e6, cpuSecondsPerGb: 1 },
    requests: { 1024: { bytesPerSecond: 100e6, cpuSecondsPerGb: 1 } },
    pieces: {
      memcpy: 1e9,
      pageCacheWrite: 1e9,
      pageCacheRead: 1e9,
      crc32c: 1e9,
      lz4Compress: 1e9,
      lz4Decompress: 1e9,
      hopUs: 3
    },
    echoes: { 200: { p50Ms: 0.5, p99Ms: 2 } }
  },
  results: [alone, produced, ...growing],
  troubles: ['millrace did not stop in order']
}

describe('statistics', () => {
  it('a median, and half the range as its noise', () => {
    expect(summarize([])).toBeNull()
    expect(summarize([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3, noise: 0.5 })
    expect(summarize([1, 3])).toMatchObject({ median: 2, noise: 0.5 })
  })

  it('the ratio is that of the medians, its range that of runs side by side', () => {
    expect(ratioOf(produced, 'recordsPerSecond')).toMatchObject({ median: 4, least: 2, most: 5 })
    expect(ratioOf(alone, 'startMs')).toBeNull()
  })

  it('a target is met, not met, or was not measured', () => {
    const found = verdictsOf([produced, alone]).map(({ wanted, reached, met }) => [wanted, reached, met])
    expect(found).toEqual([
      ['at least 2.50 x', '4.00 x', true],
      ['at most 0.25 x', '0.50 x', false],
      ['at most 150 ms', '200 ms', false],
      ['at most 0.10 x', '', null]
    ])
  })
})

describe('parts of a comparison', () => {
  it('are put side by side, and a case that was run again counts as it was run last', () => {
    const again = { ...produced, runs: { millrace: [{ recordsPerSecond: 700 }], kafka: [] } }
    const first = { ...report, results: [alone, produced] }
    const whole = joined([first, { ...report, results: [again], runs: 1 }])
    expect(whole.results).toEqual([alone, again])
    expect(whole.parts).toEqual(['start, produce: 3 runs', 'produce: 1 runs'])
  })
})

describe('pages', () => {
  it('Markdown has targets, figures with noise, the share of the limit and what was left out', () => {
    const page = markdown(report)
    expect(page).toContain('| requests of <1 KB>: records/s | at least 2.50 x | 4.00 x | met |')
    expect(page).toContain('| requests of <1 KB> | records/s | **400 ±25 %** | 100 ±50 % | 4.00 x (2.00-5.00) |  |')
    expect(page).toContain('50 % / -')
    expect(page).toContain('| echo of a small message, 200 a second | p50 0.50 ms, p99 2.00 ms |')
    expect(page).toContain('a file of 12.0 GB was written to the data folder and deleted')
    expect(page).toContain('embedded: skipped: there is no Java')
    expect(page).toContain('millrace did not stop in order')
  })

  it('HTML stands by itself, and its plots are well-formed', () => {
    const page = html(report)
    expect(page).not.toMatch(/https?:|<script|<link|src=|url\(|NaN|undefined|Infinity/)
    expect(page).toContain('requests of &lt;1 KB&gt;')
    const plots = page.match(/<svg.*?<\/svg>/gs)!
    expect(plots.length).toBeGreaterThan(4)
    for (const plot of plots) {
      const open: string[] = []
      for (const [, end, name, whole] of plot.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
        if (end === '/') expect(open.pop()).toBe(name)
        else if (whole === '') open.push(name)
      }
      expect(open).toEqual([])
    }
  })
})
