// What a topic may be called and which partitions it may have: the rules and the order in which Kafka looks
// at them.
import { errorCodes } from '../protocol/errors.ts'
import { type CatalogError, type NewTopic, type TopicInfo } from './catalog.ts'

const nameLengthMax = 249
const nameShape = /^[a-zA-Z0-9._-]+$/
/** As Kafka: so many new partitions a request at most. */
export const partitionsMax = 10_000

const internalNames: readonly string[] = ['__consumer_offsets', '__transaction_state', '__share_group_state']

export function isInternalTopic (name: string): boolean {
  return internalNames.includes(name)
}

export function failure (code: keyof typeof errorCodes, message: string | null): CatalogError {
  return { errorCode: errorCodes[code], message }
}

/** null when a topic may have that name. */
export function problemWithName (name: string): CatalogError | null {
  const problem = nameProblem(name)
  return problem === null ? null : failure('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${problem}`)
}

function nameProblem (name: string): string | null {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return "'.' and '..' are not allowed"
  if (name.length > nameLengthMax) return `it is longer than ${nameLengthMax} characters: ${name.slice(0, nameLengthMax)}...`
  if (!nameShape.test(name)) return `'${name}' has characters other than ASCII letters, digits, '.', '_' and '-'`
  return null
}

/** Metric names turn dots into underscores: two topics that differ in these only would share theirs. */
export function collisionKey (name: string): string {
  return name.replaceAll('.', '_')
}

/** The replicas of each partition, or why it cannot be. */
export function planPartitions (
  topic: NewTopic, defaults: { partitions: number, replicationFactor: number }, brokers: readonly number[]
): number[][] | CatalogError {
  if (topic.assignments.length > 0) return planAssigned(topic, brokers)
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    return failure('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0, or -1 to use the default value.')
  }
  if (topic.partitions < -1 || topic.partitions === 0) {
    return failure('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.')
  }
  const count = topic.partitions === -1 ? defaults.partitions : topic.partitions
  const factor = topic.replicationFactor === -1 ? defaults.replicationFactor : topic.replicationFactor
  if (count > partitionsMax) {
    return failure('POLICY_VIOLATION', `${count} partitions are more than ${partitionsMax} in one request`)
  }
  if (factor > brokers.length) {
    return failure('INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${factor} time(s): The target replication factor of ${factor} cannot be ` +
      `reached because only ${brokers.length} broker(s) are registered or some brokers have all their log directories cordoned.`)
  }
  return spread(0, count, factor, brokers)
}

function planAssigned (topic: NewTopic, brokers: readonly number[]): number[][] | CatalogError {
  if (topic.replicationFactor !== -1) {
    return failure('INVALID_REQUEST', 'A manual partition assignment was given, but the replication factor was not -1.')
  }
  if (topic.partitions !== -1) {
    return failure('INVALID_REQUEST', 'A manual partition assignment was given, but the number of partitions was not -1.')
  }
  const planned = new Map<number, number[]>()
  const factor = topic.assignments[0].brokerIds.length
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (planned.has(partitionIndex)) {
      return failure('INVALID_REPLICA_ASSIGNMENT', `Partition ${partitionIndex} is assigned more than once.`)
    }
    const problem = problemWithReplicas(brokerIds, factor, brokers)
    if (problem !== null) return problem
    planned.set(partitionIndex, [...brokerIds])
  }
  const replicas: number[][] = []
  for (let index = 0; index < planned.size; index++) {
    const ids = planned.get(index)
    if (ids === undefined) {
      return failure('INVALID_REPLICA_ASSIGNMENT', 'The assigned partitions must be numbered from 0 on without gaps.')
    }
    replicas.push(ids)
  }
  return replicas
}

/** The replicas of the partitions that a topic gets on top of its own. */
export function planMorePartitions (
  topic: TopicInfo, count: number, assignments: readonly (readonly number[])[] | null,
  brokers: readonly number[]
): number[][] | CatalogError {
  const now = topic.partitions.length
  if (count === now) return failure('INVALID_PARTITIONS', `Topic already has ${now} partition(s).`)
  if (count < now) {
    return failure('INVALID_PARTITIONS',
      `The topic ${topic.name} currently has ${now} partition(s); ${count} would not be an increase.`)
  }
  if (count - now > partitionsMax) {
    return failure('POLICY_VIOLATION', `${count - now} partitions are more than ${partitionsMax} in one request`)
  }
  const factor = topic.partitions[0].replicas.length
  if (assignments === null) return spread(now, count - now, factor, brokers)
  if (assignments.length !== count - now) {
    return failure('INVALID_REPLICA_ASSIGNMENT',
      `${count - now} partition(s) are to be added, but ${assignments.length} assignment(s) were given.`)
  }
  for (const ids of assignments) {
    const problem = problemWithReplicas(ids, factor, brokers)
    if (problem !== null) return problem
  }
  return assignments.map(ids => [...ids])
}

/** One partition's hand-made list of replicas. */
export function problemWithReplicas (
  ids: readonly number[], factor: number, brokers: readonly number[]
): CatalogError | null {
  const wrong = (message: string) => failure('INVALID_REPLICA_ASSIGNMENT', message)
  if (ids.length === 0) return wrong('The manual partition assignment includes an empty replica list.')
  if (new Set(ids).size !== ids.length) {
    return wrong(`The manual partition assignment includes a broker more than once: ${ids.join(', ')}.`)
  }
  const stranger = ids.find(id => !brokers.includes(id))
  if (stranger !== undefined) {
    return wrong(`The manual partition assignment includes broker ${stranger}, but no such broker is registered.`)
  }
  if (ids.length !== factor) {
    return wrong(`The manual partition assignment includes a partition with ${ids.length} replica(s), others have ${factor}.`)
  }
  return null
}

/** Leaders go round the brokers, followers are the next ones. */
export function spread (
  firstIndex: number, count: number, factor: number, brokers: readonly number[]
): number[][] {
  const replicas: number[][] = []
  for (let index = firstIndex; index < firstIndex + count; index++) {
    replicas.push(Array.from({ length: factor }, (_, step) => brokers[(index + step) % brokers.length]))
  }
  return replicas
}
