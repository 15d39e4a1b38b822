// READ THIS FIRST. A broker is put together here, from the bottom to the top, and taken apart in reverse.
//
//   config → folder locks → catalog → log → partitions → groups → listeners
//
//   locks       one broker a folder
//   catalog     what exists: topics, settings, producer ids; its file lies in the first log directory
//   log         the door to the logs: recovers what is there, in worker threads or on this one
//   partitions  opens a log for every partition of ours and leads, as the catalog says
//   groups      the coordinator: reads its state from __consumer_offsets
//   listeners   last: whoever connects is served
//
// A request runs through server/ (bytes, order), apis/ (one handler per API) and the doors that are built
// here.
import { type Clock, type Timer } from './base/clock.ts'
import { type Disk, DiskError } from './base/disk.ts'
import { FolderInUse, type FolderLock, lockFolder } from './base/folder-lock.ts'
import { type Logger } from './base/logger.ts'
import { type Network } from './base/network.ts'
import { type Random } from './base/random.ts'
import { NoDirectoryLeft } from './broker.failures.ts'
import { apis } from './apis/index.ts'
import { type Doors } from './apis/context.ts'
import { FetchSessions } from './apis/fetch/sessions.ts'
import { topicSettingsAtStart } from './catalog/at-start.ts'
import { type EmbeddedCatalog, openEmbeddedCatalog } from './catalog/embedded-catalog.ts'
import { createProducerIds } from './catalog/producer-ids.ts'
import { type BrokerConfig } from './config/broker-config.ts'
import { logConfigOf } from './config/topic-config.ts'
import { createGroups, type Groups } from './groups/groups.ts'
import { createPartitions, type LocalPartitions } from './replication/local-partitions.ts'
import { type OpenListener, Server } from './server/listener.ts'
import { createInlineLog } from './threads/inline-log.ts'
import { type LogClient } from './threads/log-client.ts'
import type { LogThreads } from './threads/log-threads.ts'
import { createWorkerLog } from './threads/worker-log.ts'
import { createWaitingRoom } from './waiting/room.ts'
import { type WaitingRoom } from './waiting/waiting-room.ts'

export interface EngineOptions {
  config: BrokerConfig
  /** Folders of the logs; the first also holds the catalog. */
  directories: readonly string[]
  disk: Disk
  network: Network
  clock: Clock
  random: Random
  logger: Logger
  /** Log worker threads; 0: the log runs on this one. */
  workers: number
  /** Those threads, where they were started before anything else. */
  threads?: LogThreads
  /** False where nobody else can reach the directories. */
  locked: boolean
}

/** What the folders are locked with, and why some could not be. */
interface Locks {
  readonly held: readonly FolderLock[]
  readonly refused: ReadonlyMap<string, Error>
}

/** How often retention, flush intervals and checkpoints are looked at. */
const tickMs = 500
/** What is being written may be answered before connections end; nobody waits longer for a client. */
const drainMsMax = 5000

export class Broker {
  readonly closed: Promise<void>
  readonly catalog: EmbeddedCatalog
  readonly log: LogClient
  readonly partitions: LocalPartitions
  readonly groups: Groups
  readonly waiting: WaitingRoom
  listeners: readonly OpenListener[] = []

  readonly #options: EngineOptions
  readonly #locks: Locks
  readonly #server: Server
  #ticker: Timer | null = null
  #logStarted = false
  #serving = false
  #closing: Promise<void> | null = null
  #failure: Error | null = null
  #resolveClosed: () => void = () => {}
  #rejectClosed: (reason: Error) => void = () => {}

