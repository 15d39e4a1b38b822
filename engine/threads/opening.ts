// The start of all log directories together: a directory that cannot be used is left out, moves between them
// are brought to an end, and no partition may be in two of them.
import { type Disk, DiskError } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { settleFutures } from '../log/future-folder.ts'
import { checkpointKey, type FoundPartition, type OpenedDirectory } from '../log/log-directory.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type DirectoryKeeper } from './keeper.ts'
import { CallRefused } from './log-core.ts'

export interface OpenedLogs {
  found: { log: FoundPartition, keeper: DirectoryKeeper }[]
  /** Folder names of partitions that were being moved, and the directories they were moving to. */
  moving: ReadonlyMap<string, string>
}

export interface OpeningParts {
  disk: Disk
  logger: Logger
  keepers: readonly DirectoryKeeper[]
  failed (keeper: DirectoryKeeper, error: Error): void
}

export async function openDirectories (parts: OpeningParts): Promise<OpenedLogs> {
  const { keepers } = parts
  await Promise.all(keepers.map(keeper => unlessItFails(parts, keeper, () => keeper.lock())))
  const moving = settleMoves(parts)
  const opened: { keeper: DirectoryKeeper, directory: OpenedDirectory }[] = []
  for (const keeper of keepers.filter(({ failure }) => failure === null)) {
    await unlessItFails(parts, keeper, () => { opened.push({ keeper, directory: keeper.open() }) })
  }
  const found = opened.flatMap(({ keeper, directory }) => directory.partitions.map(log => ({ log, keeper })))
  refuseTwins(found)
  await Promise.all(opened.map(({ keeper, directory }) =>
    unlessItFails(parts, keeper, () => keeper.recover(directory))))
  return { found: found.filter(({ keeper }) => keeper.failure === null), moving }
}

async function unlessItFails (
  { failed }: OpeningParts, keeper: DirectoryKeeper, step: () => void | Promise<void>
): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (!isDiskFailure(error)) throw error
    failed(keeper, error as Error)
  }
}

/** Only when every directory can be read: what is not here may be in the one that is not. */
function settleMoves ({ disk, logger, keepers }: OpeningParts): ReadonlyMap<string, string> {
  if (keepers.some(({ failure }) => failure !== null)) return new Map()
  try {
    return settleFutures(disk, keepers.map(({ path }) => path), logger)
  } catch (error) {
    // Opening it says so as well.
    if (!isDiskFailure(error)) throw error
    return new Map()
  }
}

/** The directory of one of them failed while it was being moved, and has come back. Who knows which of them
 *  has what the other lacks? */
function refuseTwins (found: OpenedLogs['found']): void {
  const folders = new Map<string, string>()
  for (const { log } of found) {
    const key = checkpointKey(log)
    const other = folders.get(key)
    if (other !== undefined) {
      throw new Error(`the partition ${key} is in two log directories: remove ${other} or ${log.folder}`)
    }
    folders.set(key, log.folder)
  }
}

function isDiskFailure (error: unknown): boolean {
  if (error instanceof DiskError) return true
  return error instanceof CallRefused && error.errorCode === errorCodes.KAFKA_STORAGE_ERROR
}
