// What Metadata and DescribeCluster both tell: brokers as one listener advertises them, and permitted
// operations.
import { type Catalog } from '../catalog/catalog.ts'
import { type Operation, type RequestContext, type Resource } from './context.ts'

export interface AdvertisedBroker { id: number, host: string, port: number, rack: string | null }

/** Brokers that can be reached over the listener the client came in on, at the address that listener
 *  advertises. */
export function advertisedBrokers (catalog: Catalog, listener: string): AdvertisedBroker[] {
  const brokers: AdvertisedBroker[] = []
  for (const { id, rack, endpoints } of catalog.brokers()) {
    const endpoint = endpoints.find(candidate => candidate.listener === listener)
    if (endpoint !== undefined) brokers.push({ id, host: endpoint.host, port: endpoint.port, rack })
  }
  return brokers
}

/** "Nobody asked", where permitted operations are a field. */
export const operationsNotAsked = -2147483648

const operationBits: Record<Operation, number> = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12
}

const topicOperations: readonly Operation[] = [
  'READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'
]
const clusterOperations: readonly Operation[] = [
  'CREATE', 'ALTER', 'DESCRIBE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE'
]

export function permittedOnTopic (context: RequestContext, topic: string): number {
  return permitted(context, topicOperations, { topic })
}

/** 0 for a client that may not even see the cluster. */
export function permittedOnCluster (context: RequestContext): number {
  const resource: Resource = { cluster: true }
  return context.authorize('DESCRIBE', resource) ? permitted(context, clusterOperations, resource) : 0
}

function permitted (context: RequestContext, operations: readonly Operation[], resource: Resource): number {
  let bits = 0
  for (const operation of operations) {
    if (context.authorize(operation, resource)) bits |= 1 << operationBits[operation]
  }
  return bits
}
