// The report as one page that needs nothing else: tables and plots, no script, nothing fetched.
import { type GroupName } from './case.ts'
import { sentenceOf } from './machine.ts'
import { type MetricName, metrics } from './metrics.ts'
import { bars, escape, lines, targets } from './plots.ts'
import { howItWasDone, judged, limitRows, metricsOf, type Report, type Section, sectionsOf } from './report.ts'

const style = `
:root { color-scheme: light dark; --ink: #1d2430; --soft: #667085; --line: #d5dae3; --page: #fff; --panel: #f6f8fb;
  --millrace: #1668c7; --kafka: #b9752b; --good: #1c8a4d; --bad: #c03a3a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #353c49; --page: #14171d;
  --panel: #1c2028; --millrace: #5aa2f2; --kafka: #dc9d55; --good: #4cc583; --bad: #ee7d7d } }
body { margin: 0 auto; max-width: 960px; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25 } h2 { margin-top: 3rem; font-size: 1.2rem } h3 { margin: 1.6rem 0 .4rem;
  font-size: .95rem; font-weight: 600 }
p { color: var(--soft); max-width: 75ch }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .86rem; font-variant-numeric: tabular-nums }
th, td { padding: .28rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child, td.metric { text-align: left } td.metric { color: var(--soft) }
td:first-child { white-space: normal }
tr.first td { border-top: 1px solid var(--soft) }
.better { font-weight: 650 } .met { color: var(--good); fill: var(--good) } .missed { color: var(--bad); fill: var(--bad) }
.key span { display: inline-block; margin-right: 1.4rem } .key i { display: inline-block; width: .8rem; height: .8rem;
  margin-right: .45rem; border-radius: 2px }
i.millrace { background: var(--millrace) } i.kafka { background: var(--kafka) }
figure { margin: .4rem 0 1rem; padding: .9rem; background: var(--panel); border-radius: 8px; overflow-x: auto }
svg { display: block; width: 100%; min-width: 620px; font: 12px system-ui, sans-serif }
svg text { fill: var(--ink) } svg text.value, svg text.tick { fill: var(--soft) }
rect.millrace, circle.millrace { fill: var(--millrace) } rect.kafka, circle.kafka { fill: var(--kafka) }
.line { fill: none; stroke-width: 2 } .line.millrace { stroke: var(--millrace) } .line.kafka { stroke: var(--kafka) }
.range { stroke: var(--ink); stroke-opacity: .55; fill: none } .grid { stroke: var(--line) }
.one { stroke: var(--soft); stroke-dasharray: 3 3 } .wanted { stroke: var(--ink); stroke-width: 2 }
`

/** What of a group is worth a picture, over which axis. */
const pictures: Record<GroupName, { readonly metrics: readonly MetricName[], readonly axis?: string }> = {
  start: { metrics: ['startMs', 'wallMs', 'idleMegabytes', 'partitionsMegabytes'] },
  produce: { metrics: ['recordsPerSecond', 'cpuSecondsPerGigabyte', 'p99Ms', 'residentMegabytesMax'] },
  fetch: { metrics: ['megabytesPerSecond', 'cpuSecondsPerGigabyte'] },
  tail: { metrics: ['totalMegabytesPerSecond', 'cpuSecondsPerGigabyte'] },
  latency: { metrics: ['p50Ms', 'p99Ms', 'p999Ms'], axis: 'requests/s' },
  shapes: { metrics: ['megabytesPerSecond', 'cpuSecondsPerGigabyte'] },
  clients: { metrics: ['recordsPerSecond', 'p99Ms', 'consumedRecordsPerSecond', 'cpuSecondsPerGigabyte'] },
  partitions: { metrics: ['recordsPerSecond', 'cpuSecondsPerGigabyte', 'residentMegabytesMax'], axis: 'partitions' },
  connections: { metrics: ['recordsPerSecond', 'cpuSecondsPerGigabyte', 'residentMegabytesMax'], axis: 'connections' },
  requests: { metrics: ['recordsPerSecond', 'cpuSecondsPerGigabyte'], axis: 'bytes a request' },
  logs: {
    metrics: ['startMs', 'consumedMegabytesPerSecond', 'recordsPerSecond', 'cpuSecondsPerGigabyte', 'residentMegabytesMax'],
    axis: 'GB'
  }
}

