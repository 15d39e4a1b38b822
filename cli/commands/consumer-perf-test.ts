// kafka-consumer-perf-test: reads records as fast as they come and tells how fast that was.
import { countPayload, type Payload } from '../../engine/client/payload.ts'
import { dateText } from '../render/date.ts'
import { numberSetting, openCluster, readSettings, type Settings } from '../tool/client-settings.ts'
import { KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'
import { metricLines } from '../tool/perf-stats.ts'
import { Reading } from '../tool/reading.ts'
import { givenNames } from '../tool/renamed.ts'

const specs = {
  ...everyTool,
  topic: { value: 'name', about: 'What to read.' },
  include: { value: 'regex', about: 'Topics to read, as a regular expression, instead of --topic.' },
  'num-records': { value: 'n', about: 'How many.' },
  messages: { value: 'n', newer: 'num-records', about: '' },
  group: { value: 'id', about: 'Read as a member of this group; else all partitions, without a group.' },
  'fetch-size': { value: 'bytes', about: 'Most that a fetch brings of a partition. Default: 1048576.' },
  'from-latest': { about: 'Where no offset is committed, start at the end.' },
  'socket-buffer-size': { value: 'bytes', about: 'Accepted as Kafka does; the system sizes buffers as it goes.' },
  'command-property': { value: 'key=value', many: true, about: 'A setting of the client. Repeat for more.' },
  'consumer.config': { value: 'file', newer: 'command-config', about: '' },
  'command-config': { value: 'file', about: 'A file of settings of the client.' },
  'print-metrics': { about: 'Show counters of the client at the end.' },
  'show-detailed-stats': { about: 'A line for each interval instead of one for all.' },
  timeout: { value: 'ms', about: 'End when nothing has come for so long. Default: 10000.' },
  'reporting-interval': { value: 'ms', about: 'For --show-detailed-stats. Default: 5000.' },
  'date-format': { value: 'pattern', about: 'Default: yyyy-MM-dd HH:mm:ss:SSS' },
  'hide-header': { about: 'No first line.' }
} as const

type PerfOptions = Options<typeof specs>

interface Plan {
  readonly records: number
  readonly timeoutMs: number
  readonly intervalMs: number
  readonly dateFormat: string
  readonly detailed: boolean
  readonly header: boolean
}

const megabyte = 1024 * 1024
const pollMs = 100
const columns = 'data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, ' +
  'rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec'

export default class ConsumerPerfTest extends KafkaCommand<typeof specs> {
  static override description = 'Measure how fast records are read (kafka-consumer-perf-test).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: PerfOptions): Promise<void> {
    const { plan, settings } = await this.#prepare(options)
    const cluster = openCluster(options.text('bootstrap-server'), settings, { clientId: 'perf-consumer-client' })
    const fetchBytes = options.integer('fetch-size', megabyte, 1)
    const reading = new Reading(cluster, {
      topic: options.text('topic'),
      include: options.text('include'),
      group: options.text('group') ?? settings.get('group.id'),
      reset: options.has('from-latest') ? 'latest' : 'earliest',
      consumer: {
        partitionBytesMax: numberSetting(settings, 'max.partition.fetch.bytes', fetchBytes),
        fetchBytesMin: numberSetting(settings, 'fetch.min.bytes', 1),
        waitMsMax: numberSetting(settings, 'fetch.max.wait.ms', 500),
        committedOnly: settings.get('isolation.level') === 'read_committed',
        checkCrc: settings.get('check.crcs') === 'true' // Kafka's tool leaves it out unless told
      },
      warned: message => this.complain(`WARN ${message}`)
    })
    try {
      const total = await this.#measure(reading, plan)
      if (options.has('print-metrics')) for (const line of metricLines(metricsOf(total))) this.print(line)
    } finally {
      await reading.close()
      cluster.close()
    }
  }

  async #prepare (options: PerfOptions): Promise<{ plan: Plan, settings: Settings }> {
    if (options.has('topic') === options.has('include')) {
      throw new UsageError('Exactly one of the following arguments is required: --topic, --include')
    }
    options.needed('bootstrap-server')
    if (options.has('messages') && options.has('num-records')) {
      throw new UsageError('Options --messages and --num-records cannot be specified together.')
    }
    const countName = options.has('messages') ? 'messages' : 'num-records'
    options.needed(countName)
    if (countName === 'messages') this.print('Warning: --messages is deprecated. Use --num-records instead.')
    const [fileName] = givenNames(options, 'perf', [['consumer.config', 'command-config']], line => this.print(line))
    options.integer('socket-buffer-size', 0)
    const plan = {
      records: options.integer(countName, 0, 0),
      timeoutMs: options.integer('timeout', 10_000),
      intervalMs: options.integer('reporting-interval', 5000, 1),
      dateFormat: options.text('date-format') ?? 'yyyy-MM-dd HH:mm:ss:SSS',
      detailed: options.has('show-detailed-stats'),
      header: !options.has('hide-header')
    }
    const settings = await readSettings({ file: options.text(fileName), pairs: options.all('command-property') })
    return { plan, settings }
  }

  async #measure (reading: Reading, plan: Plan): Promise<Payload & { seconds: number }> {
    if (plan.header) this.print(`${plan.detailed ? 'time, threadId' : 'start.time, end.time'}, ${columns}`)
    const total: Payload = { records: 0, bytes: 0 }
    const startMs = Date.now()
    let lastMs = startMs
    const window = { startMs, records: 0, bytes: 0, joinMs: -1 }
    while (total.records < plan.records && Date.now() - lastMs <= plan.timeoutMs) {
      const polled = await reading.poll(pollMs)
      if (polled.length > 0) lastMs = Date.now()
      for (const { topic, partition, fetchedFrom, batches, nextOffset } of polled) {
        for (const batch of batches) countPayload(batch, fetchedFrom, total, plan.records - total.records)
        reading.used(topic, partition, nextOffset)
      }
      if (Date.now() - window.startMs >= plan.intervalMs) {
        if (plan.detailed) this.print(detailLine(plan, window, total, joinedMs(reading, startMs)))
        Object.assign(window, { startMs: Date.now(), ...total })
      }
    }
    const endMs = Date.now()
    if (total.records < plan.records) {
      this.print('WARNING: Exiting before consuming the expected number of records: ' +
        `timeout (${plan.timeoutMs} ms) exceeded. You can use the --timeout option to increase the timeout.`)
    }
    if (!plan.detailed) this.print(totalLine(plan, total, startMs, endMs, joinedMs(reading, startMs)))
    return { ...total, seconds: (endMs - startMs) / 1000 }
  }
}

