// What a read of a whole history, a compaction and a retention sweep do to a steady producer: on the
// partition that they are busy with, and on another. Quiet and disturbed phases in turn, many and short: a
// machine whose other guests come and go is the same for both. And what the like of it does when the broker
// has no part in it: a file read, files written and removed, a busy processor, by another program.
//
//   node bench/isolation/main.ts [--only history|compaction|retention|outside] [--rounds 6] [--seconds 1.5]
//                                [--records 20000] [--megabytes 4000] [--nice 19] [--data /tmp]
//                                [--foreign 0.1] [--override key=value ...] [--phases] [--quick]
//
//   p99     of the requests of all quiet and of all disturbed phases, and their ratio; those on their way
//           while the machine stood still do not count (a thread that goes before all others slept longer
//           than it wanted): `paused` is the share of them
//   median  of the rounds' ratios, and the lowest and the highest
//   noise   the quiet phases against each other, every other one against the rest: a ratio below is none
//   foreign what other guests of the machine and other programs took of a processor. A round in which that
//           was more than a tenth is measured again, as long as there are not twice as many
//
// The history is read from the device: before each phase the page cache gives up its files. Compaction and
// sweep have a sixteenth and an eighth as much, anew for each round. Who reads stands for another machine: it
// is so nice as to take only what processors the others leave. With --data /dev/shm there is no device.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startDaemon } from '../daemon.ts'
import { host } from '../fill.ts'
import { openCluster } from '../load/broker.ts'
import { Histogram } from '../load/histogram.ts'
import {
  compaction, type Disturbance, historyRead, makeHistory, outsideFiles, outsideRead, outsideWork,
  retentionSweep
} from './disturbances.ts'
import { type Phase, SteadyProducer } from './steady.ts'
import { makeTopic, type Site } from './topics.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    records: { type: 'string', default: '20000' },
    megabytes: { type: 'string' },
    nice: { type: 'string', default: '19' },
    data: { type: 'string', default: tmpdir() },
    foreign: { type: 'string', default: '0.1' },
    override: { type: 'string', multiple: true, default: [] },
    phases: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false }
  }
})
const { quick } = values
const rounds = Number(values.rounds ?? (quick ? 1 : 6))
const seconds = Number(values.seconds ?? (quick ? 0.2 : 1.5))
const bytes = Number(values.megabytes ?? (quick ? 20 : 4000)) * 1e6
const nice = Number(values.nice)
const recordsPerSecond = Number(values.records)
const foreignMax = quick ? Infinity : Number(values.foreign)

interface Round { readonly quiet: Phase, readonly disturbed: Phase }

function said ({ p50, p99, max, paused, foreign }: Phase): string {
  const ms = (value: number): string => value.toFixed(2).padStart(7)
  return `p50${ms(p50)}  p99${ms(p99)}  max${ms(max)} ms  paused ${percent(paused)}  foreign ${percent(foreign)}`
}

function percent (share: number): string {
  return `${(share * 100).toFixed(0)} %`
}

async function measure (site: Site, disturbance: Disturbance, topic: string): Promise<string> {
  const { name, pid } = disturbance
  const own = [process.pid, site.pid, ...pid === undefined ? [] : [pid]]
  const where = disturbance.topic === '' ? '' : topic === disturbance.topic ? ', same partition' : ', another'
  const all: Round[] = []
  const producer = await SteadyProducer.start(site.port, topic, recordsPerSecond)
  try {
    while (undisturbed(all).length < rounds && all.length < 2 * rounds) {
      await disturbance.prepare(site)
      await sleep(quick ? 0 : 200)
      const quiet = await producer.phase(seconds, own)
      await disturbance.begin(site)
      const disturbed = await producer.phase(seconds, own)
      const what = await disturbance.end(site, seconds)
      all.push({ quiet, disturbed })
      if (!values.phases) continue
      process.stdout.write(`${name}${where}\n  quiet     ${said(quiet)}\n` +
        `  disturbed ${said(disturbed)}   ${what}\n`)
    }
  } finally {
    producer.close()
  }
  const some = undisturbed(all)
  return line(name + where, some.length === 0 ? all : some, all.length)
}

/** Rounds that nobody else has spoilt. */
function undisturbed (all: readonly Round[]): Round[] {
  return all.filter(({ quiet, disturbed }) => quiet.foreign <= foreignMax && disturbed.foreign <= foreignMax)
}

function line (name: string, all: readonly Round[], tried: number): string {
  const quiet = all.map(round => round.quiet)
  const disturbed = all.map(round => round.disturbed)
  const [before, during] = [p99Of(quiet), p99Of(disturbed)]
  const ratios = all.map(({ quiet, disturbed }) => disturbed.p99 / quiet.p99).sort((a, b) => a - b)
  const turns = [0, 1].map(turn => p99Of(quiet.filter((_, index) => index % 2 === turn)))
  const noise = quiet.length < 2 ? NaN : Math.max(...turns) / Math.min(...turns)
  const p50 = median(all.map(({ quiet, disturbed }) => disturbed.p50 / quiet.p50))
  const shares = (key: 'paused' | 'foreign'): string =>
    [quiet, disturbed].map(phases => percent(median(phases.map(phase => phase[key])))).join(', ')
  const ms = (value: number): string => value.toFixed(2).padStart(6)
  return `${name.padEnd(32)} p99 ${ms(before)} -> ${ms(during)} ms ${ms(during / before)} x   ` +
    `median ${ms(median(ratios))} x (${ratios[0].toFixed(2)}-${ratios.at(-1)!.toFixed(2)})   ` +
    `noise ${ms(noise)} x   p50 ${ms(p50)} x   ` +
    `paused ${shares('paused')}   foreign ${shares('foreign')}   ${all.length} of ${tried} rounds`
}

function p99Of (phases: readonly Phase[]): number {
  const times = new Histogram()
  for (const phase of phases) times.add(phase.times)
  return times.quantileMs(0.99)
}

function median (numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

const overrides = [
  'log.retention.check.interval.ms=500', 'log.initial.task.delay.ms=0', 'log.cleaner.backoff.ms=100',
  ...values.override
]
const folder = mkdtempSync(join(values.data, 'millrace-isolation-'))
try {
  const daemon = await startDaemon(folder, overrides)
  const cluster = openCluster(host, daemon.port)
  const site = { cluster, port: daemon.port, pid: daemon.pid, folder }
  await makeTopic(site, 'steady')
  // Compilers are warm after it.
  const warming = await SteadyProducer.start(daemon.port, 'steady', recordsPerSecond)
  await warming.phase(quick ? 0.2 : 3, [])
  warming.close()
  const all = [
    historyRead(nice), outsideRead(nice), compaction(bytes / 16), retentionSweep(bytes / 8), outsideFiles(),
    outsideWork()
  ].filter(({ name }) => name.startsWith(values.only) && !(quick && name.startsWith('outside: a')))
  process.stdout.write(`${recordsPerSecond} records/s, ${rounds} rounds of ${seconds} s quiet and ${seconds} s ` +
    `disturbed, data in ${values.data}\n`)
  if (all.some(({ name }) => /read/.test(name))) await makeHistory(site, bytes)
  for (const disturbance of all) {
    await disturbance.make(site)
    const topics = disturbance.topic === '' ? ['steady'] : ['steady', disturbance.topic]
    for (const topic of topics) process.stdout.write(`${await measure(site, disturbance, topic)}\n`)
    disturbance.close()
  }
  cluster.close()
  await daemon.end('SIGTERM')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
