// A log directory as a whole: whose it is, which partitions lie in it, how far each was flushed, and
// whether it was closed cleanly. Plain functions: several workers may serve one directory, so its common
// files are written by whoever speaks for all of them.
import { type Disk } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import {
  encodeCleanShutdown, encodeMeta, type MetaProperties, type OffsetCheckpoint, readMeta, readOffsets,
  readPartitionMetadata, textOf, writeOffsets
} from './checkpoints.ts'
import { fileNames, markedFolder, parseFolder, partitionFolder } from './names.ts'
import { type LogIdentity, type Offset } from './types.ts'

export interface DirectoryOptions {
  disk: Disk
  path: string
  nodeId: number
  clusterId: string
  logger: Logger
  random: Random
}

/** A partition folder and what the directory's checkpoints say about it. Plain data: it may cross threads. */
export interface FoundPartition extends LogIdentity {
  /** The whole path. */
  folder: string
  /** -1: no checkpoint knows it. */
  recoveryPoint: Offset
  logStart: Offset
  highWatermark: Offset
  /** The checkpoints do not know it: it was put here while the directory was closed, and must be checked. */
  foreign: boolean
}

export interface OpenedDirectory {
  path: string
  /** base64url */
  directoryId: string
  /** It was closed cleanly: nothing has to be recovered. */
  clean: boolean
  partitions: FoundPartition[]
}

/** Takes possession: identity checked, leftovers of deleted partitions removed, the clean mark taken away. */
export function openDirectory (options: DirectoryOptions): OpenedDirectory {
  const { disk, path } = options
  disk.makeDirectory(path)
  const meta = ownMeta(options)
  writeLockFile(disk, path)
  const mark = `${path}/${fileNames.cleanShutdown}`
  const clean = disk.status(mark) !== null
  if (clean) {
    disk.unlink(mark)
    // It must not come back after a power cut: by then the logs are not clean any more.
    disk.fsyncDirectory(path)
  }
  const partitions = findPartitions(options)
  // From now on a log that no checkpoint knows is a new one.
  const isNew = partitions.length === 0 && disk.status(`${path}/${fileNames.recoveryPoints}`) === null
  if (isNew) writeOffsets(disk, path, fileNames.recoveryPoints, [])
  return { path, directoryId: meta.directoryId, clean, partitions }
}

function ownMeta (options: DirectoryOptions): MetaProperties {
  const { disk, path, nodeId, clusterId, random } = options
  const meta = readMeta(disk, path)
  if (meta === null || meta.directoryId === '' || meta.clusterId === '') {
    if (meta !== null) checkOwner(meta, options)
    const directoryId = meta?.directoryId || newId(random)
    const own = { clusterId, nodeId, directoryId }
    disk.replaceFile(`${path}/${fileNames.meta}`, encodeMeta(own))
    return own
  }
  checkOwner(meta, options)
  return meta
}

function newId (random: Random): string {
  return random.bytes(16).toString('base64url')
}

function checkOwner (meta: MetaProperties, { path, nodeId, clusterId }: DirectoryOptions): void {
  if (meta.clusterId !== '' && meta.clusterId !== clusterId) {
    throw new Error(`${path}/${fileNames.meta}: the log directory belongs to the cluster ${meta.clusterId}, this broker to ${clusterId}`)
  }
  if (meta.nodeId >= 0 && meta.nodeId !== nodeId) {
    throw new Error(`${path}/${fileNames.meta}: the log directory belongs to the broker ${meta.nodeId}, this one is ${nodeId}`)
  }
}

/** The cluster id a directory was made for; null when it is new. */
export function clusterIdOf (disk: Disk, path: string): string | null {
  const meta = disk.status(path) === null ? null : readMeta(disk, path)
  return meta === null || meta.clusterId === '' ? null : meta.clusterId
}

/** Kafka's own brokers look for it, so that none opens a directory in which we work. */
function writeLockFile (disk: Disk, path: string): void {
  disk.close(disk.open(`${path}/${fileNames.lock}`, 'write'))
}

