// What members of a classic consumer group tell each other through the broker, which only carries it:
// subscriptions on the way in, assignments on the way out. Formats and the range assignor are those of
// Kafka's clients, so that they mix.
//
//   subscription   version 2 | topics: count 4, name 2+n | user data 4+n (-1: none)
//   assignment     version 2 | topics: count 4, (name 2+n, partitions: count 4, 4 each) | user data 4+n
import { decode, encode } from '../protocol/compile.ts'
import { array, bytes, int32, message, string } from '../protocol/schema.ts'
import { Reader, Writer } from '../protocol/wire.ts'
import { type TopicPartition } from './offsets.ts'

/** Both begin with their version; what later versions add stands behind and may be left unread. */
const versionWritten = 0

const subscription = message('ConsumerProtocolSubscriptionV0', {
  versions: [0, 0],
  fields: { topics: array(string()), userData: bytes().nullable() }
})

const assignment = message('ConsumerProtocolAssignmentV0', {
  versions: [0, 0],
  fields: {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes().nullable()
  }
})

export const rangeAssignor = 'range'

export function encodeSubscription (topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(versionWritten)
  encode(subscription, 0, writer, { topics: [...topics], userData: null })
  return writer.buf.subarray(0, writer.at)
}

export function decodeSubscription (data: Buffer): string[] {
  const reader = new Reader(data)
  reader.int16()
  return decode(subscription, 0, reader).topics
}

export function encodeAssignment (partitions: readonly TopicPartition[]): Buffer {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const list = topics.get(topic) ?? []
    topics.set(topic, list)
    list.push(partition)
  }
  const writer = new Writer()
  writer.int16(versionWritten)
  encode(assignment, 0, writer, {
    assignedPartitions: [...topics].map(([topic, partitions]) => ({ topic, partitions })), userData: null
  })
  return writer.buf.subarray(0, writer.at)
}

export function decodeAssignment (data: Buffer): TopicPartition[] {
  if (data.length === 0) return [] // a member that got nothing
  const reader = new Reader(data)
  reader.int16()
  return decode(assignment, 0, reader).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map(partition => ({ topic, partition })))
}

export interface Subscriber {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** Topic by topic: members in the order of their ids, each a run of neighbours, the first ones one more. */
export function assignRanges (
  members: readonly Subscriber[], partitionsOf: (topic: string) => number
): Map<string, TopicPartition[]> {
  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]))
  const topics = new Set(members.flatMap(({ topics }) => topics))
  for (const topic of [...topics].sort()) {
    const own = members.filter(member => member.topics.includes(topic))
      .sort((a, b) => a.memberId < b.memberId ? -1 : 1)
    const count = partitionsOf(topic)
    let partition = 0
    own.forEach(({ memberId }, index) => {
      const share = Math.floor(count / own.length) + (index < count % own.length ? 1 : 0)
      for (const end = partition + share; partition < end; partition++) {
        assigned.get(memberId)!.push({ topic, partition })
      }
    })
  }
  return assigned
}
