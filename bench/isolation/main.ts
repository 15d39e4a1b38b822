// What a read of a whole history, a compaction and a retention sweep do to a steady producer: on the
// partition that they are busy with, and on another. An open loop with intended send times; quiet and
// disturbed phases in turn; medians of the phases, and their ratio.
//
//   node bench/isolation/main.ts [--only history|compaction|retention] [--rounds 3] [--seconds 4]
//                                [--records 20000] [--megabytes 4000] [--nice 19] [--data /tmp]
//                                [--override key=value ...] [--quick]
//
// The history is read from the device: before each phase its files are given up by the page cache
// (posix_fadvise by way of dd). Compaction and sweep have a quarter as much, anew for each round. The one who
// reads stands for another machine: it is so nice as to take only what processors the others leave.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startDaemon } from '../daemon.ts'
import { host } from '../fill.ts'
import { createTopic, openCluster } from '../load/broker.ts'
import { produceFrame } from '../load/frames.ts'
import { Histogram } from '../load/histogram.ts'
import { LoadProducer } from '../load/producer.ts'
import { startSchedule } from '../load/schedule.ts'
import { compaction, type Disturbance, historyRead, keyedBatch, retentionSweep, type Site } from './disturbances.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    records: { type: 'string', default: '20000' },
    megabytes: { type: 'string' },
    nice: { type: 'string', default: '19' },
    data: { type: 'string', default: tmpdir() },
    override: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false }
  }
})
const { quick } = values
const rounds = Number(values.rounds ?? (quick ? 1 : 3))
const seconds = Number(values.seconds ?? (quick ? 0.5 : 4))
const bytes = Number(values.megabytes ?? (quick ? 20 : 4000)) * 1e6
/** As a client that lingers a millisecond would send them. */
const recordsPerRequest = 20
const batch = keyedBatch(recordsPerRequest, 100)
const requestsPerSecond = Number(values.records) / recordsPerRequest
const inFlight = 512

interface Phase { readonly p50: number, readonly p99: number, readonly p999: number, readonly max: number }

class SteadyProducer {
  readonly #times = new Histogram()
  readonly #producer: LoadProducer
  readonly #end: () => void

  static async start (port: number, topic: string): Promise<SteadyProducer> {
    const times = new Histogram()
    const frames = Array.from({ length: inFlight }, () => produceFrame(topic, [0], -1, batch))
    const producer = await LoadProducer.connect({
      host,
      port,
      topic,
      acks: -1,
      frames,
      inFlight,
      partitionsPerRequest: 1,
      intended: times,
      service: new Histogram()
    })
    return new SteadyProducer(producer, times)
  }

  constructor (producer: LoadProducer, times: Histogram) {
    this.#producer = producer
    this.#times = times
    producer.startOpenLoop()
    this.#end = startSchedule(requestsPerSecond, [producer])
  }

  async phase (): Promise<Phase> {
    this.#times.reset()
    await sleep(seconds * 1000)
    const quantile = (share: number): number => this.#times.quantileMs(share)
    return { p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999), max: this.#times.maxMs }
  }

  close (): void {
    this.#end()
    this.#producer.close()
    if (this.#producer.errors > 0) throw new Error(`${this.#producer.errors} batches were refused`)
  }
}

function said ({ p50, p99, p999, max }: Phase): string {
  const ms = (value: number): string => value.toFixed(2).padStart(7)
  return `p50${ms(p50)}  p99${ms(p99)}  p99.9${ms(p999)}  max${ms(max)} ms`
}

function median (phases: readonly Phase[]): Phase {
  const of = (key: keyof Phase): number =>
    phases.map(phase => phase[key]).sort((a, b) => a - b)[phases.length >> 1]
  return { p50: of('p50'), p99: of('p99'), p999: of('p999'), max: of('max') }
}

async function measure (site: Site, disturbance: Disturbance, topic: string): Promise<string> {
  const where = topic === disturbance.topic ? 'same partition' : 'another partition'
  const quiet: Phase[] = []
  const disturbed: Phase[] = []
  const producer = await SteadyProducer.start(site.port, topic)
  try {
    for (let round = 0; round < rounds; round++) {
      await disturbance.prepare(site)
      await sleep(quick ? 100 : 1000)
      quiet.push(await producer.phase())
      const end = await disturbance.begin(site, seconds + 1)
      disturbed.push(await producer.phase())
      const what = await end()
      process.stdout.write(`${disturbance.name}, ${where}\n  quiet     ${said(quiet.at(-1)!)}\n` +
        `  disturbed ${said(disturbed.at(-1)!)}   ${what}\n`)
    }
  } finally {
    producer.close()
  }
  const [before, during] = [median(quiet), median(disturbed)]
  return `${`${disturbance.name}, ${where}`.padEnd(36)} p99 ${before.p99.toFixed(2)} -> ${during.p99.toFixed(2)} ms: ` +
    `${(during.p99 / before.p99).toFixed(2)} x   p99.9 ${(during.p999 / before.p999).toFixed(2)} x   ` +
    `p50 ${(during.p50 / before.p50).toFixed(2)} x`
}

const overrides = [
  'log.retention.check.interval.ms=500', 'log.initial.task.delay.ms=0', 'log.cleaner.backoff.ms=100', ...values.override
]
const folder = mkdtempSync(join(values.data, 'millrace-isolation-'))
try {
  const daemon = await startDaemon(folder, overrides)
  const cluster = openCluster(host, daemon.port)
  const site = { cluster, port: daemon.port, pid: daemon.pid, folder }
  await createTopic(cluster, 'steady', 1)
  // Compilers are warm after it.
  const warming = await SteadyProducer.start(daemon.port, 'steady')
  await warming.phase()
  warming.close()
  const all = [historyRead(bytes, Number(values.nice)), compaction(bytes / 4), retentionSweep(bytes / 4)]
  const lines: string[] = []
  for (const disturbance of all.filter(({ name }) => name.startsWith(values.only))) {
    await disturbance.make(site)
    for (const topic of ['steady', disturbance.topic]) lines.push(await measure(site, disturbance, topic))
  }
  process.stdout.write(`${values.records} records/s in ${requestsPerSecond} requests/s, medians of ${rounds} rounds of ${seconds} s\n` +
    `${lines.join('\n')}\n`)
  cluster.close()
  await daemon.end('SIGTERM')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
