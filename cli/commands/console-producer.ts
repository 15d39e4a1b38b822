// kafka-console-producer: each line of standard input becomes a record.
import { Producer } from '../../engine/client/producer.ts'
import { codecIds, type CodecName, codecNames } from '../../engine/protocol/compression/index.ts'
import { numberSetting, openCluster, readSettings, type Settings } from '../tool/client-settings.ts'
import { Failed, KafkaCommand } from '../tool/kafka-command.ts'
import { LineError, LineReader, linesOf } from '../tool/line-reader.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'
import { producerOptions } from '../tool/producer-settings.ts'
import { givenNames } from '../tool/renamed.ts'

const accepted = 'Accepted as Kafka does; the client here needs no such setting.'

const specs = {
  ...everyTool,
  topic: { value: 'name', about: 'Where the records go.' },
  sync: { about: 'Wait for each record before the next one; end with 1 at the first that fails.' },
  'compression-codec': {
    value: 'codec', bare: 'gzip', about: 'none, gzip, snappy, lz4 or zstd; gzip when named alone. Default: lz4.'
  },
  'batch-size': { value: 'bytes', about: 'Most bytes of a batch. Default: 16384.' },
  'message-send-max-retries': { value: 'n', about: 'How often a batch is sent again. Default: 3.' },
  'retry-backoff-ms': { value: 'ms', about: 'Time between two tries. Default: 100.' },
  timeout: { value: 'ms', about: 'How long a batch may wait for more records. Default: 1000.' },
  'request-required-acks': { value: 'acks', about: '0, 1, -1 or all. Default: -1.' },
  'request-timeout-ms': { value: 'ms', about: 'Time for an answer of the broker. Default: 1500.' },
  'metadata-expiry-ms': { value: 'ms', about: `${accepted} Leaders are asked for when they move.` },
  'max-block-ms': { value: 'ms', about: 'How long to look for the topic. Default: 60000.' },
  'max-memory-bytes': { value: 'bytes', about: 'Records that wait, in all. Default: 33554432.' },
  'max-partition-memory-bytes': { value: 'bytes', newer: 'batch-size', about: '' },
  'socket-buffer-size': { value: 'bytes', about: `${accepted} The system sizes buffers as it goes.` },
  'line-reader': { value: 'class', about: 'Only org.apache.kafka.tools.LineMessageReader.' },
  property: { value: 'key=value', many: true, newer: 'reader-property', about: '' },
  'reader-property': {
    value: 'key=value',
    many: true,
    about: 'parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, headers.key.separator, ' +
      'null.marker, ignore.error. Repeat for more.'
  },
  'reader-config': { value: 'file', about: 'A file of such properties.' },
  'producer-property': { value: 'key=value', many: true, newer: 'command-property', about: '' },
  'command-property': { value: 'key=value', many: true, about: 'A setting of the client. Repeat for more.' },
  'producer.config': { value: 'file', newer: 'command-config', about: '' },
  'command-config': { value: 'file', about: 'A file of settings of the client.' }
} as const

type ProducerConsoleOptions = Options<typeof specs>

const readers = new Set(['org.apache.kafka.tools.LineMessageReader', 'org.apache.kafka.tools.ConsoleProducer$LineMessageReader'])

export default class ConsoleProducer extends KafkaCommand<typeof specs> {
  static override description = 'Write lines of standard input as records (kafka-console-producer).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs
  #failure: Error | null = null

  protected async execute (options: ProducerConsoleOptions): Promise<void> {
    options.needed('bootstrap-server')
    const topic = options.needed('topic')
    const print = (line: string) => this.print(line)
    const [pairsName, fileName, readerName, batchName] = givenNames(options, 'producer', [
      ['producer-property', 'command-property'], ['producer.config', 'command-config'],
      ['property', 'reader-property'], ['max-partition-memory-bytes', 'batch-size']
    ], print)
    const reader = options.text('line-reader')
    if (reader !== undefined && !readers.has(reader)) throw new UsageError(`--line-reader ${reader} is not known here`)
    const lines = new LineReader(await readSettings({
      file: options.text('reader-config'), pairs: options.all(readerName).map(pair => pair.includes('=') ? pair : `${pair}=`)
    }))
    const given = await readSettings({ file: options.text(fileName), pairs: options.all(pairsName) })
    const settings = withOptions(given, options, batchName)
    await this.#run(topic, settings, lines, options.has('sync'), options.text('bootstrap-server'))
  }

  async #run (
    topic: string, settings: Settings, lines: LineReader, sync: boolean, bootstrap: string | undefined
  ): Promise<void> {
    const producerSettings = producerOptions(settings)
    const cluster = openCluster(bootstrap, settings, { clientId: 'console-producer' })
    try {
      const producer = new Producer(cluster, producerSettings)
      await this.#readLines(topic, producer, lines, sync, async () => {
        const deadlineMs = cluster.clock.monotonicMs() + numberSetting(settings, 'max.block.ms', 60_000)
        await producer.prepare(topic, { create: true, deadlineMs })
      })
      await producer.flush()
      if (this.#failure !== null) throw new Failed(`ERROR ${topic}: ${this.#failure.message}`)
    } finally {
      cluster.close()
    }
  }

  /** The topic is looked for when the first line is there, as Kafka's tool does. */
  async #readLines (
    topic: string, producer: Producer, reader: LineReader, sync: boolean, prepare: () => Promise<void>
  ): Promise<void> {
    const prompt = process.stdin.isTTY && process.stdout.isTTY ? '>' : ''
    let prepared = false
    process.stdout.write(prompt)
    try {
      for await (const lines of linesOf(process.stdin)) {
        for (const line of lines) {
          const { key, value, headers } = reader.read(line)
          if (!prepared) await prepare()
          prepared = true
          const delivered = (error: Error | null) => { this.#failure ??= error }
          while (!producer.append(topic, null, key, value, delivered, Date.now(), headers)) {
            await producer.room()
          }
          if (!sync) continue
          await producer.flush()
          if (this.#failure !== null) return
        }
        process.stdout.write(prompt)
      }
    } catch (error) {
      await producer.flush() // what was good before goes out
      if (error instanceof LineError) throw new Failed(`ERROR ${error.message}`)
      throw error
    }
  }
}

/** What the tool assumes, then the file and the pairs, then its own options. */
function withOptions (
  given: Settings, options: ProducerConsoleOptions, batchName: keyof typeof specs
): Map<string, string> {
  const codec = options.text('compression-codec')
  if (codec !== undefined && !codecNames.includes(codec as CodecName)) {
    throw new UsageError(`--compression-codec ${codec}: one of ${Object.keys(codecIds).join(', ')} is expected`)
  }
  const settings = new Map<string, string>([
    ['compression.type', 'lz4'], ['linger.ms', '1000'], ['retries', '3'], ['request.timeout.ms', '1500'], ...given
  ])
  const names = {
    'compression-codec': 'compression.type',
    'request-required-acks': 'acks',
    timeout: 'linger.ms',
    'message-send-max-retries': 'retries',
    'retry-backoff-ms': 'retry.backoff.ms',
    'request-timeout-ms': 'request.timeout.ms',
    'max-block-ms': 'max.block.ms',
    'max-memory-bytes': 'buffer.memory',
    [batchName]: 'batch.size'
  } as const
  for (const [option, setting] of Object.entries(names) as [keyof typeof specs, string][]) {
    const value = options.text(option)
    if (value !== undefined) settings.set(setting, value)
  }
  for (const option of ['metadata-expiry-ms', 'socket-buffer-size'] as const) options.integer(option, 0)
  return settings
}
