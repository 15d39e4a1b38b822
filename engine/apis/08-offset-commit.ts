// OffsetCommit, v2–v10. How far a group has read. Topics and partitions that do not exist are sorted out
// here; whether the group and the member may commit is for the coordinator to say, and then holds for all
// the others alike.
//   v2–v4 the client may say how long to keep it      v6  leader epoch      v7  static members
//   v9  unknown groups have an error of their own      v10 topic ids instead of names
import { type PartitionCommit } from '../groups/group-events.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type OffsetCommit, type OffsetCommitRequest, type OffsetCommitResponse
} from '../protocol/messages/08-offset-commit.ts'
import { type Handler, type RequestContext } from './context.ts'

type AskedTopic = OffsetCommitRequest['topics'][number]
type AskedPartition = AskedTopic['partitions'][number]
type AnsweredTopic = OffsetCommitResponse['topics'][number]

export const offsetCommit: Handler<typeof OffsetCommit> = async (request, context) => {
  const { version } = context
  if (!context.authorize('READ', { group: request.groupId })) {
    return answer(request, () => errorCodes.GROUP_AUTHORIZATION_FAILED)
  }
  const errors = new Map<AskedPartition, number>()
  const asked: AskedPartition[] = []
  const partitions: PartitionCommit[] = []
  for (const topic of request.topics) {
    const name = version >= 10 ? context.catalog.topicById(topic.topicId)?.name : topic.name
    for (const partition of topic.partitions) {
      const code = name === undefined ? errorCodes.UNKNOWN_TOPIC_ID : partitionError(name, partition, context)
      if (code !== errorCodes.NONE || name === undefined) {
        errors.set(partition, code)
        continue
      }
      asked.push(partition)
      partitions.push(commitOf(name, context.catalog.topic(name)?.id ?? topic.topicId, partition))
    }
  }
  if (partitions.length > 0) {
    const result = await context.groups.commit({
      group: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      retentionMs: request.retentionTimeMs,
      tellsUnknownGroup: version >= 9,
      partitions
    })
    const { errorCode, partitionErrors } = result
    asked.forEach((partition, index) => {
      errors.set(partition, errorCode === errorCodes.NONE ? partitionErrors[index] : errorCode)
    })
  }
  const answered = answer(request, partition => errors.get(partition) ?? errorCodes.NONE)
  return asked.length === errors.size ? answered : { ...answered, topics: merged(answered.topics) }
}

function partitionError (
  name: string, { partitionIndex }: AskedPartition, { authorize, catalog }: RequestContext
): number {
  if (!authorize('READ', { topic: name })) return errorCodes.TOPIC_AUTHORIZATION_FAILED
  return catalog.topic(name)?.partitions[partitionIndex] === undefined
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.NONE
}

/** Where some were sorted out, Kafka names a topic that came twice once. */
function merged (topics: AnsweredTopic[]): AnsweredTopic[] {
  const once = new Map<string, AnsweredTopic>()
  for (const topic of topics) {
    const key = `${topic.name} ${topic.topicId}`
    const first = once.get(key)
    if (first === undefined) once.set(key, topic)
    else first.partitions.push(...topic.partitions)
  }
  return [...once.values()]
}

function commitOf (topic: string, topicId: string, partition: AskedPartition): PartitionCommit {
  return {
    topic,
    topicId,
    partition: partition.partitionIndex,
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata
  }
}

function answer (request: OffsetCommitRequest, errorOf: (partition: AskedPartition) => number) {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(topic => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.map(partition => ({
        partitionIndex: partition.partitionIndex, errorCode: errorOf(partition)
      }))
    }))
  }
}
