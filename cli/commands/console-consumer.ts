// kafka-console-consumer: prints records, one line each.
import { decodeRecords } from '../../engine/protocol/record.ts'
import { batchAttributes, getAttributes } from '../../engine/protocol/record-batch.ts'
import { type Polled, type StartOffset } from '../../engine/client/consumer.ts'
import { type RecordFormatter, recordFormatter } from '../render/record-line.ts'
import { booleanSetting, numberSetting, openCluster, readSettings, type Settings } from '../tool/client-settings.ts'
import { KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'
import { Reading } from '../tool/reading.ts'
import { givenNames } from '../tool/renamed.ts'

const specs = {
  ...everyTool,
  topic: { value: 'name', about: 'What to read.' },
  include: { value: 'regex', about: 'Topics to read, as a regular expression, instead of --topic.' },
  partition: { value: 'n', about: 'Only this partition.' },
  offset: { value: 'offset', about: 'With --partition: a number, earliest or latest. Default: latest.' },
  'from-beginning': { about: 'Where no offset is committed, start at the earliest record.' },
  'max-messages': { value: 'n', about: 'End after so many records.' },
  'timeout-ms': { value: 'ms', about: 'End when nothing has come for so long.' },
  'skip-message-on-error': { about: 'Go on after a record that cannot be shown.' },
  group: { value: 'id', about: 'Read as a member of this group.' },
  'isolation-level': { value: 'level', about: 'read_committed or read_uncommitted (default).' },
  formatter: { value: 'class', about: 'DefaultMessageFormatter or NoOpMessageFormatter of org.apache.kafka.tools.consumer.' },
  'formatter-config': { value: 'file', about: 'A file of properties of the formatter.' },
  property: { value: 'key=value', many: true, newer: 'formatter-property', about: '' },
  'formatter-property': {
    value: 'key=value',
    many: true,
    about: 'print.timestamp, print.partition, print.offset, print.delivery, print.epoch, print.headers, print.key, ' +
      'print.value, key.separator, line.separator, headers.separator, null.literal, key.deserializer, ' +
      'value.deserializer, header.deserializer. Repeat for more.'
  },
  'key-deserializer': { value: 'class', about: 'How to show keys: Kafka\'s deserializers by name.' },
  'value-deserializer': { value: 'class', about: 'How to show values.' },
  'consumer-property': { value: 'key=value', many: true, newer: 'command-property', about: '' },
  'command-property': { value: 'key=value', many: true, about: 'A setting of the client. Repeat for more.' },
  'consumer.config': { value: 'file', newer: 'command-config', about: '' },
  'command-config': { value: 'file', about: 'A file of settings of the client.' },
  'enable-systest-events': { about: 'Print a JSON line at the end, for system tests.' }
} as const

type ConsumerConsoleOptions = Options<typeof specs>

const pollMs = 100

export default class ConsoleConsumer extends KafkaCommand<typeof specs> {
  static override description = 'Print records of topics (kafka-console-consumer).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs
  #shown = 0
  #stopped = false

  protected async execute (options: ConsumerConsoleOptions): Promise<void> {
    checkTogether(options)
    const [pairsName, fileName, formatName] = givenNames(options, 'consumer', [
      ['consumer-property', 'command-property'], ['consumer.config', 'command-config'],
      ['property', 'formatter-property']
    ], line => this.print(line))
    const settings = await readSettings({ file: options.text(fileName), pairs: options.all(pairsName) })
    const group = groupOf(options, settings)
    const reset = resetOf(options, settings)
    const format = await formatterOf(options, options.all(formatName))
    const partition = options.has('partition') ? options.integer('partition', 0) : undefined
    const offset = partition === undefined ? {} : { offset: offsetOf(options) }
    const committedOnly = isolationOf(options, settings)
    const limits = { most: options.integer('max-messages', -1, -1), idleMs: options.integer('timeout-ms', -1, -1) }
    const cluster = openCluster(options.text('bootstrap-server'), settings, { clientId: 'console-consumer' })
    const reading = new Reading(cluster, {
      topic: options.text('topic'),
      include: options.text('include'),
      partition,
      ...offset,
      reset,
      group,
      ...groupSettings(settings),
      consumer: { committedOnly, ...fetchSettings(settings) },
      warned: message => this.complain(`WARN ${message}`)
    })
    const stop = () => { this.#stopped = true }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    try {
      await this.#show(reading, format, limits, options.has('skip-message-on-error'))
    } finally {
      await reading.close()
      cluster.close()
      this.complain(`Processed a total of ${this.#shown} messages`)
      if (options.has('enable-systest-events')) {
        this.print(JSON.stringify({ timestamp: Date.now(), name: 'shutdown_complete' }))
      }
    }
  }

  async #show (
    reading: Reading, format: RecordFormatter, limits: { most: number, idleMs: number }, skipErrors: boolean
  ): Promise<void> {
    let lastMs = performance.now()
    while (!this.#stopped && this.#shown !== limits.most) {
      const polled = await reading.poll(pollMs)
      const nowMs = performance.now()
      if (polled.length > 0) lastMs = nowMs
      else if (limits.idleMs >= 0 && nowMs - lastMs >= limits.idleMs) {
        this.complain(`ERROR no record has come for ${limits.idleMs} ms`)
        return
      }
      for (const part of polled) this.#showPart(part, reading, format, limits.most, skipErrors)
    }
  }

  #showPart (
    part: Polled, reading: Reading, format: RecordFormatter, most: number, skipErrors: boolean
  ): void {
    const { topic, partition, fetchedFrom, batches, nextOffset } = part
    const lines: Buffer[] = []
    let next = fetchedFrom
    let failure: Error | null = null
    for (const batch of batches) {
      const isAppendTime = (getAttributes(batch, 0) & batchAttributes.logAppendTime) !== 0
      for (const record of decodeRecords(batch)) {
        if (record.offset < fetchedFrom || this.#shown === most || failure !== null) continue
        try {
          lines.push(format({ ...record, partition, isAppendTime }))
        } catch (error) {
          const { message } = error as Error
          if (skipErrors) this.complain(`ERROR offset ${record.offset} of ${topic}-${partition}: ${message}`)
          else failure = error as Error
        }
        if (failure !== null) continue
        this.#shown++
        next = record.offset + 1
      }
    }
    if (this.#shown !== most && failure === null) next = nextOffset
    if (lines.length > 0) process.stdout.write(Buffer.concat(lines))
    if (next > fetchedFrom) reading.used(topic, partition, next)
    if (failure !== null) throw failure
  }
}

function checkTogether (options: ConsumerConsoleOptions): void {
  if (options.has('topic') === options.has('include')) {
    throw new UsageError('Exactly one of the following arguments is required: --topic, --include')
  }
  if (options.has('partition')) {
    if (!options.has('topic')) throw new UsageError('The topic is required when partition is specified.')
    if (options.has('from-beginning') && options.has('offset')) {
      throw new UsageError('Options from-beginning and offset cannot be specified together.')
    }
  } else if (options.has('offset')) throw new UsageError('The partition is required when offset is specified.')
  options.needed('bootstrap-server')
}

function groupOf (options: ConsumerConsoleOptions, settings: Settings): string | undefined {
  const groups = new Set([options.text('group'), settings.get('group.id')].filter(group => group !== undefined))
  if (groups.size > 1) {
    throw new UsageError(`The group ids provided in different places do not match: ${[...groups].join(', ')}`)
  }
  if (groups.size > 0 && options.has('partition')) {
    throw new UsageError('Options group and partition cannot be specified together.')
  }
  return [...groups][0]
}

function resetOf (options: ConsumerConsoleOptions, settings: Settings): 'earliest' | 'latest' | 'none' {
  const given = settings.get('auto.offset.reset')
  if (given !== undefined && given !== 'earliest' && given !== 'latest' && given !== 'none') {
    throw new UsageError(`auto.offset.reset=${given}: one of earliest, latest, none is expected`)
  }
  if (!options.has('from-beginning')) return given ?? 'latest'
  if (given !== undefined && given !== 'earliest') {
    throw new UsageError(`Can't simultaneously specify --from-beginning and 'auto.offset.reset=${given}', ` +
      'please remove one option')
  }
  return 'earliest'
}

function offsetOf (options: ConsumerConsoleOptions): StartOffset {
  const text = options.text('offset')?.toLowerCase()
  if (text === undefined) return options.has('from-beginning') ? 'earliest' : 'latest'
  if (text === 'earliest' || text === 'latest') return text
  if (!/^\d+$/.test(text)) {
    throw new UsageError(`The provided offset value '${text}' is incorrect. ` +
      "Valid values are 'earliest', 'latest', or a non-negative long.")
  }
  return Number(text)
}

function isolationOf (options: ConsumerConsoleOptions, settings: Settings): boolean {
  const given = options.text('isolation-level') ?? settings.get('isolation.level')
  const level = (given ?? 'read_uncommitted').toLowerCase()
  if (level !== 'read_committed' && level !== 'read_uncommitted') {
    throw new UsageError(`isolation.level=${level}: one of read_committed, read_uncommitted is expected`)
  }
  return level === 'read_committed'
}

async function formatterOf (
  options: ConsumerConsoleOptions, pairs: readonly string[]
): Promise<RecordFormatter> {
  const settings = await readSettings({ file: options.text('formatter-config'), pairs })
  for (const side of ['key', 'value'] as const) {
    const name = options.text(`${side}-deserializer`)
    if (name !== undefined) settings.set(`${side}.deserializer`, name)
  }
  return recordFormatter(options.text('formatter'), settings)
}

function groupSettings (settings: Settings) {
  return {
    instanceId: settings.get('group.instance.id') ?? null,
    autoCommit: booleanSetting(settings, 'enable.auto.commit', true),
    autoCommitMs: numberSetting(settings, 'auto.commit.interval.ms', 5000),
    sessionTimeoutMs: numberSetting(settings, 'session.timeout.ms', 45_000),
    heartbeatMs: numberSetting(settings, 'heartbeat.interval.ms', 3000)
  }
}

function fetchSettings (settings: Settings) {
  return {
    fetchBytesMin: numberSetting(settings, 'fetch.min.bytes', 1),
    fetchBytesMax: numberSetting(settings, 'fetch.max.bytes', 52_428_800),
    partitionBytesMax: numberSetting(settings, 'max.partition.fetch.bytes', 1_048_576),
    waitMsMax: numberSetting(settings, 'fetch.max.wait.ms', 500),
    checkCrc: booleanSetting(settings, 'check.crcs', true)
  }
}
