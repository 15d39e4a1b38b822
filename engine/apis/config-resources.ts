// What DescribeConfigs and IncrementalAlterConfigs call a resource.
import { errorCodes } from '../protocol/errors.ts'
import { type Operation, type RequestContext, type Resource } from './context.ts'

export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 }

const known: readonly number[] = Object.values(resourceTypes)

export function isResourceType (type: number): boolean {
  return known.includes(type)
}

/** The error for a client that may not do that to the resource's settings, NONE when it may. */
export function refusalFor (
  operation: Operation, type: number, name: string, context: RequestContext
): number {
  const [resource, refused]: [Resource, number] = type === resourceTypes.topic
    ? [{ topic: name }, errorCodes.TOPIC_AUTHORIZATION_FAILED]
    : type === resourceTypes.group
      ? [{ group: name }, errorCodes.GROUP_AUTHORIZATION_FAILED]
      : [{ cluster: true }, errorCodes.CLUSTER_AUTHORIZATION_FAILED]
  return context.authorize(operation, resource) ? errorCodes.NONE : refused
}

/** null: the name is this broker's id; else what is wrong with it. */
export function problemWithBrokerName (name: string, brokerId: number): string | null {
  if (!/^[+-]?\d+$/.test(name)) return `Broker id must be an integer, but it is: ${name}`
  return Number(name) === brokerId ? null : `Unexpected broker id, expected ${brokerId}, but received ${name}`
}
