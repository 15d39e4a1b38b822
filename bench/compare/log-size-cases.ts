// What a log costs by its size: a clean start over it, a read from its start, a produce to its end. The log
// is laid as sparse files into the folder of a broker that was stopped, the same for both (sparse-log.ts says
// how): its records cost no reading from a device, but both brokers find and send them as any others.
import { generator, type Summary } from './load-cases.ts'
import { type Case, type Contestant, type Effort } from './case.ts'
import { runJson } from './child.ts'
import { firstProduce } from './first-produce.ts'
import { type Figures } from './metrics.ts'
import { laySparseLog } from './sparse-log.ts'

const topic = 'long'
/** The read and the produce beside the start need no longer. */
const secondsMax = 2

async function grown (contestant: Contestant, effort: Effort, bytes: number): Promise<Figures> {
  const first = await contestant.start()
  const made = await firstProduce(first.port, topic)
  made.close()
  await first.stop(true)
  laySparseLog(first.dataFolder, topic, bytes)
  const broker = await contestant.start(true, first.dataFolder)
  try {
    const connection = await firstProduce(broker.port, topic)
    const startMs = performance.now() - broker.spawnedMs
    connection.close()
    const seconds = Math.min(secondsMax, effort.seconds)
    const common = [`--bootstrap-server=127.0.0.1:${broker.port}`, `--pid=${broker.pid}`, `--topic=${topic}`,
      '--partitions=1', '--json', `--seconds=${seconds}`, `--warmup=${Math.min(1, effort.warmupSeconds)}`]
    const load = (...more: string[]): Promise<Summary> =>
      runJson<Summary>([process.execPath, generator, ...common, ...more])
    const read = await load('--mode=consume', '--consumers=1', '--fill-bytes=0')
    const written = await load('--mode=produce', `--bytes-max=${effort.bytesMax}`)
    for (const flow of [read.consumed!, written.produced!]) {
      if (flow.errors > 0) throw new Error(`${flow.errors} requests failed, the first with ${flow.errorName}`)
    }
    return {
      startMs,
      consumedMegabytesPerSecond: read.consumed!.megabytesPerSecond,
      recordsPerSecond: written.produced!.recordsPerSecond,
      cpuSecondsPerGigabyte: written.broker.cpuSecondsPerGigabyte,
      residentMegabytesMax: written.broker.residentMegabytesMax
    }
  } finally {
    await broker.stop()
  }
}

export const logSizeCases: readonly Case[] = [1, 10, 100].map(gigabytes => ({
  name: `growth-logs-${gigabytes}`,
  title: `${gigabytes} GB`,
  group: 'logs',
  x: gigabytes,
  onFresh: (contestant, effort) => grown(contestant, effort, gigabytes * 1e9)
}))
