// The public face: a broker inside a program, or the one that the daemon runs. Prints nothing, ends no
// process, hooks no signal; after close() no thread, file or timer is left.
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { realClock } from './base/clock-real.ts'
import { MemoryDisk } from './base/disk-memory.ts'
import { realDisk } from './base/disk-real.ts'
import { type Logger, silentLogger } from './base/logger.ts'
import { realNetwork } from './base/network-real.ts'
import { openFilesMax } from './base/open-files.ts'
import { realRandom } from './base/random-real.ts'
import type { Broker } from './broker.ts'
import { type BrokerConfig, ConfigError, loadBrokerConfig } from './config/broker-config.ts'
import { LogThreads } from './threads/log-threads.ts'

export { type Logger } from './base/logger.ts'
export { NoDirectoryLeft } from './broker.failures.ts'
export { ConfigError } from './config/broker-config.ts'

export interface BrokerOptions {
  /** Where topics are kept. Absent: in memory, gone when the broker is closed. */
  dataDirectory?: string
  /** Default 127.0.0.1. */
  host?: string
  /** Default 0: a free one. */
  port?: number
  /** Settings by Kafka's names, as in server.properties. */
  config?: Record<string, string>
  logger?: Logger
}

export interface RunningBroker {
  readonly host: string
  readonly port: number
  /** host:port */
  readonly address: string
  /** The same, for a client's bootstrap.servers. */
  readonly bootstrapServers: string
  readonly clusterId: string
  readonly listeners: readonly { name: string, host: string, port: number }[]
  /** Empty when everything is in memory. */
  readonly dataDirectories: readonly string[]
  /** Resolves when all is written and nothing of the broker is left. */
  close (): Promise<void>
  /** Resolves after close(); rejects when the broker ended because something in it broke. */
  readonly closed: Promise<void>
}

/** One broker, one user: no reason to wait for others or to spread anything. */
const embeddedDefaults: Readonly<Record<string, string>> = {
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'millrace.log.workers': '0',
  'millrace.memory.bytes': String(16 * 1024 * 1024)
}

const memoryFolder = '/memory'

/** Starts a broker in this process. */
export async function startBroker (options: BrokerOptions = {}): Promise<RunningBroker> {
  const { dataDirectory, host = '127.0.0.1', port = 0, config: given = {}, logger = silentLogger } = options
  const address = host.includes(':') ? `[${host}]` : host
  const config = loadBrokerConfig({
    defaults: embeddedDefaults,
    overrides: {
      listeners: `PLAINTEXT://${address}:${port}`,
      ...dataDirectory === undefined ? {} : { 'log.dirs': resolve(dataDirectory) },
      ...given
    },
    logger
  })
  if (config.logDirs.length > 0) return await start(config, logger)
  const workers = config.number('millrace.log.workers')
  if (workers > 0) throw new ConfigError('millrace.log.workers', String(workers), 'needs a dataDirectory')
  const disk = new MemoryDisk()
  const directories = [memoryFolder]
  const parts = { ...surroundings(config, logger), directories, disk, workers: 0, locked: false }
  const { startEngine } = await import('./broker.ts')
  return running(await startEngine(parts), [])
}

export interface DaemonBrokerOptions {
  /** Texts of server.properties files. */
  files?: readonly { name: string, text: string }[]
  /** Win over the files. */
  overrides?: Readonly<Record<string, string>>
  logger: Logger
}

/** Starts the broker of a process of its own; signals and exit codes are the caller's. */
export async function startDaemonBroker (options: DaemonBrokerOptions): Promise<RunningBroker> {
  const { files, overrides, logger } = options
  const config = loadBrokerConfig({ files, overrides, logger })
  if (config.logDirs.length === 0) throw new ConfigError('log.dirs', null, 'at least one folder is needed')
  const broker = await start(config, logger)
  // Those who wait for the broker come first: the line may be what loads the logger.
  realClock.after(quietMs, () => warnOfFewFiles(logger))
  return broker
}

/** What Kafka's operators are told to allow: a file for each partition, another for each connection. */
const openFilesWanted = 100_000
const quietMs = 1000

function warnOfFewFiles (logger: Logger): void {
  const most = openFilesMax()
  if (most === null || most >= openFilesWanted) return
  logger.warn({ openFilesMax: most, wanted: openFilesWanted }, 'few files and sockets may be open at a time (ulimit -n)')
}

/** The threads start while the rest of the broker is loaded. */
async function start (config: BrokerConfig, logger: Logger): Promise<RunningBroker> {
  const directories = config.logDirs.map(directory => resolve(directory))
  const workers = workersOf(config, directories.length)
  const threads = new LogThreads(workers)
  try {
    const { startEngine } = await import('./broker.ts')
    const broker = await startEngine({
      ...surroundings(config, logger), directories, disk: realDisk, workers, threads, locked: true
    })
    return running(broker, directories)
  } catch (error) {
    await threads.close()
    throw error
  }
}

function surroundings (config: BrokerConfig, logger: Logger) {
  return { config, logger, network: realNetwork, clock: realClock, random: realRandom }
}

/** One core is the main thread's; each directory has a thread of its own, or all are served by this one. */
function workersOf (config: BrokerConfig, directories: number): number {
  const wanted = config.number('millrace.log.workers')
  if (wanted === 0) return 0
  return Math.max(directories, wanted > 0 ? wanted : availableParallelism() - 1)
}

function running (broker: Broker, dataDirectories: readonly string[]): RunningBroker {
  const [{ host, port }] = broker.listeners
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return {
    host,
    port,
    address,
    bootstrapServers: address,
    clusterId: broker.catalog.clusterId,
    listeners: broker.listeners,
    dataDirectories,
    close: () => broker.close(),
    closed: broker.closed
  }
}
