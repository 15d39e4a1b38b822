// The report as Markdown.
import { sentenceOf } from './machine.ts'
import { metrics } from './metrics.ts'
import { howItWasDone, judged, limitRows, type Report, type Section, sectionsOf } from './report.ts'

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
