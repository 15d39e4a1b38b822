// kafka-topics: creates, lists, describes, alters and deletes topics.
import { BrokerError, type Cluster } from '../../engine/client/cluster.ts'
import { ConnectionError } from '../../engine/client/connection.ts'
import { fromKafkaUuid, kafkaUuid } from '../../engine/protocol/uuid.ts'
import { partitionLine, topicJson, topicLine } from '../render/topics.ts'
import { openCluster, readSettings } from '../tool/client-settings.ts'
import { Failed, KafkaCommand } from '../tool/kafka-command.ts'
import { everyTool, flagsOf, type Options, UsageError } from '../tool/options.ts'
import {
  addPartitions, createTopic, deleteTopics, describeTopics, listTopics, parseAssignment,
  type PartitionDescription, type TopicDescription, type TopicListing
} from '../tool/topics.ts'

const specs = {
  ...everyTool,
  'command-config': { value: 'file', about: 'A properties file with settings of the client.' },
  list: { about: 'List the topics.' },
  create: { about: 'Create a topic.' },
  delete: { about: 'Delete topics.' },
  alter: { about: 'Add partitions to topics.' },
  describe: { about: 'Show partitions and settings of topics.' },
  topic: { value: 'name', about: 'A topic; but for --create also a regular expression, or several with commas.' },
  'topic-id': { value: 'id', about: 'The id of the topic to describe.' },
  config: { value: 'name=value', many: true, about: 'With --create: a setting of the topic. Repeat for more.' },
  'delete-config': { value: 'name', many: true, about: 'Accepted, does nothing.' },
  partitions: { value: 'n', about: 'How many partitions the topic gets, or has after --alter.' },
  'replication-factor': { value: 'n', about: 'With --create: how many brokers keep each partition.' },
  'replica-assignment': { value: '1:2,2:1', about: 'Which brokers keep each partition, instead of a count.' },
  'under-replicated-partitions': { about: 'Describe only partitions with a replica out of sync.' },
  'unavailable-partitions': { about: 'Describe only partitions without a leader.' },
  'under-min-isr-partitions': { about: 'Describe only partitions with fewer replicas in sync than they need.' },
  'at-min-isr-partitions': { about: 'Describe only partitions with just as many replicas in sync as they need.' },
  'topics-with-overrides': { about: 'Describe only topics with settings of their own, without partitions.' },
  'if-exists': { about: 'Do nothing when the topic is not there.' },
  'if-not-exists': { about: 'Do nothing when the topic is there already.' },
  'exclude-internal': { about: 'Leave out internal topics.' },
  'partition-size-limit-per-response': { value: 'n', about: 'How many partitions the broker may put in one answer.' },
  json: { about: 'Answer in JSON, one value.' }
} as const

type TopicsOptions = Options<typeof specs>

const actions = ['list', 'describe', 'create', 'alter', 'delete'] as const
type Action = typeof actions[number]

const reports = [
  'under-replicated-partitions', 'under-min-isr-partitions', 'at-min-isr-partitions', 'unavailable-partitions'
] as const
type Report = typeof reports[number]

/** Which actions an option goes with. */
const belongs: Partial<Record<keyof typeof specs, readonly Action[]>> = {
  config: ['create', 'alter'],
  partitions: ['create', 'alter'],
  'replication-factor': ['create'],
  'replica-assignment': ['create', 'alter'],
  'topics-with-overrides': ['describe'],
  'if-exists': ['alter', 'delete', 'describe'],
  'if-not-exists': ['create'],
  'exclude-internal': ['list', 'describe'],
  ...Object.fromEntries(reports.map(name => [name, ['describe']]))
}

const collision = "WARNING: Due to limitations in metric names, topics with a period ('.') or " +
  "underscore ('_') could collide. To avoid issues it is best to use either, but not both."

