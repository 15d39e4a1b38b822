// What many partitions and many segments cost: starts, memory, open files, throughput against one partition.
//
//   node bench/size/main.ts [--partitions 4000] [--segments 10000] [--seconds 3] [--rounds 3]
//                           [--data /dev/shm] [--override key=value ...] [--quick]
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { buildBatch } from '../../engine/protocol/record.ts'
import { bytesReadBy, type Daemon, openFilesOf, startDaemon } from '../daemon.ts'
import { fill, host, producersFor } from '../fill.ts'
import { createTopic, openCluster, usageOf } from '../load/broker.ts'
import { buildRecords, produceFrame } from '../load/frames.ts'
import { Histogram } from '../load/histogram.ts'
import { LoadProducer } from '../load/producer.ts'
import { touch } from '../touch.ts'

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '4000' },
    segments: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    data: { type: 'string', default: '/dev/shm' },
    override: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false }
  }
})
const partitions = values.quick ? 200 : Number(values.partitions)
const segments = values.quick ? 500 : Number(values.segments)
const seconds = values.quick ? 0.5 : Number(values.seconds)
const rounds = values.quick ? 1 : Number(values.rounds)
/** Written by a second of load, about: used once before, because new memory of a virtual machine is slow. */
const bytesPerSecond = 1e9
const batch = buildRecords({ batchBytes: 16_384, recordBytes: 100, codec: 'none' })

function say (what: string, figures: Record<string, string>): void {
  const cells = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  process.stdout.write(`${what.padEnd(34)} ${cells.join('   ')}\n`)
}

/** Resident memory: the smallest of some readings, what is collected soon does not count. */
async function state (daemon: Daemon): Promise<Record<string, string>> {
  let residentBytes = Infinity
  for (let reading = 0; reading < (values.quick ? 2 : 6); reading++) {
    await sleep(250)
    residentBytes = Math.min(residentBytes, usageOf(daemon.pid).residentBytes)
  }
  return { resident: `${(residentBytes / 2 ** 20).toFixed(0)} MB`, 'open files': String(openFilesOf(daemon.pid)) }
}

async function make (port: number, topic: string, count: number): Promise<number> {
  const cluster = openCluster(host, port)
  const beganMs = performance.now()
  await createTopic(cluster, topic, count)
  cluster.close()
  return performance.now() - beganMs
}

/** Closed loop; MB/s and the broker's processor seconds per GB. */
async function throughput (daemon: Daemon, topic: string, count: number): Promise<[number, number]> {
  const filling = { port: daemon.port, topic, partitions: count, batch }
  // One partition is fed by as many connections.
  const producers = count > 1
    ? await producersFor(filling)
    : (await Promise.all([1, 2, 3, 4].map(() => producersFor(filling)))).flat()
  for (const producer of producers) producer.startClosedLoop()
  await sleep(seconds * 250)
  const answered = (): number => producers.reduce((sum, producer) => sum + producer.answered, 0)
  const [before, cpuBefore, beganMs] = [answered(), usageOf(daemon.pid).cpuSeconds, performance.now()]
  await sleep(seconds * 1000)
  const bytes = (answered() - before) * batch.bytes.length
  const tookMs = performance.now() - beganMs
  const cpu = usageOf(daemon.pid).cpuSeconds - cpuBefore
  for (const producer of producers) producer.stop()
  while (producers.some(({ inFlight }) => inFlight > 0)) await sleep(5)
  for (const producer of producers) producer.close()
  return [bytes / 1e3 / tookMs, cpu / (bytes / 1e9)]
}

async function restart (daemon: Daemon, signal: NodeJS.Signals, folder: string): Promise<Daemon> {
  const endedMs = performance.now()
  await daemon.end(signal)
  const stopMs = performance.now() - endedMs
  const next = await startDaemon(folder, values.override)
  const { cpuSeconds } = usageOf(next.pid)
  say(`start after ${signal}`, {
    'listens after': `${(next.listeningMs - next.spawnedMs).toFixed(0)} ms`,
    CPU: `${cpuSeconds.toFixed(2)} s`,
    read: `${(bytesReadBy(next.pid) / 1e6).toFixed(0)} MB`,
    'stopped in': `${stopMs.toFixed(0)} ms`,
    ...await state(next)
  })
  return next
}

async function manyPartitions (folder: string): Promise<void> {
  let daemon = await startDaemon(folder, values.override)
  say('fresh', await state(daemon))
  await make(daemon.port, 'one', 1)
  const createdMs = await make(daemon.port, 'many', partitions)
  say(`${partitions} partitions made`, { in: `${createdMs.toFixed(0)} ms`, ...await state(daemon) })
  await fill({ port: daemon.port, topic: 'many', partitions, batch }, 0)
  say('a batch in each', await state(daemon))
  daemon = await restart(daemon, 'SIGTERM', folder)
  const speeds: [one: number[], many: number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const one = await throughput(daemon, 'one', 1)
    const many = await throughput(daemon, 'many', partitions)
    speeds[0].push(one[0])
    speeds[1].push(many[0])
    say(`round ${round + 1}`, {
      'one partition': `${one[0].toFixed(0)} MB/s, ${one[1].toFixed(2)} CPU s/GB`,
      [`${partitions} partitions`]: `${many[0].toFixed(0)} MB/s, ${many[1].toFixed(2)} CPU s/GB`
    })
  }
  const [one, many] = speeds.map(list => list.toSorted((a, b) => a - b)[list.length >> 1])
  say('throughput, median', { 'of one partition\'s': `${(many / one * 100).toFixed(0)} %` })
  say('after the load', await state(daemon))
  daemon = await restart(daemon, 'SIGKILL', folder)
  daemon = await restart(daemon, 'SIGTERM', folder)
  await daemon.end('SIGTERM')
}

/** A segment a batch: each is a second younger than the one before, and segments end after less. */
async function manySegments (folder: string): Promise<void> {
  const topic = 'segments'
  const logs = 10
  const overrides = ['log.roll.ms=100', 'log.message.timestamp.after.max.ms=9223372036854775807', ...values.override]
  let daemon = await startDaemon(folder, overrides)
  await make(daemon.port, topic, logs)
  const beganMs = Date.now()
  const frames = Array.from({ length: segments }, (_, n) => {
    const bytes = buildBatch({}, [{ value: Buffer.from('x'), timestamp: beganMs + Math.floor(n / logs) * 1000 }])
    return produceFrame(topic, [n % logs], -1, { bytes, records: 1 })
  })
  const times = new Histogram()
  const producer = await LoadProducer.connect({
    host,
    port: daemon.port,
    topic,
    acks: -1,
    frames,
    inFlight: 5,
    partitionsPerRequest: 1,
    intended: times,
    service: times
  })
  producer.startClosedLoop()
  while (producer.answered < segments) await sleep(5)
  producer.stop()
  while (producer.inFlight > 0) await sleep(5)
  producer.close()
  say(`${segments} segments`, { ...await state(daemon), errors: String(producer.errors) })
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) daemon = await restart(daemon, signal, folder)
  await daemon.end('SIGTERM')
}

touch(values.data, rounds * 2 * 1.25 * seconds * bytesPerSecond)
for (const part of [manyPartitions, manySegments]) {
  const folder = mkdtempSync(join(values.data, 'millrace-size-'))
  try {
    await part(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
