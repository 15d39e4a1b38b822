// kafka-log-dirs: which partitions lie in which log directory, and how large they are. The answer is JSON.
import { describeLogDirs, type LogDirAnswer } from '../../engine/client/log-dirs.ts'
import { type Cluster } from '../../engine/client/cluster.ts'
import { errorCodes } from '../../engine/protocol/errors.ts'
import { exceptionClass } from '../render/java-exception.ts'
import { openCluster, readSettings } from '../tool/client-settings.ts'
import { Failed, KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'

const specs = {
  ...everyTool,
  describe: { about: 'Show the log directories.' },
  'topic-list': { value: 't,t', about: 'Only these topics. Default: all.' },
  'broker-list': { value: 'id,id', about: 'Only these brokers. Default: all.' },
  'command-config': { value: 'file', about: 'A file of settings of the client.' },
  json: { about: 'Only the JSON, without the lines around it.' }
} as const

export default class LogDirs extends KafkaCommand<typeof specs> {
  static override description = 'Show what lies in log directories (kafka-log-dirs).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: Options<typeof specs>): Promise<void> {
    options.needed('bootstrap-server')
    if (!options.has('describe')) throw new UsageError('Missing required argument "[describe]"')
    const wanted = listOf(options.text('broker-list')).map(brokerId)
    const topics = new Set(listOf(options.text('topic-list')))
    const settings = await readSettings({ file: options.text('command-config') })
    const cluster = openCluster(options.text('bootstrap-server'), settings)
    try {
      const brokers = await brokersOf(cluster, wanted)
      const tell = (line: string): void => { if (!options.has('json')) this.print(line) }
      tell('Querying brokers for log directories information')
      const answers = await Promise.all(brokers.map(broker => describeLogDirs(cluster, broker)))
      tell(`Received log directory information from brokers ${brokers.join(',')}`)
      const described = brokers.map((broker, index) => {
        return { broker, logDirs: answers[index].map(answer => logDirJson(answer, topics)) }
      })
      this.print(JSON.stringify({ brokers: described, version: 1 }))
    } finally {
      cluster.close()
    }
  }
}

function listOf (text: string | undefined): string[] {
  return (text ?? '').split(',').map(part => part.trim()).filter(part => part !== '')
}

function brokerId (text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`For input string: "${text}": --broker-list expects broker ids`)
  return Number(text)
}

async function brokersOf (cluster: Cluster, wanted: readonly number[]): Promise<number[]> {
  await cluster.metadata([])
  const known = [...cluster.brokers.keys()]
  const unknown = wanted.filter(id => !known.includes(id))
  if (unknown.length > 0) {
    throw new Failed(`ERROR: The given brokers do not exist from --broker-list: ${unknown.join(',')}. ` +
      `Current existent brokers: ${known.join(',')}`)
  }
  return wanted.length > 0 ? [...new Set(wanted)] : known
}

function logDirJson ({ errorCode, logDir, topics }: LogDirAnswer, wanted: ReadonlySet<string>): object {
  const partitions = topics.filter(({ name }) => wanted.size === 0 || wanted.has(name))
    .flatMap(({ name, partitions }) => partitions.map(one => ({
      partition: `${name}-${one.partitionIndex}`,
      size: one.partitionSize,
      offsetLag: one.offsetLag,
      isFuture: one.isFutureKey
    })))
  return { partitions, error: errorCode === errorCodes.NONE ? null : exceptionClass(errorCode), logDir }
}
