// kafka-get-offsets: where partitions end, begin, or what offset belongs to a time.
import { BrokerError, type Cluster } from '../../engine/client/cluster.ts'
import { listOffsets, type PartitionOffset, specialTimes, type TopicPartition } from '../../engine/client/offsets.ts'
import { errorCodes } from '../../engine/protocol/errors.ts'
import { openCluster, readSettings } from '../tool/client-settings.ts'
import { Failed, KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'
import { topicMatcher } from '../tool/topics.ts'

const specs = {
  ...everyTool,
  topic: { value: 'regex', about: 'The topics. Default: all that may be seen.' },
  partitions: { value: 'n,n', about: 'Only these partitions.' },
  'topic-partitions': {
    value: 'list',
    about: 'Parts with commas: a:0, b:2-5 (5 left out), c:-3, d:1-, e, :0. Topics are regular expressions.'
  },
  time: {
    value: 'time',
    about: 'Milliseconds since 1970, or -1/latest (default), -2/earliest, -3/max-timestamp, -4/earliest-local, ' +
      '-5/latest-tiered, -6/earliest-pending-upload.'
  },
  'exclude-internal-topics': { about: 'Leave out internal topics.' },
  'command-config': { value: 'file', about: 'A file of settings of the client.' }
} as const

type OffsetsOptions = Options<typeof specs>
type Filter = (topic: string, partition: number) => boolean

const timeNames: Readonly<Record<string, number>> = {
  latest: specialTimes.latest,
  earliest: specialTimes.earliest,
  'max-timestamp': specialTimes.maxTimestamp,
  'earliest-local': specialTimes.earliestLocal,
  'latest-tiered': specialTimes.latestTiered,
  'earliest-pending-upload': specialTimes.earliestPendingUpload
}

export default class GetOffsets extends KafkaCommand<typeof specs> {
  static override description = 'Show offsets of partitions (kafka-get-offsets).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: OffsetsOptions): Promise<void> {
    options.needed('bootstrap-server')
    if (options.has('topic-partitions') && (options.has('topic') || options.has('partitions'))) {
      throw new UsageError('--topic-partitions cannot be used with --topic or --partitions')
    }
    const time = timeOf(options.text('time') ?? 'latest')
    const filter = filterOf(options)
    const settings = await readSettings({ file: options.text('command-config') })
    const cluster = openCluster(options.text('bootstrap-server'), settings, { clientId: 'GetOffsetJavaWrapper' })
    try {
      const partitions = await matching(cluster, filter, options.has('exclude-internal-topics'))
      if (partitions.length === 0) {
        throw new Failed('ERROR Could not match any topic-partitions with the specified filters')
      }
      this.#show(await listOffsets(cluster, partitions, time))
    } finally {
      cluster.close()
    }
  }

  #show (offsets: readonly PartitionOffset[]): void {
    const sorted = [...offsets].sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1)
    const failed = sorted.filter(({ errorCode }) => errorCode !== errorCodes.NONE)
    for (const { topic, partition, offset, errorCode } of sorted) {
      if (errorCode === errorCodes.NONE && offset >= 0) this.print(`${topic}:${partition}:${offset}`)
    }
    for (const { topic, partition, errorCode } of failed) {
      this.complain(`Skip getting offsets for topic-partition ${topic}-${partition} due to error: ` +
        new BrokerError(errorCode).message)
    }
    if (failed.length > 0) throw new Failed()
  }
}

async function matching (
  cluster: Cluster, filter: Filter, excludeInternal: boolean
): Promise<TopicPartition[]> {
  const { topics } = await cluster.metadata(null)
  return topics
    .filter(({ isInternal }) => !(isInternal && excludeInternal))
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name!, partition: partitionIndex })))
    .filter(({ topic, partition }) => filter(topic, partition))
}

function timeOf (text: string): number {
  const time = timeNames[text] ?? (/^-?\d+$/.test(text) ? Number(text) : null)
  if (time === null) {
    throw new UsageError(`Malformed time argument ${text}. Please use milliseconds, ` +
      Object.entries(timeNames).map(([name, number]) => `${number} or ${name}`).join(' / '))
  }
  return time
}

function filterOf (options: OffsetsOptions): Filter {
  const list = options.text('topic-partitions')
  if (list !== undefined) {
    const filters = list.split(',').map(partFilter)
    return (topic, partition) => filters.some(filter => filter(topic, partition))
  }
  const pattern = options.text('topic')
  const matches = pattern === undefined ? () => true : topicMatcher(pattern)
  const wanted = options.text('partitions')?.split(',').map(text => {
    if (!/^\s*\d+\s*$/.test(text)) throw new UsageError(`--partitions expects a list of numbers, not '${text}'`)
    return Number(text)
  })
  return (topic, partition) => matches(topic) && (wanted === undefined || wanted.includes(partition))
}

/** topic, topic:3, topic:3-, topic:-5, topic:3-5, :3; the upper end is left out. */
function partFilter (text: string): Filter {
  const match = /^([^:]*)(?::(?:(\d+)|(\d*)-(\d*))?)?$/.exec(text.trim())
  if (match === null) throw new UsageError(`Invalid rule specification: ${text}`)
  const [, topic, only, from, to] = match
  const matches = topic === '' ? () => true : topicMatcher(topic)
  const low = Number(only ?? (from || 0))
  const high = only !== undefined ? Number(only) + 1 : to === undefined || to === '' ? Infinity : Number(to)
  return (name, partition) => matches(name) && partition >= low && partition < high
}
