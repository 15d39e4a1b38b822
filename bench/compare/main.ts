// millrace and Apache Kafka on this machine, in one run: Markdown and a page with plots in bench/results/.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Limits } from '../limits/limits.ts'
import { fetchKafka, missing } from '../peers/kafka.ts'
import { touch } from '../touch.ts'
import { type Case, type Effort, type GroupName } from './case.ts'
import { clientCases } from './client-cases.ts'
import { kafka, millrace, overrides } from './contestants.ts'
import { html } from './html.ts'
import { loadCases } from './load-cases.ts'
import { logSizeCases } from './log-size-cases.ts'
import { describeMachine, type Machine, slugOf } from './machine.ts'
import { excerpt, markdown } from './markdown.ts'
import { Contest } from './measure.ts'
import { joined, type Report } from './report.ts'
import { startCases } from './start-cases.ts'
import { type Measured } from './statistics.ts'

const help = `Compares millrace with Apache Kafka on this machine, run by run in turn.

  node bench/compare/main.ts [--quick] [--only NAME]...

  --only NAME     cases whose name begins so, or the cases of that group; repeat for more
  --list          the names of all cases
  --quick         every case briefly, to see that it works
  --alone         millrace only
  --runs N        of each case on each broker (3; quick: 1)
  --growth-runs N of each growth case instead (as --runs): there it is the curve that counts
  --seconds N     measured time of a run (8; quick: 0.5)
  --warmup N      time before it (3; quick: 0.2)
  --data FOLDER   in which the brokers' data folders are made (/dev/shm)
  --out FOLDER    where the results go (bench/results)
  --from FILE     makes the pages anew from the JSON of an earlier comparison; several are put side by side
  --excerpt       with --from: prints a short table of them instead
`

const root = resolve(import.meta.dirname, '../..')
const cases: readonly Case[] = [...startCases, ...loadCases, ...logSizeCases, ...clientCases]
const growing: ReadonlySet<GroupName> = new Set(['partitions', 'connections', 'requests', 'logs'])
/** One run may write so much of what is free: the last topic's files may still be there, and the other's. */
const shareOfDisk = 0.2
const bytesMost = 6e9
/** Seen in the data folder at one time: what a run writes, what the one before it wrote, what is read. */
const runsThere = 3
/** What is written before the first run when figures do not count. */
const quickTouchBytes = 256e6

function readOptions () {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      alone: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      'growth-runs': { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      data: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
      out: { type: 'string', default: join(root, 'bench/results') },
      from: { type: 'string', multiple: true },
      excerpt: { type: 'boolean', default: false }
    }
  })
  const { quick } = values
  const runs = Number(values.runs ?? (quick ? 1 : 3))
  return {
    ...values,
    runs,
    growthRuns: Number(values['growth-runs'] ?? runs),
    seconds: Number(values.seconds ?? (quick ? 0.5 : 8)),
    warmupSeconds: Number(values.warmup ?? (quick ? 0.2 : 3))
  }
}

type Options = ReturnType<typeof readOptions>

function chosen (only: readonly string[]): readonly Case[] {
  const fits = (one: Case, wanted: string) => one.group === wanted || one.name.startsWith(wanted)
  const unknown = only.filter(wanted => !cases.some(one => fits(one, wanted)))
  if (unknown.length > 0) throw new Error(`no case is called ${unknown.join(', ')}; --list names all`)
  return cases.filter(one => only.length === 0 || only.some(wanted => fits(one, wanted)))
}

function limitsOf ({ quick, data }: Options): Limits {
  const args = [join(root, 'bench/limits/main.ts'), '--json', '--directory', data, ...quick ? ['--quick'] : []]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the limits could not be measured: ${stderr}`)
  return JSON.parse(stdout) as Limits
}

async function compare (options: Options): Promise<Report> {
  const { quick, data, runs, growthRuns, seconds, warmupSeconds } = options
  const { bavail, bsize } = statfsSync(data)
  const bytesMax = Math.min(bytesMost, bavail * bsize * shareOfDisk)
  const effort: Effort = { quick, seconds, warmupSeconds, bytesMax }
  const both = [millrace(data), kafka(data)]
  const reason = options.alone ? 'millrace alone is wanted' : missing()
  if (reason !== null) say(`Apache Kafka is left out: ${reason}`)
  else fetchKafka()
  const wanted = chosen(options.only)
  const machine = describeMachine(data)
  say('memory is used once')
  const touchedBytes = touch(data, quick ? quickTouchBytes : runsThere * bytesMax)
  say('limits')
  const limits = limitsOf(options)
  const contest = new Contest(reason === null ? both : both.slice(0, 1), effort, say)
  const results: Measured[] = []
  const report = (): Report => ({
    date: new Date().toISOString().slice(0, 10),
    machine,
    titles: { millrace: both[0].title, kafka: both[1].title },
    overrides,
    runs,
    growthRuns,
    seconds,
    quick,
    touchedBytes,
    limits,
    results,
    troubles: contest.troubles
  })
  try {
    for (const one of wanted) {
      results.push(await contest.measure(one, growing.has(one.group) ? growthRuns : runs))
      // What there is survives whatever comes next.
      write(report(), options)
    }
  } finally {
    await contest.close()
  }
  return report()
}

function nameOf (report: Report, machine: Machine, { only }: Options): string {
  const part = only.length > 0 ? ['part'] : []
  return [report.date, slugOf(machine), ...report.quick ? ['quick'] : [], ...part].join('-')
}

function write (report: Report, options: Options): string {
  mkdirSync(options.out, { recursive: true })
  const base = join(options.out, nameOf(report, report.machine, options))
  writeFileSync(`${base}.json`, JSON.stringify(report, null, 1) + '\n')
  writeFileSync(`${base}.md`, markdown(report))
  writeFileSync(`${base}.html`, html(report))
  return base
}

function say (line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main (): Promise<void> {
  const options = readOptions()
  if (options.help) return say(help)
  if (options.list) return say(chosen(options.only).map(({ name, group }) => `${group.padEnd(12)}${name}`).join('\n'))
  const report = options.from === undefined
    ? await compare(options)
    : joined(options.from.map(file => JSON.parse(readFileSync(file, 'utf8')) as Report))
  if (options.excerpt) return say(excerpt(report))
  say(`${write(report, options)}.md, .html, .json`)
  // What failed is in the results; that it failed is in the exit code.
  const failed = report.results.some(({ notes }) => notes.some(note => note.includes(' failed: ')))
  if (failed || report.troubles.length > 0) process.exitCode = 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
await main()
