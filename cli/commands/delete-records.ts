// kafka-delete-records: moves the start of partitions forward, as a JSON file says.
import { readFileSync } from 'node:fs'
import { BrokerError } from '../../engine/client/cluster.ts'
import { deleteRecords, type DeletedRecords, type RecordsToDelete } from '../../engine/client/delete-records.ts'
import { exceptionText, timeoutText } from '../render/java-exception.ts'
import { openCluster, readSettings } from '../tool/client-settings.ts'
import { Failed, KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'

const specs = {
  ...everyTool,
  'offset-json-file': {
    value: 'file',
    about: 'What to delete: {"partitions": [{"topic": "t", "partition": 0, "offset": 10}], "version": 1}. ' +
      'All below the offset goes; -1 is the high watermark.'
  },
  'command-config': { value: 'file', about: 'A file of settings of the client.' },
  json: { about: 'Answer in JSON, one value.' }
} as const

export default class DeleteRecords extends KafkaCommand<typeof specs> {
  static override description = 'Delete records of partitions up to an offset (kafka-delete-records).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: Options<typeof specs>): Promise<void> {
    options.needed('bootstrap-server')
    const wanted = recordsToDelete(textOf(options.needed('offset-json-file')))
    const settings = await readSettings({ file: options.text('command-config') })
    const cluster = openCluster(options.text('bootstrap-server'), settings)
    try {
      if (!options.has('json')) this.print('Executing records delete operation')
      const deleted = await deleteRecords(cluster, wanted)
      if (options.has('json')) this.print(JSON.stringify(deleted.map(asJson)))
      else this.#show(deleted)
      if (deleted.some(({ error }) => error instanceof BrokerError)) {
        throw new Failed('ERROR Records of some partitions could not be deleted')
      }
      if (deleted.some(({ error }) => error !== null)) throw new Failed()
    } finally {
      cluster.close()
    }
  }

  #show (deleted: readonly DeletedRecords[]): void {
    this.print('Records delete operation completed:')
    for (const { topic, partition, lowWatermark, error } of deleted) {
      const result = error === null ? `low_watermark: ${lowWatermark}` : `error: ${reasonOf(error)}`
      this.print(`partition: ${topic}-${partition}\t${result}`)
    }
  }
}

function reasonOf (error: Error): string {
  return error instanceof BrokerError ? exceptionText(error.code) : timeoutText(error.message)
}

function asJson ({ topic, partition, lowWatermark, error }: DeletedRecords): object {
  return error === null ? { topic, partition, lowWatermark } : { topic, partition, error: reasonOf(error) }
}

function textOf (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Failed(`Unable to read file ${file}: ${(error as Error).message}`)
  }
}

/** Throws what is wrong with it. */
export function recordsToDelete (text: string): RecordsToDelete[] {
  let json: any
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`The input string is not a valid JSON: ${(error as Error).message}`)
  }
  const version = json?.version ?? 1
  if (version !== 1) throw new UsageError(`Not supported version field value ${version}`)
  if (!Array.isArray(json?.partitions)) throw new UsageError('Missing partitions field')
  const wanted: RecordsToDelete[] = json.partitions.map(recordToDelete)
  const twice = wanted.map(({ topic, partition }) => `${topic}-${partition}`)
    .filter((name, index, names) => names.indexOf(name) !== index)
  if (twice.length > 0) {
    throw new UsageError(`Offset json file contains duplicate topic partitions: ${[...new Set(twice)].join(',')}`)
  }
  return wanted
}

function recordToDelete (entry: any): RecordsToDelete {
  const { topic, partition, offset } = entry ?? {}
  if (typeof topic !== 'string' || !Number.isInteger(partition) || !Number.isInteger(offset)) {
    throw new UsageError(`No topic, partition and offset: ${JSON.stringify(entry)}`)
  }
  return { topic, partition, offset }
}
