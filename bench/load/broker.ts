// The broker under load: started here from dist/ or running already, and what the system says of its process.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { realClock } from '../../engine/base/clock-real.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import { BrokerError, Cluster } from '../../engine/client/cluster.ts'
import { errorCodes } from '../../engine/protocol/errors.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../engine/protocol/messages/20-delete-topics.ts'
import { ListOffsets } from '../../engine/protocol/messages/02-list-offsets.ts'
import { make } from '../../engine/protocol/schema.ts'
import { freePort } from '../peers/ports.ts'

/** To make and delete a topic of thousands of partitions. */
const requestMsMax = 60_000
const retryMs = 20

const root = resolve(import.meta.dirname, '../..')
/** What Linux counts processor time in, on every machine in use. */
const ticksPerSecond = 100

export interface Usage {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly residentBytesMax: number
}

export const noUsage: Usage = { cpuSeconds: 0, residentBytes: 0, residentBytesMax: 0 }

/** Of all threads of a process; pid 0: nothing. */
export function usageOf (pid: number): Usage {
  if (pid === 0) return noUsage
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name may hold blanks
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    residentBytes: kilobytes('VmRSS') * 1024,
    residentBytesMax: kilobytes('VmHWM') * 1024
  }
}

/** From here on the system counts a new maximum of the process's resident memory, where it can. */
export function resetPeak (pid: number): void {
  if (pid === 0) return
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Another user's process, or a kernel without it: the maximum is that of the process's whole life.
  }
}

export interface StartedBroker {
  readonly port: number
  readonly pid: number
  /** Where its topics lie. */
  readonly dataFolder: string
  /** performance.now() at which the process was made. */
  readonly spawnedMs: number
  /** `keep`: its folder, for another to start on. */
  stop (keep?: boolean): Promise<void>
}

export interface Starting {
  readonly dataFolder: string
  readonly overrides: readonly string[]
  /** That of one who was here before; otherwise a new one is made in `dataFolder`. */
  readonly folder?: string
  /** Keep its lines to itself. */
  readonly quiet?: boolean
  /** Return at once; it may not listen yet. */
  readonly atOnce?: boolean
}

/** As an operator would, from dist/; its folder goes when it stops. */
export async function startBroker (
  { dataFolder, overrides, quiet = false, atOnce = false, folder: known }: Starting
): Promise<StartedBroker> {
  const folder = known ?? mkdtempSync(join(dataFolder, 'millrace-load-'))
  const port = await freePort()
  const settings = [`listeners=PLAINTEXT://127.0.0.1:${port}`, `log.dirs=${folder}`, ...overrides]
  const args = [join(root, 'cli/bin/millrace'), 'server', 'start', ...settings.flatMap(pair => ['--override', pair])]
  const spawnedMs = performance.now()
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', quiet ? 'ignore' : 2, 'inherit', 'ipc'],
    env: { ...process.env, MILLRACE_RUN: process.env.MILLRACE_RUN ?? 'dist' }
  })
  // A bench that is interrupted leaves no broker behind.
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const ended = once(child, 'exit')
  if (!atOnce) {
    await Promise.race([
      once(child, 'message'),
      ended.then(([code]) => { throw new Error(`the broker ended with ${code} before it listened`) })
    ])
  }
  return {
    port,
    pid: child.pid!,
    dataFolder: folder,
    spawnedMs,
    async stop (keep = false) {
      process.off('exit', killWithUs)
      child.kill('SIGTERM')
      const [code] = await ended
      if (!keep) rmSync(folder, { recursive: true, force: true })
      if (code !== 0) throw new Error(`the broker ended with ${code}`)
    }
  }
}

export function openCluster (host: string, port: number): Cluster {
  return new Cluster(realNetwork, realClock, {
    bootstrap: [{ host, port }], clientId: 'millrace-load', requestTimeoutMs: requestMsMax
  })
}

/** True when it was made here, false when it was there. */
export async function createTopic (cluster: Cluster, name: string, partitions: number): Promise<boolean> {
  const request = make(CreateTopics.request, {
    topics: [{ name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: requestMsMax
  })
  const { topics: [{ errorCode, errorMessage }] } =
    await cluster.ask(CreateTopics, request, () => cluster.controller())
  if (errorCode !== errorCodes.NONE && errorCode !== errorCodes.TOPIC_ALREADY_EXISTS) {
    throw new BrokerError(errorCode, errorMessage)
  }
  await cluster.topic(name)
  // A new partition may be known before it has a leader that serves.
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const deadlineMs = performance.now() + requestMsMax
  for (;;) {
    try {
      await offsets(cluster, name, all, 'latest')
      break
    } catch (error) {
      if (!(error instanceof BrokerError) || performance.now() > deadlineMs) throw error
      await sleep(retryMs)
    }
  }
  return errorCode === errorCodes.NONE
}

export async function deleteTopic (cluster: Cluster, name: string): Promise<void> {
  const request = make(DeleteTopics.request, {
    topics: [{ name }], topicNames: [name], timeoutMs: requestMsMax
  })
  const { responses: [{ errorCode }] } = await cluster.ask(DeleteTopics, request, () => cluster.controller())
  if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode)
}

const specialTimes = { earliest: -2, latest: -1 } as const

/** By partition. */
export async function offsets (
  cluster: Cluster, topic: string, partitions: readonly number[], which: keyof typeof specialTimes
): Promise<Map<number, number>> {
  const connection = await cluster.leader(topic, partitions[0])
  const request = make(ListOffsets.request, {
    replicaId: -1,
    topics: [{
      name: topic,
      partitions: partitions.map(partitionIndex => ({ partitionIndex, timestamp: specialTimes[which] }))
    }]
  })
  const { topics } = await connection.request(ListOffsets, null, request)
  return new Map(topics[0].partitions.map(({ partitionIndex, errorCode, offset }) => {
    if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode)
    return [partitionIndex, offset]
  }))
}