export default class Topics extends KafkaCommand<typeof specs> {
  static override description = 'Create, list, describe, alter and delete topics (kafka-topics).'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: TopicsOptions): Promise<void> {
    const action = checked(options)
    if (options.has('delete-config')) this.complain('--delete-config is no longer supported and does nothing.')
    const settings = await readSettings({ file: options.text('command-config') })
    const cluster = openCluster(options.text('bootstrap-server'), settings)
    try {
      await this[action](cluster, options)
    } catch (error) {
      throw this.#failed(error as Error)
    } finally {
      cluster.close()
    }
  }

  async list (cluster: Cluster, options: TopicsOptions): Promise<void> {
    const names = (await listTopics(cluster, filterOf(options))).map(({ name }) => name)
    this.print(options.has('json') ? JSON.stringify(names) : names.join('\n'))
  }

  async create (cluster: Cluster, options: TopicsOptions): Promise<void> {
    const name = options.needed('topic')
    const topic = {
      name,
      partitions: wholeNumber(options, 'partitions'),
      replicationFactor: wholeNumber(options, 'replication-factor'),
      assignment: assignmentOf(options),
      configs: options.all('config').map(pairOf)
    }
    if (/[._]/.test(name)) this.#note(collision, options)
    const { replicationFactor } = topic
    if (replicationFactor !== undefined && !(replicationFactor >= 1 && replicationFactor <= 32767)) {
      throw new Error('The replication factor must be between 1 and 32767 inclusive')
    }
    if (topic.partitions !== undefined && topic.partitions < 1) {
      throw new Error('The partitions must be greater than 0')
    }
    const created = await createTopic(cluster, topic, options.has('if-not-exists'))
    if (options.has('json')) this.print(JSON.stringify({ topic: name, created }))
    else if (created) this.print(`Created topic ${name}.`)
  }

  async alter (cluster: Cluster, options: TopicsOptions): Promise<void> {
    const count = wholeNumber(options, 'partitions')!
    const assignment = assignmentOf(options)
    const topics = await this.#existing(cluster, options)
    if (topics.length > 0) await addPartitions(cluster, topics.map(({ name }) => name), count, assignment)
    if (options.has('json')) this.print(JSON.stringify(topics.map(({ name }) => ({ topic: name, partitions: count }))))
  }

  async delete (cluster: Cluster, options: TopicsOptions): Promise<void> {
    const topics = await this.#existing(cluster, options)
    await deleteTopics(cluster, topics.map(({ name }) => name))
    if (options.has('json')) this.print(JSON.stringify(topics.map(({ name }) => ({ topic: name, deleted: true }))))
  }

  async describe (cluster: Cluster, options: TopicsOptions): Promise<void> {
    const id = options.text('topic-id')
    if (id !== undefined && options.has('topic')) {
      this.#note('Only topic id will be used when both --topic and --topic-id are specified', options)
    }
    const topics = id === undefined
      ? await this.#existing(cluster, options)
      : await this.#withId(cluster, id, options)
    const limit = wholeNumber(options, 'partition-size-limit-per-response') ?? 2000
    const described = await describeTopics(cluster, topics, limit, id !== undefined)
    const asked = reports.filter(name => options.has(name))
    const shown = reported(described, asked, cluster, options)
    if (options.has('json')) return this.print(JSON.stringify(shown.map(topicJson)))
    const lines = shown.flatMap(topic => [
      ...asked.length === 0 ? [topicLine(topic)] : [],
      ...options.has('topics-with-overrides')
        ? []
        : topic.partitions.map(partition => partitionLine(topic.name, partition))
    ])
    if (lines.length > 0) this.print(lines.join('\n'))
  }

  async #existing (cluster: Cluster, options: TopicsOptions): Promise<TopicListing[]> {
    const pattern = options.text('topic')
    const topics = await listTopics(cluster, filterOf(options))
    if (topics.length === 0 && pattern !== undefined && pattern !== '' && !options.has('if-exists')) {
      throw new Error(`Topic '${pattern}' does not exist as expected`)
    }
    return topics
  }

  async #withId (cluster: Cluster, id: string, options: TopicsOptions): Promise<TopicListing[]> {
    const uuid = fromKafkaUuid(id)
    if (uuid === null) throw new Error(`'${id}' is no topic id`)
    const { excludeInternal } = filterOf(options)
    const found = (await listTopics(cluster, { excludeInternal })).filter(topic => topic.id === uuid)
    if (found.length === 0 && !options.has('if-exists')) {
      throw new Error(`TopicId '${kafkaUuid(uuid)}' does not exist as expected`)
    }
    return found
  }

  #note (text: string, options: TopicsOptions): void {
    if (options.has('json')) this.complain(text)
    else this.print(text)
  }

  /** The message where scripts look for it, on stdout; what kind of error it is on stderr. */
  #failed (error: Error): Error {
    if (error instanceof UsageError) return error
    if (error instanceof ConnectionError && error.reason === 'unknown-host') return error
    this.print(`Error while executing topic command : ${error.message}`)
    const kind = error instanceof BrokerError ? `${error.errorName}: ` : ''
    return new Failed(`ERROR ${kind}${error.message}`)
  }
}

