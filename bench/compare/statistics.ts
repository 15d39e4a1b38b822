// Several runs to one figure, and how far they lie apart.
import { type Case, type ContestantName, type Target } from './case.ts'
import { type Figures, type MetricName, metrics, showRatio } from './metrics.ts'

/** What came of a case. */
export interface Measured {
  readonly name: string
  readonly group: Case['group']
  readonly title: string
  readonly targets: readonly Target[]
  readonly limit: Case['limit'] | null
  readonly x: number | null
  /** By contestant, a run after the other. */
  readonly runs: Readonly<Record<ContestantName, readonly Figures[]>>
  /** What went wrong, or why there is nothing. */
  readonly notes: readonly string[]
}

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
  /** Half the distance between the least and the most, as a share of the median. */
  readonly noise: number
}

export function summarize (values: readonly number[]): Summary | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  const least = sorted[0]
  const most = sorted.at(-1)!
  return { median, least, most, noise: median === 0 ? 0 : (most - least) / 2 / median }
}

export function valuesOf ({ runs }: Measured, name: ContestantName, metric: MetricName): number[] {
  return runs[name].map(figures => figures[metric]).filter(value => value !== undefined)
}

export function summaryOf (measured: Measured, name: ContestantName, metric: MetricName): Summary | null {
  return summarize(valuesOf(measured, name, metric))
}

/** millrace's median as a multiple of Kafka's; least and most are of the runs that stood side by side. */
export function ratioOf (measured: Measured, metric: MetricName): Summary | null {
  const ours = valuesOf(measured, 'millrace', metric)
  const theirs = valuesOf(measured, 'kafka', metric)
  const own = summarize(ours)
  const other = summarize(theirs)
  if (own === null || other === null || other.median === 0) return null
  const pairs = summarize(ours.slice(0, theirs.length).map((value, run) => value / theirs[run]))!
  return { ...pairs, median: own.median / other.median }
}

export interface Verdict {
  readonly measured: Measured
  readonly target: Target
  readonly wanted: string
  readonly reached: string
  /** Null: it was not measured. */
  readonly met: boolean | null
}

export function verdictsOf (all: readonly Measured[]): Verdict[] {
  return all.flatMap(measured => measured.targets.map(target => verdictOf(measured, target)))
}

function verdictOf (measured: Measured, target: Target): Verdict {
  const { metric, ratioMin, ratioMax, valueMin, valueMax } = target
  const relative = ratioMin !== undefined || ratioMax !== undefined
  const reached = relative ? ratioOf(measured, metric) : summaryOf(measured, 'millrace', metric)
  const show = relative ? showRatio : metrics[metric].show
  const min = ratioMin ?? valueMin
  const max = ratioMax ?? valueMax
  return {
    measured,
    target,
    wanted: min !== undefined ? `at least ${show(min)}` : `at most ${show(max!)}`,
    reached: reached === null ? '' : show(reached.median),
    met: reached === null ? null : reached.median >= (min ?? -Infinity) && reached.median <= (max ?? Infinity)
  }
}
