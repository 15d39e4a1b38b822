// What goes on beside the steady producer: each on a topic of its own that it fills before every round.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster } from '../../engine/client/cluster.ts'
import { errorCodes, errorName } from '../../engine/protocol/errors.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { IncrementalAlterConfigs } from '../../engine/protocol/messages/44-incremental-alter-configs.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import { make } from '../../engine/protocol/schema.ts'
import { bytesReadBy } from '../daemon.ts'
import { fill } from '../fill.ts'
import { createTopic } from '../load/broker.ts'
import { type BuiltBatch } from '../load/frames.ts'

export interface Site {
  readonly cluster: Cluster
  readonly port: number
  readonly pid: number
  readonly folder: string
}

export interface Disturbance {
  readonly name: string
  /** One partition each. */
  readonly topic: string
  /** Once. */
  make (site: Site): Promise<void>
  /** Before every round, unmeasured. */
  prepare (site: Site): Promise<void>
  /** Goes on when this returns. What it returns ends it and says what was done. */
  begin (site: Site, seconds: number): Promise<() => Promise<string>>
}

const topicResource = 2
const load = join(import.meta.dirname, '../load/main.ts')

/** Keyed, so that a compacted topic takes them: `keys` different ones, the same again in every batch. */
export function keyedBatch (records: number, valueBytes: number, keys = records): BuiltBatch {
  const timestamp = Date.now()
  const all = Array.from({ length: records }, (_, n) =>
    ({ key: Buffer.from(`key-${n % keys}`), value: Buffer.alloc(valueBytes, `value ${n} `), timestamp }))
  return { bytes: Buffer.from(buildBatch({}, all)), records }
}

const filler = keyedBatch(130, 100)

async function makeTopic ({ cluster }: Site, name: string, settings: Record<string, string>): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const request = make(CreateTopics.request, {
    topics: [{ name, numPartitions: 1, replicationFactor: -1, assignments: [], configs }], timeoutMs: 30_000
  })
  const { topics: [{ errorCode }] } = await cluster.ask(CreateTopics, request, () => cluster.controller())
  if (errorCode !== errorCodes.NONE) throw new Error(`${name} was not made: ${errorName(errorCode)}`)
  // It is there: this waits until it serves.
  await createTopic(cluster, name, 1)
}

async function set ({ cluster }: Site, topic: string, settings: Record<string, string>): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: 0, value }))
  const request = make(IncrementalAlterConfigs.request, {
    resources: [{ resourceType: topicResource, resourceName: topic, configs }]
  })
  const { responses: [{ errorCode }] } =
    await cluster.ask(IncrementalAlterConfigs, request, () => cluster.controller())
  if (errorCode !== errorCodes.NONE) throw new Error(`${topic} was not configured: ${errorName(errorCode)}`)
}

function segmentsOf ({ folder }: Site, topic: string): string[] {
  const path = join(folder, `${topic}-0`)
  return readdirSync(path).filter(name => name.endsWith('.log')).map(name => join(path, name))
}

/** What was written reaches the device now, not while something is measured; then the cache lets go of it. */
function settle (site: Site, topic: string): void {
  for (const path of segmentsOf(site, topic)) {
    spawnSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'])
    spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'])
  }
}

/** The topic as it is to be, full of records again. */
async function refill (
  site: Site, topic: string, settings: Record<string, string>, bytes: number
): Promise<void> {
  await set(site, topic, settings)
  await fill({ port: site.port, topic, partitions: 1, batch: filler }, bytes)
  settle(site, topic)
}

/** `nice`: the priority of the one who reads. */
export function historyRead (bytes: number, nice: number): Disturbance {
  const topic = 'history'
  return {
    name: 'history read',
    topic,
    async make (site) {
      await makeTopic(site, topic, {})
      await fill({ port: site.port, topic, partitions: 1, batch: filler }, bytes)
    },
    async prepare (site) { settle(site, topic) },
    async begin ({ port, pid }, seconds) {
      const options = ['--mode=consume', `--bootstrap-server=127.0.0.1:${port}`, `--pid=${pid}`, `--topic=${topic}`,
        '--partitions=1', '--consumers=1', '--fill-bytes=0', '--warmup=0', `--seconds=${seconds}`, '--json']
      const child = spawn(process.execPath, [load, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
      setPriority(child.pid!, nice)
      let out = ''
      child.stdout.on('data', chunk => { out += chunk })
      const ended = once(child, 'close')
      // It has to start first.
      await sleep(400)
      return async () => {
        await ended
        const { consumed } = JSON.parse(out) as { consumed: { megabytesPerSecond: number } }
        return `read at ${consumed.megabytesPerSecond.toFixed(0)} MB/s`
      }
    }
  }
}

export function compaction (bytes: number): Disturbance {
  const topic = 'compacted'
  return {
    name: 'compaction',
    topic,
    make: site => makeTopic(site, topic, {
      'cleanup.policy': 'delete', 'segment.bytes': String(Math.max(2 ** 20, Math.ceil(bytes / 32)))
    }),
    prepare: site => refill(site, topic, { 'cleanup.policy': 'delete' }, bytes),
    async begin (site) {
      const [segments, readBefore] = [segmentsOf(site, topic).length, bytesReadBy(site.pid)]
      await set(site, topic, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
      return async () => {
        const readBytes = bytesReadBy(site.pid) - readBefore
        return `${segments} segments to ${segmentsOf(site, topic).length}, ${(readBytes / 1e6).toFixed(0)} MB read`
      }
    }
  }
}

export function retentionSweep (bytes: number): Disturbance {
  const topic = 'swept'
  return {
    name: 'retention sweep',
    topic,
    make: site => makeTopic(site, topic, {
      'segment.bytes': String(Math.max(2 ** 20, Math.ceil(bytes / 256))), 'file.delete.delay.ms': '500'
    }),
    prepare: site => refill(site, topic, { 'retention.bytes': '-1' }, bytes),
    async begin (site) {
      const before = segmentsOf(site, topic).length
      await set(site, topic, { 'retention.bytes': '1' })
      return async () => `${before} segments to ${segmentsOf(site, topic).length}`
    }
  }
}
