// kafka-dump-log: shows what lies in the files of a log directory.
import { realDisk } from '../../engine/base/disk-real.ts'
import { Dump, everyByte, type RecordDecoder } from '../../engine/log/dump/dump.ts'
import {
  plainDecoder, plainDecoderOf, plainDecoders, stringDecoderClass
} from '../../engine/log/dump/plain-decoders.ts'
import {
  clusterMetadataDecoder, offsetsDecoder, remoteLogMetadataDecoder, shareGroupStateDecoder,
  transactionLogDecoder
} from '../../engine/log/dump/topic-decoders.ts'
import { KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'
import { printPieces } from '../tool/print-pieces.ts'

const decoderClass = { value: 'class', bare: stringDecoderClass } as const

const specs = {
  files: { value: 'file1,file2,...', about: 'The files to dump, with commas between them.' },
  'print-data-log': { about: 'Show keys and values of the records. Any decoder option means it too.' },
  'deep-iteration': { about: 'Show the records of each batch. --print-data-log means it too.' },
  'skip-record-metadata': { about: 'Show nothing of a record but its key and value, and no control records.' },
  'max-bytes': { value: 'bytes', about: 'Of each log, only whole batches within its first bytes.' },
  'verify-index-only': { about: 'Hold indexes against their logs without showing their entries.' },
  'index-sanity-check': { about: 'Check of indexes only what a broker checks when it starts.' },
  'max-message-size': { value: 'bytes', about: 'The largest batch an index entry may point to: 5242880.' },
  'key-decoder-class': { ...decoderClass, about: `How to show keys: ${Object.keys(plainDecoders).join(', ')}.` },
  'value-decoder-class': { ...decoderClass, about: 'How to show values: the same.' },
  'offsets-decoder': { about: 'The log is of __consumer_offsets: show its records.' },
  'transaction-log-decoder': { about: 'The log is of __transaction_state: show its records.' },
  'share-group-state-decoder': { about: 'The log is of __share_group_state: show its records.' },
  'cluster-metadata-decoder': { about: 'The log is of __cluster_metadata: show its records.' },
  'remote-log-metadata-decoder': { about: 'The log is of __remote_log_metadata: show its records.' },
  version: everyTool.version,
  help: everyTool.help
} as const

type Given = Options<typeof specs>

export default class DumpLog extends KafkaCommand<typeof specs> {
  static override readonly description = 'Show what lies in the files of a log directory (kafka-dump-log).'
  static override readonly flags = flagsOf(specs)

  protected readonly specs = specs

  protected async execute (options: Given): Promise<void> {
    const files = options.needed('files').split(',')
    const dump = new Dump(realDisk, dumpOptions(options))
    try {
      await printPieces(process.stdout, dump.files(files))
    } finally {
      for (const line of dump.findings.lines()) this.complain(line)
    }
  }
}

function dumpOptions (options: Given) {
  const decoder = topicDecoder(options)
  const printRecords = options.has('print-data-log') || decoder !== null ||
    options.has('key-decoder-class') || options.has('value-decoder-class')
  return {
    decoder: decoder ?? plainDecoder(bytesDecoder(options, 'key'), bytesDecoder(options, 'value')),
    printRecords,
    deep: printRecords || options.has('deep-iteration'),
    skipMetadata: options.has('skip-record-metadata'),
    bytesMax: options.integer('max-bytes', everyByte, 0, everyByte),
    messageBytesMax: options.integer('max-message-size', 5 * 2 ** 20, 0, 2 ** 31 - 1),
    verifyOnly: options.has('verify-index-only'),
    sanityOnly: options.has('index-sanity-check'),
    workingFolder: process.cwd()
  }
}

/** The first that is given, in Kafka's order; null: none. */
function topicDecoder (options: Given): RecordDecoder | null {
  if (options.has('offsets-decoder')) return offsetsDecoder
  if (options.has('transaction-log-decoder')) return transactionLogDecoder
  if (options.has('cluster-metadata-decoder')) return clusterMetadataDecoder
  if (options.has('remote-log-metadata-decoder')) return remoteLogMetadataDecoder
  return options.has('share-group-state-decoder') ? shareGroupStateDecoder : null
}

function bytesDecoder (options: Given, part: 'key' | 'value') {
  const name = options.text(`${part}-decoder-class`) ?? stringDecoderClass
  const decoder = plainDecoderOf(name)
  if (decoder !== undefined) return decoder
  throw new UsageError(`Failed to load decoder class ${name}: there are ${Object.keys(plainDecoders).join(', ')}`)
}
