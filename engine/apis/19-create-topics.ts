// CreateTopics, v2–v7. Creates topics, or only checks whether it could.
//   v5  the answer tells partitions, replicas and settings      v7  the topic's id
// A created topic serves when the answer leaves. Topics named twice in one request are not created at all.
import { type CatalogError, isCatalogError, type NewTopic, type TopicInfo } from '../catalog/catalog.ts'
import { describeTopic } from '../catalog/describe-config.ts'
import { failure, partitionsMax } from '../catalog/topic-rules.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type CreateTopics, type CreateTopicsRequest, type CreateTopicsResponse
} from '../protocol/messages/19-create-topics.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type Handler, type RequestContext } from './context.ts'

type Asked = CreateTopicsRequest['topics'][number]
type Answer = CreateTopicsResponse['topics'][number]

/** Where Kafka's controllers keep their log: never a topic for clients. */
const controllerTopic = '__cluster_metadata'

export const createTopics: Handler<typeof CreateTopics> = async (request, context) => {
  const { catalog } = context
  const seen = new Set<string>()
  const doubled = new Set<string>()
  for (const { name } of request.topics) (seen.has(name) ? doubled : seen).add(name)
  const tooMany = partitionsAsked(request, context) > partitionsMax
    ? failure('POLICY_VIOLATION', `More than ${partitionsMax} partitions in one request`)
    : null
  const results = [...seen].map(async (name): Promise<Answer> => {
    if (doubled.has(name)) return failed(name, failure('INVALID_REQUEST', 'Duplicate topic name.'))
    if (tooMany !== null) return failed(name, tooMany)
    if (!mayCreate(name, context)) {
      return failed(name, failure('TOPIC_AUTHORIZATION_FAILED', 'Authorization failed.'))
    }
    const asked = request.topics.find(topic => topic.name === name)!
    const topic = await catalog.createTopic(newTopic(asked), request.validateOnly)
    return isCatalogError(topic) ? failed(name, topic) : created(topic, context)
  })
  return { throttleTimeMs: 0, topics: await Promise.all(results) }
}

function partitionsAsked ({ topics }: CreateTopicsRequest, { config }: RequestContext): number {
  const standard = config.number('num.partitions')
  let sum = 0
  for (const { assignments, numPartitions } of topics) {
    if (assignments.length > 0) sum += assignments.length
    else sum += numPartitions === -1 ? standard : Math.max(0, numPartitions)
  }
  return sum
}

function mayCreate (name: string, { authorize }: RequestContext): boolean {
  return name !== controllerTopic && (authorize('CREATE', { cluster: true }) || authorize('CREATE', { topic: name }))
}

function newTopic ({ name, numPartitions, replicationFactor, assignments, configs }: Asked): NewTopic {
  return {
    name,
    partitions: numPartitions,
    replicationFactor,
    assignments,
    config: new Map(configs.map(config => [config.name, config.value]))
  }
}

function created (topic: TopicInfo, { authorize, config }: RequestContext): Answer {
  const mayDescribe = authorize('DESCRIBE_CONFIGS', { topic: topic.name })
  return {
    name: topic.name,
    topicId: topic.id,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    topicConfigErrorCode: mayDescribe ? errorCodes.NONE : errorCodes.TOPIC_AUTHORIZATION_FAILED,
    numPartitions: mayDescribe ? topic.partitions.length : -1,
    replicationFactor: mayDescribe ? topic.partitions[0].replicas.length : -1,
    configs: mayDescribe ? describeTopic(config, topic.config, null) : null
  }
}

function failed (name: string, { errorCode, message }: CatalogError): Answer {
  return {
    name,
    topicId: zeroUuid,
    errorCode,
    errorMessage: message,
    topicConfigErrorCode: errorCodes.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: []
  }
}