/** What fits together, before anything is asked. */
function checked (options: TopicsOptions): Action {
  const asked = actions.filter(name => options.has(name))
  if (asked.length !== 1) {
    throw new UsageError('Command must include exactly one action: --list, --describe, --create, --alter or --delete')
  }
  const action = asked[0]
  if (!options.has('bootstrap-server')) throw new UsageError('--bootstrap-server must be specified')
  if (action === 'describe' && options.has('if-exists') && !options.has('topic') && !options.has('topic-id')) {
    throw new UsageError('--topic or --topic-id is required to describe a topic')
  }
  if (action !== 'list' && action !== 'describe') options.needed('topic')
  if (action === 'alter' && options.has('config')) {
    throw new UsageError('Option "[config]" can\'t be used with option "[alter]": use the configs command')
  }
  if (action === 'alter') options.needed('partitions')
  for (const name of options.names) {
    const fits = belongs[name as keyof typeof specs]
    if (fits?.includes(action) === false) {
      throw new UsageError(`Option "[${name}]" can't be used with option "[${action}]"`)
    }
  }
  conflict(options, 'topics-with-overrides', reports)
  if (action === 'create') conflict(options, 'replica-assignment', ['partitions', 'replication-factor'])
  return action
}

function conflict (
  options: TopicsOptions, name: keyof typeof specs, others: readonly (keyof typeof specs)[]
): void {
  const other = others.find(other => options.has(other))
  if (options.has(name) && other !== undefined) {
    throw new UsageError(`Option "[${name}]" can't be used with option "[${other}]"`)
  }
}

function filterOf (options: TopicsOptions) {
  return { pattern: options.text('topic'), excludeInternal: options.has('exclude-internal') }
}

function assignmentOf (options: TopicsOptions): number[][] {
  const text = options.text('replica-assignment')
  return text === undefined || text === '' ? [] : parseAssignment(text)
}

function wholeNumber (options: TopicsOptions, name: keyof typeof specs): number | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  if (!/^-?\d{1,10}$/.test(text)) throw new Error(`Cannot parse argument '${text}' of option ${name}`)
  return Number(text)
}

function pairOf (pair: string): [string, string] {
  const parts = pair.split('=')
  // A value may hold more of them in JSON or base64, but Kafka's tool takes none: stay with two.
  if (parts.length !== 2 || parts[1] === '') {
    throw new Error('requirement failed: Invalid topic config: ' +
      'all configs to be added must be in the format "key=val".')
  }
  return [parts[0].trim(), parts[1].trim()]
}

function reported (
  topics: TopicDescription[], asked: readonly Report[], cluster: Cluster, options: TopicsOptions
): TopicDescription[] {
  if (options.has('topics-with-overrides')) {
    return topics.filter(({ configs }) => configs.some(({ isDefault }) => !isDefault))
  }
  if (asked.length === 0) return topics
  return topics.map(topic => {
    const minIsr = Number(topic.configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1)
    const shown = topic.partitions.filter(partition =>
      asked.some(report => isReported(report, partition, minIsr, cluster)))
    return { ...topic, partitions: shown }
  }).filter(({ partitions }) => partitions.length > 0)
}

function isReported (
  report: Report, partition: PartitionDescription, minIsr: number, cluster: Cluster
): boolean {
  const { leader, isr, replicas, adding } = partition
  if (report === 'under-replicated-partitions') return replicas.length - (adding ?? []).length > isr.length
  if (report === 'under-min-isr-partitions') return leader === null || isr.length < minIsr
  if (report === 'at-min-isr-partitions') return isr.length === minIsr
  return leader === null || !cluster.brokers.has(leader)
}
