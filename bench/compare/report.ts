// Everything that a comparison found, and its shape as tables; the pages are made of it.
import { type Limits } from '../limits/limits.ts'
import { groups, type ContestantName, type GroupName } from './case.ts'
import { type Machine } from './machine.ts'
import { type MetricName, metricNames, metrics, showRatio } from './metrics.ts'
import { type Measured, ratioOf, summaryOf, type Verdict, verdictsOf } from './statistics.ts'

export interface Report {
  readonly date: string
  readonly machine: Machine
  readonly titles: Readonly<Record<ContestantName, string>>
  /** Settings that are not the defaults, on both. */
  readonly overrides: readonly string[]
  readonly runs: number
  /** Of the cases that grow; absent: as many. */
  readonly growthRuns?: number
  readonly seconds: number
  readonly quick: boolean
  /** Written into the data folder and deleted before the first run. */
  readonly touchedBytes?: number
  readonly limits: Limits | null
  readonly results: readonly Measured[]
  /** What went wrong beside the cases. */
  readonly troubles: readonly string[]
  /** Where it was made in parts, one after the other: which cases, with how many runs. */
  readonly parts?: readonly string[]
}

/**
 * Parts of a comparison on one machine and day, put side by side; limits are the first one's. A case that was
 * run again counts as it was run last.
 */
export function joined (parts: readonly Report[]): Report {
  if (parts.length === 1) return parts[0]
  const about = ({ results, runs, growthRuns = runs }: Report): string => {
    const names = [...new Set(results.map(({ group }) => group))]
    return `${names.join(', ')}: ${runs} runs${growthRuns === runs ? '' : ` (growth: ${growthRuns})`}`
  }
  return {
    ...parts[0],
    results: [...new Map(parts.flatMap(({ results }) => results).map(one => [one.name, one])).values()],
    troubles: parts.flatMap(({ troubles }) => troubles),
    parts: parts.map(about)
  }
}

export interface Row {
  readonly title: string
  readonly metric: string
  readonly millrace: string
  readonly kafka: string
  readonly ratio: string
  readonly better: 'millrace' | 'kafka' | null
  /** Of what this machine lets one thread do. */
  readonly share: string
}

export interface Section {
  readonly group: GroupName
  readonly title: string
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

function cell (measured: Measured, name: ContestantName, metric: MetricName): string {
  const summary = summaryOf(measured, name, metric)
  if (summary === null) return ''
  const noise = measured.runs[name].length > 1 ? ` ±${percent(summary.noise)}` : ''
  return metrics[metric].show(summary.median) + noise
}

/** Bytes a second of the loop that does the same and nothing else. */
function limitOf ({ limit }: Measured, limits: Limits | null): number | null {
  if (limits === null || limit === null || limit === undefined) return null
  if (typeof limit === 'number') return limits.requests[limit]?.bytesPerSecond ?? null
  return limits[limit].bytesPerSecond
}

function shareOf (measured: Measured, limits: Limits | null, metric: MetricName): string {
  const most = limitOf(measured, limits)
  if (most === null || metric !== 'megabytesPerSecond') return ''
  const of = (name: ContestantName) => {
    const summary = summaryOf(measured, name, metric)
    return summary === null ? '-' : percent(summary.median * 1e6 / most)
  }
  return `${of('millrace')} / ${of('kafka')}`
}

function rowOf (measured: Measured, metric: MetricName, limits: Limits | null): Row {
  const ratio = ratioOf(measured, metric)
  const range = ratio === null || measured.runs.kafka.length < 2
    ? ''
    : ` (${ratio.least.toFixed(2)}-${ratio.most.toFixed(2)})`
  const more = ratio !== null && ratio.median > 1
  return {
    title: measured.title,
    metric: metrics[metric].title,
    millrace: cell(measured, 'millrace', metric),
    kafka: cell(measured, 'kafka', metric),
    ratio: ratio === null ? '' : showRatio(ratio.median) + range,
    better: ratio === null ? null : more === (metrics[metric].better === 'more') ? 'millrace' : 'kafka',
    share: shareOf(measured, limits, metric)
  }
}

export function metricsOf ({ runs }: Measured): MetricName[] {
  const all = [...runs.millrace, ...runs.kafka]
  return metricNames.filter(name => all.some(figures => figures[name] !== undefined))
}

export function sectionsOf ({ results, limits }: Report): Section[] {
  return (Object.keys(groups) as GroupName[]).map(group => {
    const own = results.filter(measured => measured.group === group)
    return {
      group,
      title: groups[group],
      rows: own.flatMap(measured => metricsOf(measured).map(metric => rowOf(measured, metric, limits))),
      notes: own.flatMap(({ title, notes }) => notes.map(note => `${title}: ${note}`))
    }
  }).filter(({ rows, notes }) => rows.length + notes.length > 0)
}

/** Only where both were there, or where the target is a value. */
export function judged ({ results }: Report): Verdict[] {
  return verdictsOf(results)
}

export function limitRows (limits: Limits): [string, string][] {
  const perSecond = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB/s`
  const loop = ({ bytesPerSecond, cpuSecondsPerGb }: Limits['in']) =>
    `${perSecond(bytesPerSecond)}, ${cpuSecondsPerGb.toFixed(2)} CPU s/GB`
  const { pieces } = limits
  return [
    ...Object.entries(limits.requests).map(([bytes, figure]): [string, string] =>
      [`loopback in, requests of ${Number(bytes).toLocaleString('en')} bytes answered, CRC, writev`, loop(figure)]),
    ['loopback in, a stream, CRC, writev', loop(limits.in)],
    ['file out to loopback', loop(limits.out)],
    ['memcpy', perSecond(pieces.memcpy)],
    ['page cache, write', perSecond(pieces.pageCacheWrite)],
    ['page cache, read', perSecond(pieces.pageCacheRead)],
    ['CRC-32C of 16 KB', perSecond(pieces.crc32c)],
    ['LZ4, compress', perSecond(pieces.lz4Compress)],
    ['LZ4, decompress', perSecond(pieces.lz4Decompress)],
    ['hop to a thread and back', `${pieces.hopUs.toFixed(1)} us`],
    ...Object.entries(limits.echoes ?? {}).map(([perSecond, { p50Ms, p99Ms }]): [string, string] =>
      [`echo of a small message, ${Number(perSecond).toLocaleString('en')} a second`, `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`])
  ]
}

/** How to read the tables. */
export function howItWasDone (report: Report): string {
  const { runs, growthRuns = runs, seconds, overrides, quick, touchedBytes = 0 } = report
  const touched = `Before the first run a file of ${(touchedBytes / 1e9).toFixed(1)} GB was written to the data folder and deleted: ` +
    'a virtual machine pays for memory when it is used for the first time, and so would the broker that comes first. '
  const counts = report.parts === undefined
    ? `${runs} runs of each case (growth: ${growthRuns})`
    : `Made in ${report.parts.length} parts (${report.parts.join('; ')} of each case)`
  return `${counts} on either broker, in turn (A B A B ...); medians, ± half the range; the ratio is ` +
    'millrace / Kafka of the medians, its range that of the runs side by side. Both brokers run all the time, on the ' +
    `same cores as the client; ${seconds} s a run once warm. Defaults but for ${overrides.join(', ')} on both. ` +
    (touchedBytes > 0 ? touched : '') +
    'GB are bytes of batches as they travel (with the clients: of values). Share: of the loop in bench/limits that ' +
    'does the same with one thread and nothing else; a broker has more threads.' + (quick ? ' A quick run: its figures mean nothing.' : '')
}
