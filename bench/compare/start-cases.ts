// How soon a broker serves, what it takes while it does nothing, and how soon its tools answer.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { usageOf } from '../load/broker.ts'
import { type Case, type Contestant, type Effort } from './case.ts'
import { run, runJson } from './child.ts'
import { fillPartitions, firstProduce } from './first-produce.ts'
import { type Figures } from './metrics.ts'

const manyPartitions = 1000
const embeddedStart = join(import.meta.dirname, '../embedded-start/main.ts')

async function start (contestant: Contestant): Promise<Figures> {
  const broker = await contestant.start(true)
  try {
    const connection = await firstProduce(broker.port)
    const startMs = performance.now() - broker.spawnedMs
    connection.close()
    return { startMs }
  } finally {
    await broker.stop()
  }
}

async function memory (contestant: Contestant, { quick }: Effort): Promise<Figures> {
  const broker = await contestant.start()
  const residentMegabytes = () => usageOf(broker.pid).residentBytes / 1e6
  const seconds = quick ? 1 : 10
  try {
    const connection = await firstProduce(broker.port)
    await sleep(seconds * 1000)
    const idleMegabytes = residentMegabytes()
    const before = usageOf(broker.pid)
    await sleep(seconds * 1000)
    const idleCpuPercent = (usageOf(broker.pid).cpuSeconds - before.cpuSeconds) / seconds * 100
    await fillPartitions(connection, manyPartitions)
    await sleep(seconds * 1000)
    const partitionsMegabytes = residentMegabytes()
    connection.close()
    return { idleMegabytes, idleCpuPercent, partitionsMegabytes }
  } finally {
    await broker.stop()
  }
}

export const startCases: readonly Case[] = [
  {
    name: 'start',
    group: 'start',
    title: 'a new broker',
    targets: [{ metric: 'startMs', ratioMax: 0.1 }],
    onFresh: start
  },
  {
    name: 'memory',
    group: 'start',
    title: 'a broker with nothing to do',
    targets: [{ metric: 'idleMegabytes', ratioMax: 0.25 }],
    onFresh: memory
  },
  {
    name: 'topics-list',
    group: 'start',
    title: 'topics --list',
    targets: [{ metric: 'wallMs', ratioMax: 0.25 }],
    async onRunning ({ contestant, broker }) {
      const { wallMs } = await run(contestant.listTopicsCommand(broker.port))
      return { wallMs }
    }
  },
  {
    name: 'embedded',
    group: 'start',
    title: 'embedded in a program',
    only: 'millrace',
    targets: [{ metric: 'embeddedMs', valueMax: 150 }],
    onFresh: () => runJson<Figures>([process.execPath, embeddedStart, '--json', '--runs', '1'])
  }
]
