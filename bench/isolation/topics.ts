// Topics of one partition, their settings, and what lies of them on disk.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster } from '../../engine/client/cluster.ts'
import { errorCodes, errorName } from '../../engine/protocol/errors.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { IncrementalAlterConfigs } from '../../engine/protocol/messages/44-incremental-alter-configs.ts'
import { make } from '../../engine/protocol/schema.ts'
import { fill } from '../fill.ts'
import { createTopic } from '../load/broker.ts'
import { keyedBatch } from './batches.ts'

export interface Site {
  readonly cluster: Cluster
  readonly port: number
  readonly pid: number
  readonly folder: string
}

const topicResource = 2
const filler = keyedBatch(130, 100)

export async function makeTopic (
  { cluster }: Site, name: string, settings: Record<string, string> = {}
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const request = make(CreateTopics.request, {
    topics: [{ name, numPartitions: 1, replicationFactor: -1, assignments: [], configs }], timeoutMs: 30_000
  })
  const { topics: [{ errorCode }] } = await cluster.ask(CreateTopics, request, () => cluster.controller())
  if (errorCode !== errorCodes.NONE) throw new Error(`${name} was not made: ${errorName(errorCode)}`)
  // It is there: this waits until it serves.
  await createTopic(cluster, name, 1)
}

export async function set (
  { cluster }: Site, topic: string, settings: Record<string, string>
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: 0, value }))
  const request = make(IncrementalAlterConfigs.request, {
    resources: [{ resourceType: topicResource, resourceName: topic, configs }]
  })
  const { responses: [{ errorCode }] } =
    await cluster.ask(IncrementalAlterConfigs, request, () => cluster.controller())
  if (errorCode !== errorCodes.NONE) throw new Error(`${topic} was not configured: ${errorName(errorCode)}`)
}

export function fillTopic ({ port }: Site, topic: string, bytes: number): Promise<void> {
  return fill({ port, topic, partitions: 1, batch: filler }, bytes)
}

export function segmentsOf ({ folder }: Site, topic: string): string[] {
  const path = join(folder, `${topic}-0`)
  return readdirSync(path).filter(name => name.endsWith('.log')).map(name => join(path, name))
}

/** What was written reaches the device now, not while something is measured; then the cache lets go of it. */
export function settle (site: Site, topic: string): void {
  for (const path of segmentsOf(site, topic)) {
    spawnSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'])
    letGo(path)
  }
}

/** The page cache lets go of the file. */
export function letGo (path: string): void {
  spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'])
}
