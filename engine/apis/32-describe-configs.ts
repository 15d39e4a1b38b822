// DescribeConfigs, v1–v4. Settings of topics, this broker, the cluster's defaults, groups and telemetry
// subscriptions.
//   v1  synonyms      v3  types and documentation
// One unknown resource type spoils the whole request. A success carries an empty message, as Kafka's does.
import { type CatalogError } from '../catalog/catalog.ts'
import {
  type ConfigEntry, describeBroker, describeBrokerDefaults, describeClientMetrics, describeGroup,
  describeTopic
} from '../catalog/describe-config.ts'
import { failure, problemWithName } from '../catalog/topic-rules.ts'
import { errorCodes, errorText } from '../protocol/errors.ts'
import {
  type DescribeConfigs, type DescribeConfigsRequest, type DescribeConfigsResponse
} from '../protocol/messages/32-describe-configs.ts'
import { isResourceType, problemWithBrokerName, refusalFor, resourceTypes } from './config-resources.ts'
import { type Handler, type RequestContext } from './context.ts'

type Asked = DescribeConfigsRequest['resources'][number]
type Answer = DescribeConfigsResponse['results'][number]

export const describeConfigs: Handler<typeof DescribeConfigs> = (request, context) => {
  const stranger = request.resources.find(({ resourceType }) => !isResourceType(resourceType))
  const spoilt = stranger && failure('INVALID_REQUEST',
    `Unexpected resource type ${stranger.resourceType} for resource ${stranger.resourceName}`)
  const results = request.resources.map(resource => {
    const found = spoilt ?? describe(resource, context)
    return Array.isArray(found)
      ? answer(resource, errorCodes.NONE, '', found.map(entry => shown(entry, request)))
      : answer(resource, found.errorCode, found.message, [])
  })
  return { throttleTimeMs: 0, results }
}

function describe (resource: Asked, context: RequestContext): ConfigEntry[] | CatalogError {
  const { resourceType: type, resourceName: name, configurationKeys: keys } = resource
  const { catalog, config } = context
  const refused = refusalFor('DESCRIBE_CONFIGS', type, name, context)
  if (refused !== errorCodes.NONE) return { errorCode: refused, message: errorText(refused) }
  switch (type) {
    case resourceTypes.topic: {
      const topic = catalog.topic(name)
      if (topic !== undefined) return describeTopic(config, topic.config, keys)
      return problemWithName(name) ?? failure('UNKNOWN_TOPIC_OR_PARTITION', '')
    }
    case resourceTypes.broker: {
      if (name === '') return describeBrokerDefaults(config, catalog.dynamicBrokerConfig(''), keys)
      const problem = problemWithBrokerName(name, context.brokerId)
      return problem === null ? describeBroker(config, keys) : failure('INVALID_REQUEST', problem)
    }
    case resourceTypes.group:
      if (name === '') return failure('INVALID_REQUEST', 'Group name must not be empty')
      return describeGroup(config, catalog.resourceConfig?.('group', name) ?? new Map(), keys)
    case resourceTypes.clientMetrics:
      if (name === '') return failure('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
      return describeClientMetrics(catalog.resourceConfig?.('client-metrics', name) ?? new Map(), keys)
    default:
      return failure('INVALID_REQUEST', 'The levels of single loggers cannot be asked for')
  }
}

function shown (
  entry: ConfigEntry, { includeSynonyms, includeDocumentation }: DescribeConfigsRequest
): ConfigEntry {
  return {
    ...entry,
    synonyms: includeSynonyms ? entry.synonyms : [],
    documentation: includeDocumentation ? entry.documentation : null
  }
}

function answer (
  resource: Asked, errorCode: number, errorMessage: string | null, configs: ConfigEntry[]
): Answer {
  return {
    errorCode,
    errorMessage,
    resourceType: resource.resourceType,
    resourceName: resource.resourceName,
    configs
  }
}