/** Until there were partitions to read. */
function joinedMs ({ assignedAtMs }: Reading, startMs: number): number {
  return assignedAtMs < 0 ? 0 : Math.max(0, assignedAtMs - startMs)
}

function totalLine (plan: Plan, total: Payload, startMs: number, endMs: number, joinMs: number): string {
  const seconds = (endMs - startMs) / 1000
  const fetchMs = endMs - startMs - joinMs
  const megabytes = total.bytes / megabyte
  return [
    dateText(startMs, plan.dateFormat), dateText(endMs, plan.dateFormat),
    megabytes.toFixed(4), rate(megabytes, seconds), total.records, rate(total.records, seconds),
    joinMs, fetchMs, rate(megabytes, fetchMs / 1000), rate(total.records, fetchMs / 1000)
  ].join(', ')
}

interface Window extends Payload {
  startMs: number
  joinMs: number
}

function detailLine (plan: Plan, window: Window, total: Payload, joinMs: number): string {
  const nowMs = Date.now()
  const seconds = (nowMs - window.startMs) / 1000
  const own = window.joinMs < 0 ? joinMs : 0 // joining fell into the first window
  window.joinMs = own
  const fetchMs = nowMs - window.startMs - own
  const megabytes = (total.bytes - window.bytes) / megabyte
  const records = total.records - window.records
  return [
    dateText(nowMs, plan.dateFormat), 0, (total.bytes / megabyte).toFixed(4), rate(megabytes, seconds),
    total.records, rate(records, seconds), own, fetchMs,
    rate(megabytes, fetchMs / 1000), rate(records, fetchMs / 1000)
  ].join(', ')
}

/** As Java prints a division by nothing. */
function rate (amount: number, seconds: number): string {
  return seconds > 0 ? (amount / seconds).toFixed(4) : amount > 0 ? 'Infinity' : 'NaN'
}

function metricsOf ({ records, bytes, seconds }: Payload & { seconds: number }): [string, number][] {
  const client = '{client-id=perf-consumer-client}'
  return [
    [`consumer-fetch-manager-metrics:records-consumed-total:${client}`, records],
    [`consumer-fetch-manager-metrics:records-consumed-rate:${client}`, records / seconds],
    [`consumer-fetch-manager-metrics:bytes-consumed-total:${client}`, bytes],
    [`consumer-fetch-manager-metrics:bytes-consumed-rate:${client}`, bytes / seconds]
  ]
}
