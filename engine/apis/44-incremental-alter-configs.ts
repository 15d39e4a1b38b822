// IncrementalAlterConfigs, v0–v1. Sets, deletes, appends to and subtracts from single settings; all of a
// resource's changes count, or none. A resource named twice is not changed at all.
import { type Catalog, type CatalogError, type ConfigOp } from '../catalog/catalog.ts'
import { failure } from '../catalog/topic-rules.ts'
import { errorCodes, errorText } from '../protocol/errors.ts'
import {
  type IncrementalAlterConfigs, type IncrementalAlterConfigsRequest
} from '../protocol/messages/44-incremental-alter-configs.ts'
import { isResourceType, problemWithBrokerName, refusalFor, resourceTypes } from './config-resources.ts'
import { type Handler, type RequestContext } from './context.ts'

type Asked = IncrementalAlterConfigsRequest['resources'][number]

const operations: readonly ConfigOp['op'][] = ['set', 'delete', 'append', 'subtract']

export const incrementalAlterConfigs: Handler<typeof IncrementalAlterConfigs> = async (request, context) => {
  const { resources, validateOnly } = request
  const count = new Map<string, number>()
  for (const resource of resources) count.set(keyOf(resource), (count.get(keyOf(resource)) ?? 0) + 1)
  const responses = await Promise.all(resources.map(async resource => {
    const error = count.get(keyOf(resource))! > 1
      ? failure('INVALID_REQUEST', 'Each resource must appear at most once.')
      : problemWithRequest(resource, context) ?? await alter(resource, validateOnly, context)
    return {
      errorCode: error?.errorCode ?? errorCodes.NONE,
      errorMessage: error?.message ?? null,
      resourceType: resource.resourceType,
      resourceName: resource.resourceName
    }
  }))
  return { throttleTimeMs: 0, responses }
}

function keyOf ({ resourceType, resourceName }: Asked): string {
  return `${resourceType} ${resourceName}`
}

function problemWithRequest (resource: Asked, context: RequestContext): CatalogError | null {
  const { resourceType: type, resourceName: name, configs } = resource
  const wrong = (message: string) => failure('INVALID_REQUEST', message)
  if (new Set(configs.map(config => config.name)).size < configs.length) {
    return wrong('Error due to duplicate config keys')
  }
  const nulls = configs.filter(config =>
    config.value === null && operations[config.configOperation] !== 'delete')
  if (nulls.length > 0) {
    return wrong(`Null value not supported for : ${nulls.map(config => config.name).join(', ')}`)
  }
  if (!isResourceType(type)) return wrong(`Unknown resource type ${type}`)
  if (type === resourceTypes.brokerLogger) return wrong('The levels of single loggers cannot be changed')
  if (type === resourceTypes.broker && name !== '') {
    const problem = problemWithBrokerName(name, context.brokerId)
    if (problem !== null) return wrong(problem)
  }
  const refused = refusalFor('ALTER_CONFIGS', type, name, context)
  if (refused !== errorCodes.NONE) return { errorCode: refused, message: errorText(refused) }
  const stranger = configs.find(({ configOperation }) => operations[configOperation] === undefined)
  if (stranger === undefined) return null
  // Kafka looks at a broker's operations itself; those of others break its controller.
  return type === resourceTypes.broker
    ? wrong(`Unknown operations type ${stranger.configOperation}`)
    : failure('UNKNOWN_SERVER_ERROR', null)
}

async function alter (
  resource: Asked, validateOnly: boolean, { catalog, brokerId }: RequestContext
): Promise<CatalogError | null> {
  const { resourceType: type, resourceName: name } = resource
  const ops = resource.configs.map(({ name, configOperation, value }): ConfigOp =>
    ({ name, op: operations[configOperation], value }))
  switch (type) {
    case resourceTypes.topic: return catalog.alterTopicConfig(name, ops, validateOnly)
    case resourceTypes.broker:
      return catalog.alterBrokerConfig(name === '' ? '' : String(brokerId), ops, validateOnly)
    case resourceTypes.group: return alterOther(catalog, 'group', name, ops, validateOnly)
    default: return alterOther(catalog, 'client-metrics', name, ops, validateOnly)
  }
}

async function alterOther (
  catalog: Catalog, kind: 'group' | 'client-metrics', name: string, ops: readonly ConfigOp[],
  validateOnly: boolean
): Promise<CatalogError | null> {
  if (catalog.alterResourceConfig === undefined) {
    return failure('INVALID_REQUEST', `No settings of a ${kind} are kept here`)
  }
  return catalog.alterResourceConfig(kind, name, ops, validateOnly)
}
