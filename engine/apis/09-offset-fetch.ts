// OffsetFetch, v1–v10. What OffsetCommit stored. Who never committed gets offset -1 and no error, whether
// the topic or the group exists or not.
//   v1  no error for the whole: each partition carries it      v2  null asks for all topics
//   v8  several groups
//   v10 topic ids: an unknown one is an error, and of "all topics" those that are gone are left out
import { type CommittedOffsets } from '../groups/groups.ts'
import { type CommittedOffset } from '../groups/offsets.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type OffsetFetch, type OffsetFetchRequest, type OffsetFetchResponse
} from '../protocol/messages/09-offset-fetch.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type Handler, type RequestContext } from './context.ts'

type AskedGroup = OffsetFetchRequest['groups'][number]
type AskedTopic = NonNullable<AskedGroup['topics']>[number]
type AnsweredGroup = OffsetFetchResponse['groups'][number]
type AnsweredTopic = AnsweredGroup['topics'][number]
type AnsweredPartition = AnsweredTopic['partitions'][number]

export const offsetFetch: Handler<typeof OffsetFetch> = (request, context) => {
  if (context.version >= 8) {
    const groups = request.groups.map(group => fetchGroup(group, context))
    return { throttleTimeMs: 0, topics: [], errorCode: errorCodes.NONE, groups }
  }
  const topics = request.topics?.map(topic => ({ ...topic, topicId: zeroUuid })) ?? null
  const group = fetchGroup({ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }, context)
  return { throttleTimeMs: 0, topics: group.topics, errorCode: group.errorCode, groups: [] }
}

function fetchGroup (asked: AskedGroup, context: RequestContext): AnsweredGroup {
  if (!context.authorize('DESCRIBE', { group: asked.groupId })) {
    return groupError(asked, errorCodes.GROUP_AUTHORIZATION_FAILED, context.version)
  }
  const offsets = context.groups.offsetsOf(asked.groupId)
  if (typeof offsets === 'number') return groupError(asked, offsets, context.version)
  const topics = asked.topics === null
    ? allTopics(offsets, context)
    : asked.topics.map(topic => fetchTopic(topic, offsets, context))
  return { groupId: asked.groupId, errorCode: errorCodes.NONE, topics }
}

function groupError ({ groupId, topics }: AskedGroup, errorCode: number, version: number): AnsweredGroup {
  const told = version >= 2 || topics === null ? [] : topics.map(topic => topicError(topic, errorCode))
  return { groupId, errorCode, topics: told }
}

function topicError ({ name, topicId, partitionIndexes }: AskedTopic, errorCode: number): AnsweredTopic {
  const partitions = partitionIndexes.map(index => answerOf(index, undefined, errorCode))
  return { name, topicId, partitions }
}

function fetchTopic (asked: AskedTopic, offsets: CommittedOffsets, context: RequestContext): AnsweredTopic {
  const name = context.version >= 10 ? context.catalog.topicById(asked.topicId)?.name : asked.name
  if (name === undefined) return topicError(asked, errorCodes.UNKNOWN_TOPIC_ID)
  if (!context.authorize('DESCRIBE', { topic: name })) {
    return topicError(asked, errorCodes.TOPIC_AUTHORIZATION_FAILED)
  }
  const partitions = asked.partitionIndexes.map(index =>
    answerOf(index, offsets.get(name, index), errorCodes.NONE))
  return { name, topicId: asked.topicId, partitions }
}

function allTopics (offsets: CommittedOffsets, context: RequestContext): AnsweredTopic[] {
  const { authorize, catalog, version } = context
  const answered: AnsweredTopic[] = []
  for (const [name, partitions] of offsets.topics()) {
    const topicId = catalog.topic(name)?.id
    if (!authorize('DESCRIBE', { topic: name }) || (version >= 10 && topicId === undefined)) continue
    answered.push({
      name,
      topicId: topicId ?? zeroUuid,
      partitions: [...partitions].map(([index, committed]) => answerOf(index, committed, errorCodes.NONE))
    })
  }
  return answered
}

function answerOf (
  partitionIndex: number, committed: CommittedOffset | undefined, errorCode: number
): AnsweredPartition {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode
  }
}