/** Without those of logs that are gone: they must not count for the next log of that name. */
function readOwnOffsets (disk: Disk, path: string, name: string): OffsetCheckpoint {
  const offsets = readOffsets(disk, path, name)
  const gone = [...offsets.keys()].filter(folder => disk.status(`${path}/${folder}`) === null)
  for (const folder of gone) offsets.delete(folder)
  if (gone.length > 0) writeOffsets(disk, path, name, offsets)
  return offsets
}

function findPartitions (options: DirectoryOptions): FoundPartition[] {
  const { disk, path, logger } = options
  const recoveryPoints = readOwnOffsets(disk, path, fileNames.recoveryPoints)
  const logStarts = readOwnOffsets(disk, path, fileNames.logStarts)
  const highWatermarks = readOwnOffsets(disk, path, fileNames.highWatermarks)
  // Missing in a checkpoint that is there: the log is newer than it.
  const complete = disk.status(`${path}/${fileNames.recoveryPoints}`) !== null
  const found: FoundPartition[] = []
  for (const name of disk.list(path)) {
    const { kind, topic, partition } = parseFolder(name)
    const folder = `${path}/${name}`
    if (kind === 'other' || disk.status(folder)?.directory !== true) continue
    if (kind === 'deleted') disk.removeDirectory(folder)
    else if (kind === 'stray') logger.warn({ folder }, `the folder is marked as ${kind}: it is left alone`)
    else if (kind === 'partition' && topic !== kraftLog) {
      found.push({
        topic,
        partition,
        topicId: readPartitionMetadata(disk, folder) ?? zeroUuid,
        folder,
        recoveryPoint: recoveryPoints.get(name) ?? (complete ? 0 : -1),
        logStart: Math.max(logStarts.get(name) ?? 0, startOfMoved(disk, folder)),
        highWatermark: highWatermarks.get(name) ?? 0,
        foreign: !recoveryPoints.has(name)
      })
    }
  }
  return found
}

/** Of a partition that came from another directory: the checkpoint may not know it yet. */
function startOfMoved (disk: Disk, folder: string): Offset {
  const mark = `${folder}/${fileNames.copied}`
  const start = disk.status(mark) === null ? 0 : Number(textOf(disk, mark))
  return Number.isSafeInteger(start) && start > 0 ? start : 0
}

/** What a KRaft broker keeps beside its partitions; no topic of clients. */
const kraftLog = '__cluster_metadata'

export interface DirectoryCheckpoint {
  recoveryPoints?: OffsetCheckpoint
  highWatermarks?: OffsetCheckpoint
  /** Only of logs that start above their first segment. */
  logStarts?: OffsetCheckpoint
}

/** Atomically, each file as a whole. Keys are folder names: see checkpointKey. */
export function checkpointDirectory (disk: Disk, path: string, checkpoint: DirectoryCheckpoint): void {
  const { recoveryPoints, highWatermarks, logStarts } = checkpoint
  if (recoveryPoints !== undefined) writeOffsets(disk, path, fileNames.recoveryPoints, recoveryPoints)
  if (logStarts !== undefined) writeOffsets(disk, path, fileNames.logStarts, logStarts)
  if (highWatermarks !== undefined) writeOffsets(disk, path, fileNames.highWatermarks, highWatermarks)
}

export function checkpointKey (identity: LogIdentity): string {
  return partitionFolder(identity.topic, identity.partition)
}

/**
 * The last thing that happens to a directory, after all its logs are closed and the checkpoints are
 * written.
 */
export function markClean (disk: Disk, path: string, brokerEpoch: number): void {
  disk.replaceFile(`${path}/${fileNames.cleanShutdown}`, encodeCleanShutdown(brokerEpoch))
}

/** Where a partition's folder is, or will be. */
export function folderOf (path: string, identity: LogIdentity): string {
  return `${path}/${partitionFolder(identity.topic, identity.partition)}`
}

/**
 * Takes a closed log's folder out of sight at once. Returns its new path: to be removed when its readers
 * are done.
 */
export function setAside (
  disk: Disk, path: string, identity: LogIdentity, random: Random, mark: 'delete' | 'stray'
): string {
  const id = random.uuid().replaceAll('-', '')
  const aside = `${path}/${markedFolder(identity.topic, identity.partition, id, mark)}`
  disk.rename(folderOf(path, identity), aside)
  disk.fsyncDirectory(path)
  return aside
}
