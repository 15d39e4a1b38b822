// kafka-producer-perf-test: writes records as fast as it is let and tells how fast that was.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Delivered } from '../../engine/client/produce-queue.ts'
import { Producer } from '../../engine/client/producer.ts'
import { openCluster, readSettings, type Settings } from '../tool/client-settings.ts'
import { Failed, KafkaCommand } from '../tool/kafka-command.ts'
import { flagsOf, type Options, UsageError } from '../tool/options.ts'
import { metricLines, PerfStats } from '../tool/perf-stats.ts'
import { producerOptions } from '../tool/producer-settings.ts'
import { givenNames } from '../tool/renamed.ts'

const specs = {
  'bootstrap-server': { value: 'host:port', about: 'Brokers to start from, with commas between them.' },
  topic: { value: 'name', about: 'Where the records go.' },
  'num-records': { value: 'n', about: 'How many.' },
  throughput: { value: 'n', about: 'At most about so many a second; -1: no limit.' },
  'record-size': { value: 'bytes', about: 'Bytes of each record. This, --payload-file or --payload-monotonic.' },
  'payload-file': { value: 'file', about: 'A file of records, of which each is picked by chance.' },
  'payload-delimiter': { value: 'text', about: 'What stands between them. Default: a new line (\\n).' },
  'payload-monotonic': { about: 'Records are rising numbers.' },
  'producer-props': { value: 'key=value...', greedy: true, newer: 'command-property', about: '' },
  'command-property': { value: 'key=value...', greedy: true, about: 'Settings of the client, several in a row.' },
  'producer.config': { value: 'file', newer: 'command-config', about: '' },
  'command-config': { value: 'file', about: 'A file of settings of the client.' },
  'print-metrics': { about: 'Show counters of the client at the end.' },
  'transactional-id': { value: 'id', about: 'Refused: this client writes no transactions yet.' },
  'transaction-duration-ms': { value: 'ms', about: 'Refused: this client writes no transactions yet.' },
  'warmup-records': { value: 'n', about: 'Also tell the figures without the first n records.' },
  'reporting-interval': { value: 'ms', about: 'How often a line is printed meanwhile. Default: 5000.' },
  help: { about: 'Show this.' }
} as const

type PerfOptions = Options<typeof specs>

interface Plan {
  readonly topic: string
  readonly records: number
  readonly perSecond: number
  readonly warmup: number
  readonly intervalMs: number
  readonly payload: (index: number) => Buffer
}

/** Sends between two looks at the clock and the socket; each look costs some microseconds. */
const burstMax = 512
const clientId = 'perf-producer-client'

export default class ProducerPerfTest extends KafkaCommand<typeof specs> {
  static override description = 'Measure how fast records are written (kafka-producer-perf-test).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs
  #failed = 0
  #failure: Error | null = null

  protected async execute (options: PerfOptions): Promise<void> {
    const [pairsName, fileName] = givenNames(options, 'perf', [
      ['producer-props', 'command-property'], ['producer.config', 'command-config']
    ], line => this.print(line))
    checkNeeded(options, pairsName, fileName)
    const settings = await this.#settings(options, pairsName, fileName)
    const plan = this.#plan(options)
    const cluster = openCluster(options.text('bootstrap-server'), settings, { clientId })
    try {
      const producer = new Producer(cluster, producerOptions(settings))
      await producer.prepare(plan.topic, { create: true })
      await this.#measure(producer, plan, options.has('print-metrics'))
    } finally {
      cluster.close()
    }
    if (this.#failed > 0) throw new Failed(`ERROR ${this.#failed} records failed, the first: ${this.#failure!.message}`)
  }

  async #settings (
    options: PerfOptions, pairsName: keyof typeof specs, fileName: keyof typeof specs
  ): Promise<Settings> {
    const pairs = options.all(pairsName)
    const wrong = pairs.find(pair => pair.split('=').length !== 2)
    if (wrong !== undefined) throw new UsageError(`Invalid property: ${wrong}`)
    const settings = await readSettings({ file: options.text(fileName), pairs })
    const transactional = options.has('transactional-id') || options.has('transaction-duration-ms')
    if (transactional) settings.set('transactional.id', '')
    return settings
  }