function figure (title: string, picture: string): string {
  return picture === '' ? '' : `<h3>${escape(title)}</h3><figure>${picture}</figure>`
}

function plotsOf ({ group }: Section, { results }: Report): string {
  const cases = results.filter(measured => measured.group === group)
  const there = new Set(cases.flatMap(metricsOf))
  const { metrics: shown, axis } = pictures[group]
  return shown.filter(metric => there.has(metric)).map(metric => {
    const { title, better } = metrics[metric]
    const line = axis === undefined ? '' : lines(cases, metric, axis)
    return figure(`${title} (${better} is better)`, line || bars(cases, metric))
  }).join('\n')
}

function tableOf (section: Section, titles: Report['titles']): string {
  if (section.rows.length === 0) return ''
  const shares = section.rows.some(({ share }) => share !== '')
  let last = ''
  const rows = section.rows.map(({ title, metric, millrace, kafka, ratio, better, share }) => {
    const first = title !== last
    last = title
    const own = (text: string, name: string) => `<td${better === name ? ' class="better"' : ''}>${escape(text)}</td>`
    return `<tr${first ? ' class="first"' : ''}><td>${first ? escape(title) : ''}</td><td class="metric">${escape(metric)}</td>` +
      own(millrace, 'millrace') + own(kafka, 'kafka') + `<td>${escape(ratio)}</td>` +
      (shares ? `<td>${escape(share)}</td>` : '') + '</tr>'
  })
  const head = ['', '', titles.millrace, titles.kafka, 'ratio', ...shares ? ['share of the limit'] : []]
  return `<div class="scroll"><table><thead><tr>${head.map(cell => `<th>${escape(cell)}</th>`).join('')}</tr></thead>` +
    `<tbody>${rows.join('\n')}</tbody></table></div>`
}

function sectionOf (section: Section, report: Report): string {
  const notes = section.notes.map(note => `<p>${escape(note)}</p>`).join('\n')
  return `<h2>${escape(section.title)}</h2>\n${plotsOf(section, report)}\n${tableOf(section, report.titles)}\n${notes}`
}

function targetsOf (report: Report): string {
  const verdicts = judged(report).filter(({ met }) => met !== null)
  if (verdicts.length === 0) return ''
  const rows = verdicts.map(({ measured, target, wanted, reached, met }) => [
    `<td>${escape(measured.title)}: ${escape(metrics[target.metric].title)}</td>`,
    `<td>${wanted}</td><td>${reached}</td><td class="${met ? 'met' : 'missed'}">${met ? 'met' : 'not met'}</td>`
  ].join(''))
  return '<h2>Targets</h2>' + figure('Ratio millrace / Kafka, and what was wanted', targets(verdicts)) +
    '<div class="scroll"><table><thead><tr><th></th><th>wanted</th><th>reached</th><th></th></tr></thead>' +
    `<tbody>${rows.map(row => `<tr>${row}</tr>`).join('\n')}</tbody></table></div>`
}

export function html (report: Report): string {
  const { titles, date, machine, limits } = report
  const title = `${titles.millrace} and ${titles.kafka}, ${date}`
  const limitTable = limits === null
    ? ''
    : '<h2>What this machine lets one thread do</h2><table><tbody>' + limitRows(limits)
      .map(([what, most]) => `<tr><td>${escape(what)}</td><td>${escape(most)}</td></tr>`).join('\n') + '</tbody></table>'
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${style}</style></head>
<body>
<h1>${escape(title)}</h1>
<p>${escape(sentenceOf(machine))}</p>
<p>${escape(howItWasDone(report))}</p>
${report.troubles.map(trouble => `<p class="missed">${escape(trouble)}</p>`).join('\n')}
<p class="key"><span><i class="millrace"></i>${escape(titles.millrace)}</span><span><i class="kafka"></i>${escape(titles.kafka)}</span></p>
${targetsOf(report)}
${sectionsOf(report).map(section => sectionOf(section, report)).join('\n')}
${limitTable}
</body>
</html>
`
}