  constructor (options: EngineOptions, locks: Locks) {
    const { config, directories, disk, network, clock, random, logger } = options
    const brokerId = config.nodeId
    this.#options = options
    this.#locks = locks
    this.closed = new Promise((resolve, reject) => {
      this.#resolveClosed = resolve
      this.#rejectClosed = reject
    })
    this.closed.catch(() => {}) // whoever cares listens; nobody has to
    const catalog = openEmbeddedCatalog({ disk, directory: directories[0], random, brokerId, config, logger })
    const log = createLog(options, catalog, locks)
    const waiting = createWaitingRoom(clock)
    const partitions = createPartitions({ catalog, log, config, brokerId, logger })
    const groups = createGroups({ log, partitions, catalog, config, clock, waiting, random, logger })
    // Who waits for a partition must notice that it is led elsewhere, or gone.
    partitions.onLeadership(({ row }) => waiting.advanced(row))
    const slots = () => config.number('max.incremental.fetch.session.cache.slots')
    const doors: Doors = {
      brokerId,
      config,
      clock,
      logger,
      log,
      catalog,
      partitions,
      groups,
      producerIds: createProducerIds(catalog),
      waiting,
      fetchSessions: new FetchSessions(clock, random, slots),
      served: apis
    }
    this.catalog = catalog
    this.log = log
    this.waiting = waiting
    this.partitions = partitions
    this.groups = groups
    this.#server = new Server({ network, clock, logger, config, doors, broken: reason => this.#fail(reason) })
  }

  /** Rejects when it cannot serve; what was opened is closed again. */
  async start (): Promise<void> {
    try {
      this.#logStarted = true
      const found = await this.log.start({
        advanced: row => this.waiting.advanced(row),
        directoryFailed: (directory, reason) => this.#directoryFailed(directory, reason),
        failed: reason => this.#fail(reason)
      })
      if (this.#lastFailure !== null && this.#allFailed()) throw this.#lastFailure
      this.#serving = true
      await this.partitions.start(found)
      await this.groups.start()
      this.listeners = await this.#server.open(this.#options.config.listeners)
      this.#tellEndpoints()
      this.#tickIn(tickMs)
    } catch (error) {
      await this.#end(false)
      throw error
    }
  }

  /** In order: nobody new, answers for what is being written, everything on disk, the clean marker. */
  close (): Promise<void> {
    return this.#end(true)
  }

  #end (clean: boolean): Promise<void> {
    this.#closing ??= this.#takeApart(clean).then(
      () => this.#failure === null ? this.#resolveClosed() : this.#rejectClosed(this.#failure),
      (error: Error) => {
        this.#rejectClosed(this.#failure ?? error)
        throw error
      }
    )
    return this.#closing
  }

  async #takeApart (clean: boolean): Promise<void> {
    this.#ticker?.cancel()
    this.#ticker = null
    await this.#server.closeListeners()
    this.waiting.close()
    if (clean) await this.#server.drain(drainMsMax)
    this.groups.close()
    await this.#server.closeConnections(clean)
    if (this.#logStarted) await this.log.close(clean)
    await this.catalog.close()
    await unlock(this.#locks.held)
  }

  /** An error of ours, or no directory left: no clean marker, so that the next start looks at everything. */
  #fail (reason: Error): void {
    if (this.#failure !== null) return
    this.#failure = reason
    const { logger } = this.#options
    if (reason instanceof NoDirectoryLeft) logger.error(`the broker ends: ${reason.message}`)
    else logger.error({ error: reason.stack ?? reason.message }, 'the broker ends: something is broken in it')
    this.#end(false).catch((error: Error) => {
      this.#options.logger.error({ error: error.stack ?? error.message }, 'the broker could not close')
    })
  }

  readonly #failedDirectories = new Set<string>()
  #lastFailure: NoDirectoryLeft | null = null

  #directoryFailed (directory: string, reason: Error): void {
    this.#options.logger.error({ directory, reason: reason.message },
      'a log directory has failed: its partitions are offline until the broker starts again with it repaired')
    this.#failedDirectories.add(directory)
    this.#lastFailure = new NoDirectoryLeft(`no log directory is left; the last was ${directory}: ${reason.message}`)
    if (this.#serving && this.#allFailed()) return this.#fail(this.#lastFailure)
    this.partitions.directoryFailed()
    for (const hosted of this.partitions.all()) this.waiting.advanced(hosted.row)
  }

  #allFailed (): boolean {
    return this.#failedDirectories.size === this.#options.directories.length
  }

  /** Port 0 stands for the port that was got. */
  #tellEndpoints (): void {
    const { config } = this.#options
    this.catalog.setEndpoints(config.listeners.map((listener, index) => ({
      listener: listener.name,
      host: listener.advertisedHost,
      port: listener.advertisedPort === 0 ? this.listeners[index].port : listener.advertisedPort,
      securityProtocol: listener.securityProtocol
    })))
  }

  #tickIn (delayMs: number): void {
    if (this.#closing !== null) return
    const { clock } = this.#options
    this.#ticker = clock.after(delayMs, () => {
      this.log.tick(clock.nowMs())
      this.#tickIn(tickMs)
    })
  }
}

