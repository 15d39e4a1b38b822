// How soon a broker serves again after it was killed under load.
//
//   node bench/recovery/main.ts [--partitions 100] [--megabytes 4000] [--rounds 3] [--data /dev/shm]
//                               [--override key=value ...] [--quick]
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { bytesReadBy, bytesUnder, type Daemon, startDaemon } from '../daemon.ts'
import { fill, host, producersFor } from '../fill.ts'
import { createTopic, openCluster, usageOf } from '../load/broker.ts'
import { buildRecords } from '../load/frames.ts'

const { values } = parseArgs({
  options: {
    partitions: { type: 'string', default: '100' },
    megabytes: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '3' },
    data: { type: 'string', default: '/dev/shm' },
    override: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false }
  }
})
const partitions = Number(values.partitions)
const bytes = (values.quick ? 50 : Number(values.megabytes)) * 1e6
const rounds = values.quick ? 1 : Number(values.rounds)
const topic = 'recovery'
const batch = buildRecords({ batchBytes: 16_384, recordBytes: 100, codec: 'none' })
const folder = mkdtempSync(join(values.data, 'millrace-recovery-'))

async function serving ({ port, spawnedMs }: Daemon): Promise<number> {
  // One batch into every partition: when the last is answered, all serve.
  await fill({ port, topic, partitions, batch }, 0)
  return performance.now() - spawnedMs
}

async function kill (daemon: Daemon): Promise<void> {
  const producers = await producersFor({ port: daemon.port, topic, partitions, batch, inFlight: 8 })
  for (const producer of producers) producer.startClosedLoop()
  await sleep(1000)
  for (const producer of producers) producer.stop() // what is in flight stays so
  const gone = daemon.end('SIGKILL')
  for (const producer of producers) producer.close()
  await gone
}

async function start (what: string): Promise<Daemon> {
  const daemon = await startDaemon(folder, values.override)
  const read = bytesReadBy(daemon.pid)
  const { cpuSeconds } = usageOf(daemon.pid)
  const listening = daemon.listeningMs - daemon.spawnedMs
  const line = [
    `${what.padEnd(14)} ${(bytesUnder(folder) / 1e6).toFixed(0).padStart(6)} MB`,
    `read ${(read / 1e6).toFixed(0).padStart(6)} MB`,
    `CPU ${cpuSeconds.toFixed(2)} s`,
    `listens after ${listening.toFixed(0).padStart(6)} ms`,
    `all ${partitions} serve after ${(await serving(daemon)).toFixed(0).padStart(6)} ms`
  ]
  process.stdout.write(`${line.join('   ')}\n`)
  return daemon
}

try {
  let daemon = await startDaemon(folder, values.override)
  const cluster = openCluster(host, daemon.port)
  await createTopic(cluster, topic, partitions)
  cluster.close()
  await fill({ port: daemon.port, topic, partitions, batch }, bytes)
  for (let round = 0; round < rounds; round++) {
    await kill(daemon)
    daemon = await start('after SIGKILL')
  }
  await daemon.end('SIGTERM')
  daemon = await start('after SIGTERM')
  await daemon.end('SIGTERM')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
