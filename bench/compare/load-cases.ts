// Cases that the load generator makes, in a process of its own.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Case, type Running, type Target } from './case.ts'
import { runJson } from './child.ts'
import { type Figures } from './metrics.ts'

type Arguments = Record<string, string | number>

interface Flow {
  readonly recordsPerSecond: number
  readonly megabytesPerSecond: number
  readonly requestsPerSecond: number
  readonly errors: number
  readonly errorName?: string
  readonly latencyMs: Times
}

interface Times { readonly p50: number, readonly p99: number, readonly p999: number }

export interface Summary {
  readonly produced: Flow | null
  readonly consumed: Flow | null
  readonly endToEndMs: Times | null
  readonly broker: {
    readonly cpuSecondsPerGigabyte: number
    readonly cpuSecondsPerMillionRequests: number
    readonly residentMegabytesMax: number
  }
}

export const generator = join(import.meta.dirname, '../load/main.ts')
/** A deleted topic's files are gone within a second or two; a broker that keeps them fills the disk. */
const goneMsMax = 15_000
let made = 0

async function load ({ broker, effort }: Running, args: Arguments): Promise<Figures> {
  const topic = `load-${made++}`
  const all: Arguments = {
    'bootstrap-server': `127.0.0.1:${broker.port}`,
    pid: broker.pid,
    topic,
    seconds: effort.seconds,
    warmup: effort.warmupSeconds,
    'bytes-max': effort.bytesMax,
    'fill-bytes': effort.quick ? 100e6 : 1e9,
    ...args
  }
  const list = Object.entries(all).map(([name, value]) => `--${name}=${value}`)
  const summary = await runJson<Summary>([process.execPath, generator, '--json', '--delete', ...list])
  await untilGone(broker.dataFolder, topic)
  return figuresOf(summary, args.rate !== undefined)
}

async function untilGone (folder: string, topic: string): Promise<void> {
  const deadlineMs = performance.now() + goneMsMax
  const there = () => existsSync(folder) && readdirSync(folder).some(name => name.startsWith(`${topic}-`) ||
    name.startsWith(`${topic}.`))
  while (there() && performance.now() < deadlineMs) await sleep(50)
}

function figuresOf ({ produced, consumed, endToEndMs, broker }: Summary, onSchedule: boolean): Figures {
  for (const flow of [produced, consumed]) {
    if (flow !== null && flow.errors > 0) throw new Error(`${flow.errors} requests failed, the first with ${flow.errorName}`)
  }
  const { recordsPerSecond, megabytesPerSecond, requestsPerSecond, latencyMs } = produced ?? consumed!
  const { p50, p99, p999 } = endToEndMs ?? latencyMs
  const { cpuSecondsPerGigabyte, cpuSecondsPerMillionRequests, residentMegabytesMax } = broker
  const times = { p50Ms: p50, p99Ms: p99, p999Ms: p999 }
  const costs = { cpuSecondsPerMillionRequests, residentMegabytesMax }
  if (onSchedule) return { requestsPerSecond, ...times, ...costs }
  const both = produced !== null && consumed !== null
  const tail = both
    ? {
        consumedMegabytesPerSecond: consumed.megabytesPerSecond,
        totalMegabytesPerSecond: produced.megabytesPerSecond + consumed.megabytesPerSecond
      }
    : {}
  const rates = { recordsPerSecond, megabytesPerSecond, requestsPerSecond }
  return { ...rates, ...tail, ...times, cpuSecondsPerGigabyte, ...costs }
}

function produce (name: string, title: string, args: Arguments, more: Partial<Case> = {}): Case {
  return { name, title, group: 'produce', onRunning: running => load(running, args), ...more }
}

function consume (name: string, title: string, args: Arguments, targets: Target[] = []): Case {
  const all = { mode: 'consume', ...args }
  return { name, title, group: 'fetch', limit: 'out', targets, onRunning: running => load(running, all) }
}

function latency (rate: number): Case {
  const args = { mode: 'mixed', rate, connections: 1, consumers: 1, 'batch-bytes': 100 }
  return {
    name: `latency-${rate}`,
    title: `${rate.toLocaleString('en')} requests/s`,
    group: 'latency',
    x: rate,
    targets: [{ metric: 'p50Ms', ratioMax: 0.5 }, { metric: 'p99Ms', ratioMax: 0.5 }],
    onRunning: running => load(running, args)
  }
}

const recordsTarget: Target = { metric: 'recordsPerSecond', ratioMin: 2.5 }
const cpuTarget: Target = { metric: 'cpuSecondsPerGigabyte', ratioMax: 0.25 }
const memoryTarget: Target = { metric: 'residentMegabytesMax', ratioMax: 0.25 }
const produceTargets = [recordsTarget, cpuTarget]