export async function startEngine (options: EngineOptions): Promise<Broker> {
  const locks = await lock(options)
  let broker: Broker
  try {
    broker = new Broker(options, locks)
  } catch (error) {
    await unlock(locks.held)
    throw error
  }
  await broker.start()
  return broker
}

/** Before anything in them is read. Of several folders one may be out of order; the first has the catalog. */
async function lock ({ directories, locked }: EngineOptions): Promise<Locks> {
  const held: FolderLock[] = []
  const refused = new Map<string, Error>()
  if (!locked) return { held, refused }
  for (const directory of directories) {
    try {
      held.push(await lockFolder(directory))
    } catch (error) {
      if (error instanceof FolderInUse || directory === directories[0]) {
        await unlock(held)
        throw error
      }
      refused.set(directory, error as Error)
    }
  }
  return { held, refused }
}

/** The folders are locked already; this tells the log of those that could not be. */
function lockOf ({ refused }: Locks): (directory: string) => Promise<FolderLock> {
  return async (directory) => {
    const reason = refused.get(directory)
    if (reason !== undefined) throw new DiskError('EIO', 'lock', directory, reason.message)
    return { async release () {} }
  }
}

/** A dynamic setting only, as in Kafka. */
function moveBytesPerSecond (catalog: EmbeddedCatalog): number {
  const name = 'replica.alter.log.dirs.io.max.bytes.per.second'
  const text = catalog.dynamicBrokerConfig(String(catalog.brokerId)).get(name) ??
    catalog.dynamicBrokerConfig('').get(name)
  const value = Number(text)
  return value > 0 ? value : Infinity
}

async function unlock (locks: readonly FolderLock[]): Promise<void> {
  await Promise.all(locks.map(one => one.release()))
}

function createLog (options: EngineOptions, catalog: EmbeddedCatalog, locks: Locks): LogClient {
  const { config, directories, disk, clock, random, logger, workers, threads } = options
  const parts = {
    directories,
    brokerId: config.nodeId,
    clusterId: catalog.clusterId,
    disk,
    clock,
    random,
    logger,
    memoryBytes: config.number('millrace.memory.bytes'),
    defaults: logConfigOf(config),
    settingsAtStart: () => topicSettingsAtStart(disk, directories[0], config),
    workers,
    threads,
    cleaner: () => ({
      enabled: config.boolean('log.cleaner.enable'),
      threads: config.number('log.cleaner.threads'),
      backoffMs: config.number('log.cleaner.backoff.ms'),
      mapBytes: config.number('log.cleaner.dedupe.buffer.size'),
      loadFactor: config.number('log.cleaner.io.buffer.load.factor'),
      bufferBytes: config.number('log.cleaner.io.buffer.size'),
      bytesPerSecond: config.number('log.cleaner.io.max.bytes.per.second')
    }),
    lock: lockOf(locks),
    cordoned: () => config.list('cordoned.log.dirs'),
    moveBytesPerSecond: () => moveBytesPerSecond(catalog),
    retentionCheckMs: config.number('log.retention.check.interval.ms'),
    retentionDelayMs: config.number('log.initial.task.delay.ms'),
    recoveryPointMs: config.number('log.flush.offset.checkpoint.interval.ms'),
    highWatermarkMs: config.number('replica.high.watermark.checkpoint.interval.ms')
  }
  return workers === 0 ? createInlineLog(parts) : createWorkerLog(parts)
}
