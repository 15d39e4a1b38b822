// For tests of the metadata and settings APIs: a catalog in memory, and calls of a handler as a client of
// some version makes them.
import { MemoryDisk } from '../base/disk-memory.ts'
import { silentLogger } from '../base/logger.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { type EmbeddedCatalog, openEmbeddedCatalog } from '../catalog/embedded-catalog.ts'
import { createProducerIds } from '../catalog/producer-ids.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { make } from '../protocol/schema.ts'
import { type Operation, type RequestContext, type Resource } from './context.ts'

export interface World {
  catalog: EmbeddedCatalog
  context: RequestContext
  /** What clients may not do: "CREATE topic", "DESCRIBE cluster" ... */
  denied: Set<string>
  create (name: string, partitions?: number, config?: Record<string, string>): Promise<void>
}

export function newWorld (overrides: Record<string, string> = {}): World {
  const config = loadBrokerConfig({ overrides: { 'node.id': '3', ...overrides } })
  const catalog = openEmbeddedCatalog({
    disk: new MemoryDisk(), directory: '/data', random: new SeededRandom(3), brokerId: 3, config
  })
  catalog.begin([])
  catalog.setEndpoints([
    { listener: 'PLAINTEXT', host: 'inside', port: 1111, securityProtocol: 'PLAINTEXT' },
    { listener: 'OUTSIDE', host: 'outside', port: 2222, securityProtocol: 'PLAINTEXT' }
  ])
  const denied = new Set<string>()
  const authorize = (operation: Operation, resource: Resource) =>
    !denied.has(`${operation} ${Object.keys(resource)[0]}`)
  const context = {
    brokerId: 3,
    config,
    logger: silentLogger,
    catalog,
    partitions: { find: () => undefined },
    producerIds: createProducerIds(catalog),
    version: 0,
    listener: 'PLAINTEXT',
    clientAddress: '127.0.0.1:5',
    authorize
  } as unknown as RequestContext
  return {
    catalog,
    context,
    denied,
    async create (name, partitions = 1, settings = {}) {
      await catalog.createTopic({
        name, partitions, replicationFactor: 1, assignments: [], config: new Map(Object.entries(settings))
      }, false)
    }
  }
}

/** Calls a handler with a request that has defaults for what is not given. */
export async function call (
  world: World, api: { request: unknown }, handler: (request: any, context: RequestContext) => unknown,
  version: number, request: object, change: Partial<RequestContext> = {}
): Promise<any> {
  const full = make(api.request as Parameters<typeof make>[0], request as never)
  return await handler(full, { ...world.context, ...change, version })
}