const produceCases = [
  produce('produce-1k', 'requests of 1 KB', { 'batch-bytes': 1024 }, { targets: produceTargets, limit: 1024 }),
  produce('produce-16k', 'requests of 16 KB', {}, { targets: [...produceTargets, memoryTarget], limit: 16_384 }),
  produce('produce-16k-1', 'requests of 16 KB, one partition', { partitions: 1 },
    { targets: [...produceTargets, { metric: 'recordsPerSecond', valueMin: 3.5e6 }], limit: 16_384 }),
  produce('produce-100k', 'requests of 100 KB', { 'batch-bytes': 102_400 }, { targets: produceTargets, limit: 102_400 }),
  produce('produce-100k-1', 'requests of 100 KB, one partition', { 'batch-bytes': 102_400, partitions: 1 },
    { targets: [...produceTargets, { metric: 'recordsPerSecond', valueMin: 6e6 }], limit: 102_400 }),
  produce('produce-1m', 'requests of 1 MB', { 'batch-bytes': 1_000_000 },
    { targets: [recordsTarget, { metric: 'cpuSecondsPerGigabyte', ratioMax: 1 / 3 }], limit: 1_000_000 }),
  produce('produce-lz4', 'requests of 16 KB before LZ4', { codec: 'lz4' }, { targets: produceTargets, limit: 'in' }),
  produce('produce-4-of-16', '16 KB for each of 4 of 16 partitions a request',
    { partitions: 16, 'partitions-per-request': 4 }, { targets: produceTargets, limit: 102_400 }),
  produce('produce-10-of-100', '3 KB for each of 10 of 100 partitions a request',
    { partitions: 100, 'partitions-per-request': 10, 'batch-bytes': 3000 }, { targets: produceTargets, limit: 16_384 })
]

const historyTargets: Target[] = [
  { metric: 'megabytesPerSecond', ratioMin: 0.7 }, { metric: 'cpuSecondsPerGigabyte', ratioMax: 1 / 0.7 }
]
const sharedTargets: Target[] = [
  { metric: 'megabytesPerSecond', ratioMin: 1 }, { metric: 'cpuSecondsPerGigabyte', ratioMax: 1 }
]

const fetchCases = [
  consume('fetch-1', 'one consumer, one partition', { consumers: 1, partitions: 1 }, historyTargets),
  consume('fetch-1-of-16', 'one consumer, 16 partitions a request', { consumers: 1, partitions: 16 }, historyTargets),
  consume('fetch-2-same', 'two consumers of the same range', { consumers: 2, partitions: 1 }, sharedTargets),
  consume('fetch-8-same', 'eight consumers of the same range', { consumers: 8, partitions: 1 }, sharedTargets),
  consume('fetch-16', '16 consumers, a partition each', { consumers: 16, partitions: 16 })
]

const tailCases = [1, 4].map((consumers): Case => ({
  name: `tail-${consumers}`,
  title: `4 producing connections, ${consumers} consuming`,
  group: 'tail',
  targets: consumers === 1 ? [{ metric: 'totalMegabytesPerSecond', ratioMin: 3 }] : [],
  onRunning: running => load(running, { mode: 'mixed', consumers })
}))

const shapes: readonly (readonly [string, string, Arguments])[] = [
  ['acks-0', 'acks=0, 16 KB', { acks: 0 }],
  ['acks-1', 'acks=1, 16 KB', { acks: 1 }],
  ['acks-all', 'acks=all, 16 KB', { acks: -1 }],
  ['record-1k', 'records of 1 KB, 16 KB', { 'record-bytes': 1024 }],
  ['record-10k', 'records of 10 KB, 100 KB', { 'record-bytes': 10_240, 'batch-bytes': 102_400 }],
  ['record-10k-lz4', 'records of 10 KB, 100 KB before LZ4',
    { 'record-bytes': 10_240, 'batch-bytes': 102_400, codec: 'lz4' }],
  ['partitions-1', '1 partition, 16 KB', { partitions: 1 }],
  ['partitions-16', '16 partitions, 16 KB', { partitions: 16 }],
  ['partitions-100', '100 partitions, 16 KB', { partitions: 100 }]
]

function grows (group: 'partitions' | 'connections' | 'requests', x: number, args: Arguments): Case {
  return {
    name: `growth-${group}-${x}`, title: x.toLocaleString('en'), group, x, onRunning: running => load(running, args)
  }
}

const growthCases = [
  ...[1, 10, 100, 1000, 4000].map(partitions => grows('partitions', partitions, { partitions })),
  ...[1, 10, 100, 1000].map(connections => grows('connections', connections,
    { connections, partitions: 4, 'in-flight': connections > 100 ? 1 : 5 })),
  ...[1024, 4096, 16_384, 65_536, 262_144, 1_000_000].map(bytes =>
    grows('requests', bytes, { 'batch-bytes': bytes }))
]

export const loadCases: readonly Case[] = [
  ...produceCases,
  ...fetchCases,
  ...tailCases,
  ...[200, 1000, 5000].map(latency),
  ...shapes.map(([name, title, args]) => produce(name, title, args, { group: 'shapes' })),
  ...growthCases
]

/** Compilers of either kind of machine are warm after it; it is not counted. */
export async function warmUp (running: Running): Promise<void> {
  const { effort } = running
  const seconds = effort.quick ? effort.seconds : 10
  const longer = { ...running, effort: { ...effort, seconds, warmupSeconds: 0 } }
  await load(longer, { 'batch-bytes': 1024 })
  await load(longer, { mode: 'mixed' })
}