  #plan (options: PerfOptions): Plan {
    return {
      topic: options.needed('topic'),
      records: options.integer('num-records', 0, 1),
      perSecond: numberOf(options.needed('throughput'), 'throughput'),
      warmup: options.integer('warmup-records', 0),
      intervalMs: options.integer('reporting-interval', 5000, 1),
      payload: this.#payload(options)
    }
  }

  async #measure (producer: Producer, plan: Plan, printMetrics: boolean): Promise<void> {
    const { records, warmup, intervalMs } = plan
    const print = (line: string) => this.print(line)
    if (warmup > 0) {
      print(`Warmup first ${warmup} records. Steady state results will print after the complete test summary.`)
    }
    const stats = new PerfStats(records, '', intervalMs, print)
    const steady = { stats: null as PerfStats | null }
    await this.#sendAll(producer, plan, stats, steady)
    await producer.flush()
    print(stats.totalLine())
    if (steady.stats !== null) print(steady.stats.totalLine())
    if (printMetrics) for (const line of metricLines(metricsOf(plan.topic, stats, this.#failed))) print(line)
  }

  async #sendAll (
    producer: Producer, plan: Plan, stats: PerfStats, steady: { stats: PerfStats | null }
  ): Promise<void> {
    const { topic, records, perSecond, warmup, payload } = plan
    const startMs = performance.now()
    let index = 0
    let value = payload(0)
    while (index < records) {
      const nowMs = Date.now()
      if (warmup > 0 && index >= warmup && steady.stats === null) {
        const print = (line: string) => this.print(line)
        steady.stats = new PerfStats(records - warmup, ' steady state', plan.intervalMs, print)
        stats.silent = true
      }
      const until = this.#burstEnd(index, records, perSecond, startMs, steady.stats === null ? warmup : 0)
      const size = value.length
      // One callback for all records of a burst: they have the same time of sending.
      const delivered = this.#delivered(nowMs, size, stats, steady.stats)
      while (index < until) {
        const own = value.length === size
          ? delivered
          : this.#delivered(nowMs, value.length, stats, steady.stats)
        if (!producer.append(topic, null, null, value, own, nowMs)) {
          await producer.room()
          break
        }
        value = payload(++index)
      }
      if (perSecond > 0 && index >= until) await this.#pace(index, perSecond, startMs)
      else await new Promise(resolve => setImmediate(resolve))
    }
  }

  #burstEnd (index: number, records: number, perSecond: number, startMs: number, warmup: number): number {
    let end = Math.min(records, index + burstMax)
    if (index < warmup) end = Math.min(end, warmup)
    if (perSecond <= 0) return end
    const due = Math.ceil((performance.now() - startMs) / 1000 * perSecond)
    return Math.min(end, Math.max(index + 1, due))
  }

  async #pace (sent: number, perSecond: number, startMs: number): Promise<void> {
    const aheadMs = sent / perSecond * 1000 - (performance.now() - startMs)
    await (aheadMs >= 1 ? sleep(aheadMs) : new Promise(resolve => setImmediate(resolve)))
  }

  #delivered (sentMs: number, bytes: number, stats: PerfStats, steady: PerfStats | null): Delivered {
    return error => {
      if (error !== null) {
        this.#failed++
        this.#failure ??= error
        return
      }
      const nowMs = Date.now()
      stats.record(nowMs - sentMs, bytes, nowMs)
      steady?.record(nowMs - sentMs, bytes, nowMs)
    }
  }

  #payload (options: PerfOptions): (index: number) => Buffer {
    if (options.has('payload-monotonic')) return index => Buffer.from(String(index))
    const file = options.text('payload-file')
    if (file === undefined) return randomPayload(options.integer('record-size', 0, 1))
    this.print(`Reading payloads from: ${resolve(file)}`)
    const payloads = readPayloads(file, options.text('payload-delimiter') ?? '\\n')
    this.print(`Number of records read: ${payloads.length}`)
    return () => payloads[Math.floor(Math.random() * payloads.length)]
  }
}

function checkNeeded (
  options: PerfOptions, pairsName: keyof typeof specs, fileName: keyof typeof specs
): void {
  for (const name of ['topic', 'num-records', 'throughput'] as const) {
    if (!options.has(name)) throw new UsageError(`argument --${name} is required`)
  }
  const payloads = ['record-size', 'payload-file', 'payload-monotonic'] as const
  const given = payloads.filter(name => options.has(name))
  if (given.length !== 1) {
    throw new UsageError(`exactly one of ${payloads.map(name => `--${name}`).join(', ')} is required`)
  }
  if (!options.has('bootstrap-server') && !options.has(pairsName) && !options.has(fileName)) {
    throw new UsageError('At least one of --bootstrap-server, --command-property, --producer-props, ' +
      '--producer.config or --command-config must be specified.')
  }
}

function numberOf (text: string, name: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new UsageError(`argument --${name}: '${text}' is no number`)
  }
  return value
}

/** Letters by chance, made once: making each record's anew takes longer than writing it. */
function randomPayload (bytes: number): (index: number) => Buffer {
  const pool = Buffer.alloc(bytes + 65_536)
  for (let at = 0; at < pool.length; at++) pool[at] = 65 + Math.floor(Math.random() * 26)
  const payloads = Array.from({ length: 1024 }, () => {
    const at = Math.floor(Math.random() * 65_536)
    return pool.subarray(at, at + bytes)
  })
  return index => payloads[index & 1023]
}

/** The delimiter is a regular expression, as in Kafka. */
function readPayloads (file: string, delimiter: string): Buffer[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    text = ''
  }
  if (text === '') throw new UsageError('File does not exist or empty file provided.')
  const parts = text.split(new RegExp(delimiter))
  if (parts.at(-1) === '') parts.pop()
  return parts.map(part => Buffer.from(part))
}

function metricsOf (topic: string, stats: PerfStats, failed: number): [string, number][] {
  const { records, bytes, seconds, averageMs, maxMs } = stats.total
  const client = `{client-id=${clientId}}`
  const withTopic = `{client-id=${clientId}, topic=${topic}}`
  return [
    [`producer-metrics:record-send-total:${client}`, records],
    [`producer-metrics:record-send-rate:${client}`, records / seconds],
    [`producer-metrics:record-error-total:${client}`, failed],
    [`producer-metrics:record-size-avg:${client}`, records === 0 ? 0 : bytes / records],
    [`producer-metrics:record-queue-time-avg:${client}`, averageMs],
    [`producer-metrics:record-queue-time-max:${client}`, maxMs],
    [`producer-topic-metrics:record-send-total:${withTopic}`, records],
    [`producer-topic-metrics:record-send-rate:${withTopic}`, records / seconds],
    [`producer-topic-metrics:record-error-total:${withTopic}`, failed],
    [`producer-topic-metrics:byte-total:${withTopic}`, bytes]
  ]
}
