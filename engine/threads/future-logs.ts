// The copies that grow in a worker's directory until they take their partitions' place: logs like any other,
// but without a row. Main brings what is to be appended; see moves.ts.
import { type Disk } from '../base/disk.ts'
import { type Random } from '../base/random.ts'
import { futureFolder, markFinished } from '../log/future-folder.ts'
import { checkpointKey } from '../log/log-directory.ts'
import { type LogListener } from '../log/partition-log.types.ts'
import { type Log } from '../log/partition-log.ts'
import { openLog } from '../log/recovery.ts'
import { type LogConfig, type LogIdentity, type Offset } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type FutureCall, type FutureState } from './commands.ts'
import { CallRefused, type LogCore } from './log-core.ts'

export interface FutureLogsOptions {
  directory: string
  disk: Disk
  random: Random
}

interface Future {
  identity: LogIdentity
  folder: string
  log: Log
}

/** Nobody reads a copy before it is finished. */
const unheard: LogListener = { segmentChanged () {}, segmentRemoved () {}, epochsChanged () {} }

export class FutureLogs {
  readonly #core: LogCore
  readonly #options: FutureLogsOptions
  /** By the partition's folder name. */
  readonly #futures = new Map<string, Future>()

  constructor (core: LogCore, options: FutureLogsOptions) {
    this.#core = core
    this.#options = options
  }

  run (call: FutureCall, nowMs: number): FutureState | null {
    if (call.kind === 'future-open') return this.#open(call.identity, call.config, call.start, nowMs)
    const future = this.#futures.get(call.key)
    if (call.kind === 'future-drop') {
      if (future !== undefined) this.#drop(call.key, future)
      return null
    }
    if (future === undefined) {
      throw new CallRefused(errorCodes.REPLICA_NOT_AVAILABLE, `${call.key} is not being moved here`)
    }
    return call.kind === 'future-append'
      ? this.#append(future, call.bytes, nowMs)
      : this.#finish(future, call.start, call.end, nowMs)
  }

  /** A copy that is there already is begun anew. */
  #open (identity: LogIdentity, config: LogConfig, start: Offset, nowMs: number): FutureState {
    const { disk, random, directory } = this.#options
    const key = checkpointKey(identity)
    const old = this.#futures.get(key)
    if (old !== undefined) this.#drop(key, old)
    const folder = futureFolder(directory, identity, random)
    const { logger } = this.#core.news
    const known = { clean: true, recoveryPoint: 0, logStart: start }
    const log = openLog({
      disk, random, logger, listener: unheard, folder, config, nowMs, identity, ...known
    })
    this.#futures.set(key, { identity, folder, log })
    return stateOf(log)
  }

  #append ({ log }: Future, bytes: Uint8Array, nowMs: number): FutureState {
    const records = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const { errorCode } = log.stageAsFollower(records, nowMs)
    if (errorCode !== errorCodes.NONE) throw new CallRefused(errorCode, 'the copy refuses a batch of its partition')
    log.write(nowMs)
    return stateOf(log)
  }

  /** All of it reaches the device, then the mark. */
  #finish ({ log, folder }: Future, start: Offset, end: Offset, nowMs: number): FutureState {
    const { disk, directory } = this.#options
    if (log.end < end) {
      // Compaction took the last records: the name of an empty segment says where the log goes on.
      log.roll(end, null, nowMs)
      log.reset(log.start, end)
    }
    log.advanceStart(start)
    const state = stateOf(log)
    log.close(true)
    log.files.flushNames()
    disk.fsyncDirectory(directory)
    markFinished(disk, folder, start)
    return state
  }

  #drop (key: string, { log, folder }: Future): void {
    this.#futures.delete(key)
    log.close(false)
    this.#options.disk.removeDirectory(folder)
  }

  /** A finished copy is on its way to become the partition: its folder. */
  take (key: string): string | null {
    const future = this.#futures.get(key)
    this.#futures.delete(key)
    return future?.folder ?? null
  }

  /** They stay where they are: the next start begins their moves anew. */
  close (): void {
    for (const { log } of this.#futures.values()) log.close(false)
    this.#futures.clear()
  }
}

function stateOf (log: Log): FutureState {
  return { end: log.end, bytes: log.bytes, path: log.activePath }
}
