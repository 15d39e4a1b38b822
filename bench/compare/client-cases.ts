// The clients that people use, each producing to a new topic of four partitions and reading it back.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTopic, deleteTopic, openCluster, resetPeak, usageOf } from '../load/broker.ts'
import { missing as javaMissing, toolCommand } from '../peers/kafka.ts'
import { type Case, type Running, type Target } from './case.ts'
import { run, runJson, runSilently } from './child.ts'
import { type Figures } from './metrics.ts'

const partitions = 4
const recordBytes = 100
const nodeClient = join(import.meta.dirname, 'node-client-entry.ts')
let made = 0

interface Place {
  readonly server: string
  readonly topic: string
  readonly records: number
}

/** Makes the topic, has the client work on it, and adds what that cost the broker. */
async function withTopic (
  { broker, effort }: Running, records: number, work: (place: Place) => Promise<Figures>
): Promise<Figures> {
  const topic = `client-${made++}`
  const cluster = openCluster('127.0.0.1', broker.port)
  try {
    await createTopic(cluster, topic, partitions)
    resetPeak(broker.pid)
    const before = usageOf(broker.pid)
    const count = effort.quick ? Math.ceil(records / 50) : records
    const figures = await work({ server: `127.0.0.1:${broker.port}`, topic, records: count })
    const after = usageOf(broker.pid)
    // What is produced and consumed, values alone.
    const gigabytes = count * recordBytes * (figures.consumedRecordsPerSecond === undefined ? 1 : 2) / 1e9
    await deleteTopic(cluster, topic)
    return {
      ...figures,
      cpuSecondsPerGigabyte: (after.cpuSeconds - before.cpuSeconds) / gigabytes,
      residentMegabytesMax: after.residentBytesMax / 1e6
    }
  } finally {
    cluster.close()
  }
}

// 5000000 records sent, 423011.8 records/sec (40.34 MB/sec), 650.40 ms avg latency, 900.00 ms max latency,
// 640 ms 50th, 820 ms 95th, 870 ms 99th, 890 ms 99.9th.
const perfLine =
  /records sent, ([\d.]+) records\/sec.* (\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th/

async function javaProduce (
  { server, topic, records }: Place, settings: readonly string[]
): Promise<Figures> {
  const { out, cpuSeconds } = await run(toolCommand('ProducerPerformance', [
    '--bootstrap-server', server, '--topic', topic, '--num-records', String(records),
    '--record-size', String(recordBytes), '--throughput', '-1', '--command-property', 'acks=all', ...settings
  ]))
  const found = perfLine.exec(out.trimEnd().split('\n').at(-1)!)
  if (found === null) throw new Error(`the perf tool said nothing of its result: ${out}`)
  const [recordsPerSecond, p50Ms, p99Ms, p999Ms] = found.slice(1).map(Number)
  const clientCpuSecondsPerMillionRecords = cpuSeconds / records * 1e6
  return { recordsPerSecond, p50Ms, p99Ms, p999Ms, clientCpuSecondsPerMillionRecords }
}

async function javaConsume ({ server, topic, records }: Place): Promise<Figures> {
  const { out } = await run(toolCommand('ConsumerPerformance', [
    '--bootstrap-server', server, '--topic', topic, '--num-records', String(records)
  ]))
  const lines = out.trimEnd().split('\n')
  const names = lines.find(line => line.startsWith('start.time'))!.split(', ')
  const values = lines.at(-1)!.split(', ')
  const value = (name: string) => Number(values[names.indexOf(name)])
  return { consumedRecordsPerSecond: value('fetch.nMsg.sec') }
}

function java (
  name: string, title: string, settings: readonly string[], targets: readonly Target[]
): Case {
  return {
    name,
    title,
    group: 'clients',
    targets,
    missing: javaMissing,
    onRunning: running => withTopic(running, 5_000_000, async place =>
      ({ ...await javaProduce(place, settings), ...await javaConsume(place) }))
  }
}

function node (name: string, title: string): Case {
  return {
    name,
    title,
    group: 'clients',
    onRunning: running => withTopic(running, 1_000_000, ({ server, topic, records }) => runJson<Figures>(
      [process.execPath, nodeClient, name, server, topic, String(records), String(recordBytes)]))
  }
}

async function kcat ({ server, topic, records }: Place): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kcat-'))
  try {
    const file = join(folder, 'lines')
    writeFileSync(file, `${'x'.repeat(recordBytes)}\n`.repeat(records))
    const about = ['-b', server, '-t', topic]
    const { wallMs, cpuSeconds } = await run(['kcat', '-P', ...about, '-X', 'acks=all', '-l', file])
    const readMs = await runSilently(['kcat', '-C', ...about, '-o', 'beginning', '-e', '-q'])
    return {
      recordsPerSecond: records / wallMs * 1000,
      consumedRecordsPerSecond: records / readMs * 1000,
      clientCpuSecondsPerMillionRecords: cpuSeconds / records * 1e6
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const javaTargets: Target[] = [
  { metric: 'recordsPerSecond', ratioMin: 1.5 }, { metric: 'p99Ms', ratioMax: 0.5 }
]

export const clientCases: readonly Case[] = [
  java('java', "Kafka's Java clients (its perf tools)", [], javaTargets),
  java('java-lz4', '..., LZ4, batches of 64 KB, 10 ms linger',
    ['compression.type=lz4', 'batch.size=65536', 'linger.ms=10'], javaTargets),
  node('kafkajs', 'kafkajs'),
  node('platformatic', '@platformatic/kafka'),
  {
    name: 'kcat',
    title: 'librdkafka (kcat)',
    group: 'clients',
    missing: () => spawnSync('kcat', ['-V']).status === 0 ? null : 'there is no kcat',
    onRunning: running => withTopic(running, 3_000_000, kcat)
  }
]
