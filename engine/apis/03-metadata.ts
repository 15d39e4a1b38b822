// Metadata, v0–v13. Where the brokers are, which topics there are, who leads their partitions.
//   v0  an empty list asks for all topics, later null does      v10 ids in the answer      v12 asking by id
// A topic that is missing is created before the answer, so that clients which give up on an unknown topic
// find it. Versions below 4 cannot say whether they want that; they are told as Kafka tells them, unknown for
// now, and ask again. So is whoever asks first after the topic was deleted: a client that never hears that
// it was gone keeps its old positions in the new one.
// Ids win: a request that names one id is answered by ids alone.
import { isCatalogError, type NewTopic, type PartitionInfo, type TopicInfo } from '../catalog/catalog.ts'
import { internalTopic } from '../catalog/internal-topics.ts'
import { isInternalTopic, problemWithName } from '../catalog/topic-rules.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type Metadata, type MetadataRequest, type MetadataResponse
} from '../protocol/messages/03-metadata.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import {
  advertisedBrokers, operationsNotAsked, permittedOnCluster, permittedOnTopic
} from './cluster-view.ts'
import { type Handler, type RequestContext } from './context.ts'

type TopicAnswer = MetadataResponse['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

const idsAnsweredSince = 12
const creationChosenSince = 4

export const metadata: Handler<typeof Metadata> = async (request, context) => {
  const { catalog, version, listener } = context
  const refused = refusal(request, version)
  if (refused !== null) return refuse(request, refused)
  const brokers = advertisedBrokers(catalog, listener)
  const reachable = new Set(brokers.map(broker => broker.id))
  return {
    throttleTimeMs: 0,
    brokers: brokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: catalog.clusterId,
    controllerId: catalog.controllerId,
    topics: await answerTopics(request, context, reachable),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? permittedOnCluster(context)
      : operationsNotAsked,
    errorCode: errorCodes.NONE
  }
}

/** The error for the whole request, null for none. A topic without name and id breaks Kafka's handler: so its
 *  code. */
function refusal ({ topics }: MetadataRequest, version: number): number | null {
  if (topics === null) return null
  if (version < idsAnsweredSince) {
    const wrong = topics.some(({ name, topicId }) => name === null || topicId !== zeroUuid)
    return wrong ? errorCodes.INVALID_REQUEST : null
  }
  const byId = topics.some(({ topicId }) => topicId !== zeroUuid)
  return !byId && topics.some(({ name }) => name === null) ? errorCodes.UNKNOWN_SERVER_ERROR : null
}

function refuse ({ topics }: MetadataRequest, errorCode: number): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: [],
    clusterId: null,
    controllerId: -1,
    topics: topics!.map(({ name, topicId }) => failed(name ?? '', topicId, errorCode)),
    clusterAuthorizedOperations: operationsNotAsked,
    errorCode: errorCodes.NONE
  }
}

async function answerTopics (
  request: MetadataRequest, context: RequestContext, reachable: ReadonlySet<number>
): Promise<TopicAnswer[]> {
  const { topics } = request
  const { catalog, version } = context
  const describable = (name: string) => context.authorize('DESCRIBE', { topic: name })
  const answer = (topic: TopicInfo) => answerTopic(topic, request, context, reachable)
  if (topics === null || (topics.length === 0 && version === 0)) {
    return [...catalog.topics()].filter(topic => describable(topic.name)).map(answer)
  }
  const ids = new Set(topics.map(({ topicId }) => topicId).filter(id => id !== zeroUuid))
  if (ids.size > 0) {
    return [...ids].map(id => {
      const topic = catalog.topicById(id)
      if (topic === undefined) return failed(null, id, errorCodes.UNKNOWN_TOPIC_ID)
      return describable(topic.name) ? answer(topic) : failed(null, id, errorCodes.TOPIC_AUTHORIZATION_FAILED)
    })
  }
  const names = [...new Set(topics.map(({ name }) => name!))]
  return Promise.all(names.map(name => {
    if (!describable(name)) return failed(name, zeroUuid, errorCodes.TOPIC_AUTHORIZATION_FAILED)
    const topic = catalog.topic(name)
    return topic === undefined ? answerMissing(name, request, context, reachable) : answer(topic)
  }))
}

async function answerMissing (
  name: string, request: MetadataRequest, context: RequestContext, reachable: ReadonlySet<number>
): Promise<TopicAnswer> {
  const unknown = (errorCode: number) => {
    const answer = failed(name, zeroUuid, errorCode)
    return request.includeTopicAuthorizedOperations
      ? { ...answer, topicAuthorizedOperations: permittedOnTopic(context, name) }
      : answer
  }
  const problem = problemWithName(name)
  if (problem !== null) return unknown(problem.errorCode)
  const { catalog, config } = context
  if (!request.allowAutoTopicCreation || !config.boolean('auto.create.topics.enable')) {
    return unknown(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  }
  if (!context.authorize('CREATE', { cluster: true }) && !context.authorize('CREATE', { topic: name })) {
    return failed(name, zeroUuid, errorCodes.TOPIC_AUTHORIZATION_FAILED)
  }
  const tellUnknown = context.version < creationChosenSince || catalog.wasDeleted?.(name) === true
  const created = await catalog.createTopic(internalTopic(config, name) ?? plainTopic(name), false)
  if (tellUnknown) return unknown(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  const topic = isCatalogError(created) ? catalog.topic(name) : created // another request may have been first
  return topic === undefined && isCatalogError(created)
    ? unknown(created.errorCode)
    : answerTopic(topic!, request, context, reachable)
}

function plainTopic (name: string): NewTopic {
  return { name, partitions: -1, replicationFactor: -1, assignments: [], config: new Map() }
}

function answerTopic (
  topic: TopicInfo, request: MetadataRequest, context: RequestContext, reachable: ReadonlySet<number>
): TopicAnswer {
  return {
    errorCode: errorCodes.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map(partition => answerPartition(topic, partition, context, reachable)),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations
      ? permittedOnTopic(context, topic.name)
      : operationsNotAsked
  }
}

function answerPartition (
  topic: TopicInfo, partition: PartitionInfo, context: RequestContext, reachable: ReadonlySet<number>
): PartitionAnswer {
  const hosted = context.partitions.find(topic.name, partition.index)
  const broken = hosted?.errorCode === errorCodes.KAFKA_STORAGE_ERROR
  const leaderId = broken && partition.leader === context.brokerId ? -1 : partition.leader
  const known = leaderId >= 0 && reachable.has(leaderId)
  return {
    errorCode: known ? errorCodes.NONE : withoutLeader(leaderId, context.version),
    partitionIndex: partition.index,
    leaderId: known ? leaderId : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [...partition.replicas],
    isrNodes: [...partition.isr],
    offlineReplicas: broken ? [context.brokerId] : []
  }
}

/** Since v6 a client can tell a leader that its listener does not know from none at all. */
function withoutLeader (leaderId: number, version: number): number {
  return leaderId >= 0 && version >= 6 ? errorCodes.LISTENER_NOT_FOUND : errorCodes.LEADER_NOT_AVAILABLE
}

function failed (name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return {
    errorCode,
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: operationsNotAsked
  }
}
