// Plots as SVG text: bars side by side, ratios against their targets, lines over a growing axis. Colours are
// the page's own, so that they follow its light or dark scheme.
import { type ContestantName } from './case.ts'
import { type MetricName, metrics, showRatio } from './metrics.ts'
import { type Measured, ratioOf, summaryOf, type Verdict } from './statistics.ts'

export const contestants: readonly ContestantName[] = ['millrace', 'kafka']

const width = 860
const labelWidth = 300
const valueWidth = 150
const barHeight = 13
const barGap = 3
const rowGap = 12

export function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function text (x: number, y: number, words: string, kind = '', anchor = 'start'): string {
  const name = kind === '' ? '' : ` class="${kind}"`
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${name}>${escape(words)}</text>`
}

function svg (height: number, title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${Math.ceil(height)}" role="img" aria-label="${escape(title)}">${parts.join('')}</svg>`
}

/** A case a row, a bar for each broker with its range. Empty when nothing was measured. */
export function bars (cases: readonly Measured[], metric: MetricName): string {
  const rows = cases
    .map(measured => ({ measured, found: contestants.map(name => summaryOf(measured, name, metric)) }))
    .filter(({ found }) => found.some(summary => summary !== null))
  if (rows.length === 0) return ''
  const most = Math.max(...rows.flatMap(({ found }) => found.map(summary => summary?.most ?? 0)))
  const scale = (width - labelWidth - valueWidth) / (most || 1)
  const parts: string[] = []
  let y = 0
  for (const { measured, found } of rows) {
    parts.push(text(labelWidth - 10, y + barHeight + barGap, measured.title, '', 'end'))
    found.forEach((summary, index) => {
      if (summary === null) return
      const top = y + index * (barHeight + barGap)
      const middle = top + barHeight / 2
      const [from, to, length] = [summary.least, summary.most, summary.median].map(value => value * scale)
      parts.push(
        `<rect class="${contestants[index]}" x="${labelWidth}" y="${top}" width="${Math.max(1, length).toFixed(1)}" height="${barHeight}"/>`,
        `<path class="range" d="M${(labelWidth + from).toFixed(1)} ${middle}H${(labelWidth + to).toFixed(1)}"/>`,
        text(labelWidth + to + 6, middle + 4, metrics[metric].show(summary.median), 'value')
      )
    })
    y += 2 * barHeight + barGap + rowGap
  }
  return svg(y, metrics[metric].title, parts)
}

/** What was reached against what was wanted, on a logarithmic axis; only ratios. */
export function targets (verdicts: readonly Verdict[]): string {
  const rows = verdicts.flatMap(verdict => {
    const { ratioMin, ratioMax, metric } = verdict.target
    const ratio = ratioOf(verdict.measured, metric)
    const wanted = ratioMin ?? ratioMax
    return ratio === null || wanted === undefined ? [] : [{ verdict, ratio, wanted }]
  })
  if (rows.length === 0) return ''
  const all = rows.flatMap(({ ratio, wanted }) => [ratio.least, ratio.median, ratio.most, wanted, 1])
  const [least, most] = [Math.min(...all) / 1.2, Math.max(...all) * 1.2]
  const scale = logarithmic(least, most, labelWidth + 60, width - valueWidth)
  const height = 26
  const bottom = rows.length * height
  const parts = [
    `<path class="one" d="M${scale(1).toFixed(1)} 0V${bottom}"/>`, text(scale(1), bottom + 14, '1 x', 'tick', 'middle')
  ]
  rows.forEach(({ verdict, ratio, wanted }, index) => {
    const y = index * height + height / 2
    const { measured, target, met } = verdict
    const at = (value: number) => scale(value).toFixed(1)
    parts.push(
      text(labelWidth + 50, y + 4, `${measured.title}: ${metrics[target.metric].title}`, '', 'end'),
      `<path class="range" d="M${at(ratio.least)} ${y}H${at(ratio.most)}"/>`,
      `<path class="wanted" d="M${at(wanted)} ${y - 9}v18"/>`,
      `<circle class="${met === true ? 'met' : 'missed'}" cx="${at(ratio.median)}" cy="${y}" r="5"/>`,
      text(width - valueWidth + 10, y + 4, `${showRatio(ratio.median)}, ${verdict.wanted}`, 'value')
    )
  })
  return svg(bottom + 20, 'Ratios and their targets', parts)
}

function logarithmic (least: number, most: number, from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(least), Math.log(most)]
  return value => from + (Math.log(value) - low) / (high - low || 1) * (to - from)
}

const lineHeight = 240
const left = 90
const right = 30
const foot = 34

/** One metric over a growing axis, both axes logarithmic. */
export function lines (cases: readonly Measured[], metric: MetricName, axis: string): string {
  const points = contestants.map(name => cases.flatMap(measured => {
    const { x } = measured
    const summary = summaryOf(measured, name, metric)
    return summary === null || x === null || summary.median <= 0 ? [] : [{ x, ...summary }]
  }))
  const all = points.flat()
  if (new Set(all.map(({ x }) => x)).size < 2) return ''
  const xs = [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b)
  const x = logarithmic(xs[0], xs.at(-1)!, left, width - right)
  const least = Math.min(...all.map(point => point.least || point.median)) / 1.2
  const most = Math.max(...all.map(point => point.most)) * 1.2
  const y = logarithmic(least, most, lineHeight, 8)
  const parts = [
    ...ticks(least, most).map(value =>
      `<path class="grid" d="M${left} ${y(value).toFixed(1)}H${width - right}"/>` +
      text(left - 8, y(value) + 4, metrics[metric].show(value), 'tick', 'end')),
    ...xs.map(value => text(x(value), lineHeight + 18, value.toLocaleString('en'), 'tick', 'middle')),
    text(width - right, lineHeight + 32, axis, 'tick', 'end')
  ]
  points.forEach((own, index) => {
    if (own.length === 0) return
    const name = contestants[index]
    const path = own.map(point => `${x(point.x).toFixed(1)} ${y(point.median).toFixed(1)}`).join('L')
    parts.push(`<path class="line ${name}" d="M${path}"/>`)
    for (const { x: at, median, least: from, most: to } of own) {
      parts.push(
        `<path class="range" d="M${x(at).toFixed(1)} ${y(from || median).toFixed(1)}V${y(to).toFixed(1)}"/>`,
        `<circle class="${name}" cx="${x(at).toFixed(1)}" cy="${y(median).toFixed(1)}" r="4">` +
        `<title>${escape(`${at.toLocaleString('en')}: ${metrics[metric].show(median)}`)}</title></circle>`
      )
    }
  })
  return svg(lineHeight + foot, `${metrics[metric].title} by ${axis}`, parts)
}

/** 1, 2 and 5 of each power of ten in between; powers alone where those are many. */
function ticks (least: number, most: number): number[] {
  const powers = Math.log10(most / least)
  const steps = powers > 3 ? [1] : powers > 1.5 ? [1, 3] : [1, 2, 5]
  const found: number[] = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++) {
    for (const step of steps) {
      const value = step * 10 ** power
      if (value >= least && value <= most) found.push(value)
    }
  }
  return found
}
