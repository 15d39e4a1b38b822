// The report as Markdown.
import { groups, type GroupName } from './case.ts'
import { sentenceOf } from './machine.ts'
import { type MetricName, metrics, showRatio } from './metrics.ts'
import { howItWasDone, judged, limitRows, type Report, type Section, sectionsOf } from './report.ts'
import { ratioOf, summaryOf } from './statistics.ts'

function table (head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map((_, column) => column === 0 ? '---' : '---:')), ...rows.map(line)].join('\n')
}

function sectionOf (section: Section, titles: Report['titles']): string {
  const shares = section.rows.some(({ share }) => share !== '')
  const head = ['', '', titles.millrace, titles.kafka, 'ratio', ...shares ? ['share of the limit'] : []]
  let last = ''
  const rows = section.rows.map(({ title, metric, millrace, kafka, ratio, better, share }) => {
    const first = title === last ? '' : title
    last = title
    const bold = (text: string, name: string) => better === name && text !== '' ? `**${text}**` : text
    return [first, metric, bold(millrace, 'millrace'), bold(kafka, 'kafka'), ratio, ...shares ? [share] : []]
  })
  return [
    `## ${section.title}`,
    ...rows.length > 0 ? [table(head, rows)] : [],
    ...section.notes.map(note => `- ${note.replaceAll('\n', ' ')}`)
  ].join('\n\n')
}

export function markdown (report: Report): string {
  const { date, machine, titles, limits } = report
  const verdicts = judged(report).filter(({ met }) => met !== null)
  const targets = verdicts.map(({ measured, target, wanted, reached, met }) =>
    [`${measured.title}: ${metrics[target.metric].title}`, wanted, reached, met ? 'met' : 'not met'])
  return [
    `# ${titles.millrace} and ${titles.kafka}, ${date}`,
    sentenceOf(machine),
    howItWasDone(report),
    ...report.troubles,
    ...targets.length > 0 ? ['## Targets', table(['', 'wanted', 'reached', ''], targets)] : [],
    ...sectionsOf(report).map(section => sectionOf(section, titles)),
    ...limits === null ? [] : ['## What this machine lets one thread do', table(['', ''], limitRows(limits))]
  ].join('\n\n') + '\n'
}

/** What of each group of cases goes into the README. */
const told: Partial<Record<GroupName, readonly MetricName[]>> = {
  start: ['startMs', 'idleMegabytes', 'wallMs'],
  produce: ['recordsPerSecond', 'cpuSecondsPerGigabyte'],
  fetch: ['megabytesPerSecond', 'cpuSecondsPerGigabyte'],
  tail: ['totalMegabytesPerSecond', 'cpuSecondsPerGigabyte'],
  latency: ['p50Ms', 'p99Ms'],
  clients: ['recordsPerSecond', 'p99Ms']
}

/** One short table: two figures a case. */
export function excerpt (report: Report): string {
  const { titles, results } = report
  const rows = (Object.keys(told) as GroupName[]).flatMap(group =>
    results.filter(measured => measured.group === group).flatMap(measured =>
      told[group]!.flatMap(metric => {
        const [own, other] = [summaryOf(measured, 'millrace', metric), summaryOf(measured, 'kafka', metric)]
        const ratio = ratioOf(measured, metric)
        if (own === null || other === null || ratio === null) return []
        const { title, show } = metrics[metric]
        return [[`${groups[group]}: ${measured.title}`, title, show(own.median), show(other.median), showRatio(ratio.median)]]
      })))
  for (let at = rows.length - 1; at > 0; at--) if (rows[at][0] === rows[at - 1][0]) rows[at][0] = ''
  return table(['', '', titles.millrace, titles.kafka, 'ratio'], rows) + '\n'
}
