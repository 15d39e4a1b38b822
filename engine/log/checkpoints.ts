// The small files of a log directory, in Kafka's text formats. One offset per partition:
//
//   0                 version
//   2                 entries
//   orders 0 1042     topic, partition, offset
//   orders 1 977
//
// and properties: meta.properties (who owns the directory), partition.metadata (whose folder it is), the
// mark of a clean shutdown.
import { type Disk, DiskError } from '../base/disk.ts'
import { fromKafkaUuid, kafkaUuid } from '../protocol/uuid.ts'
import { fileNames } from './names.ts'
import { type Offset } from './types.ts'

/** By folder name (`topic-partition`). */
export type OffsetCheckpoint = Map<string, Offset>

export interface MetaProperties {
  clusterId: string
  nodeId: number
  /** base64url, as Kafka prints it */
  directoryId: string
}

export function encodeOffsets (offsets: Iterable<readonly [folder: string, offset: Offset]>): Buffer {
  const lines: string[] = []
  for (const [folder, offset] of offsets) {
    const dash = folder.lastIndexOf('-')
    lines.push(`${folder.slice(0, dash)} ${folder.slice(dash + 1)} ${offset}`)
  }
  return Buffer.from(['0', String(lines.length), ...lines, ''].join('\n'))
}

/** What can be read of it: a checkpoint saves work, nothing is lost without one. */
export function decodeOffsets (text: string): OffsetCheckpoint {
  const offsets: OffsetCheckpoint = new Map()
  const lines = text.split('\n')
  if (lines[0] !== '0') return offsets
  // What is behind the last line break is half a line.
  for (const line of lines.slice(2, -1)) {
    const found = /^(\S+) (\d+) (\d+)$/.exec(line)
    if (found !== null) offsets.set(`${found[1]}-${found[2]}`, Number(found[3]))
  }
  return offsets
}

export function readOffsets (disk: Disk, directory: string, name: string): OffsetCheckpoint {
  return decodeOffsets(textOf(disk, `${directory}/${name}`) ?? '')
}

export function writeOffsets (
  disk: Disk, directory: string, name: string, offsets: Iterable<readonly [folder: string, offset: Offset]>
): void {
  disk.replaceFile(`${directory}/${name}`, encodeOffsets(offsets))
}

function propertiesOf (text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^\s*([^#!\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line)
    if (match !== null) found.set(match[1], match[2])
  }
  return found
}

export function encodeMeta (meta: MetaProperties): Buffer {
  return Buffer.from([
    '#', 'version=1', `cluster.id=${meta.clusterId}`, `node.id=${meta.nodeId}`, `directory.id=${meta.directoryId}`, ''
  ].join('\n'))
}

/** null when there is none; throws what is wrong with it otherwise. `broker.id` is how version 0 wrote it. */
export function readMeta (disk: Disk, directory: string): MetaProperties | null {
  const path = `${directory}/${fileNames.meta}`
  const text = textOf(disk, path)
  if (text === null) return null
  const found = propertiesOf(text)
  const version = found.get('version')
  const nodeId = Number(found.get('node.id') ?? found.get('broker.id') ?? '-1')
  if ((version !== '0' && version !== '1') || !Number.isInteger(nodeId)) {
    throw new Error(`${path} is damaged: version=${version}, node.id=${found.get('node.id')}`)
  }
  return { clusterId: found.get('cluster.id') ?? '', nodeId, directoryId: found.get('directory.id') ?? '' }
}

export function encodePartitionMetadata (topicId: string): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${kafkaUuid(topicId)}\n`)
}

/** The topic id (uuid text) of a partition folder; null when the file is missing or unreadable. */
export function readPartitionMetadata (disk: Disk, folder: string): string | null {
  const text = textOf(disk, `${folder}/${fileNames.partitionMetadata}`)
  const found = text === null ? null : /^version: 0\ntopic_id: (\S+)\s*$/.exec(text)
  return found === null ? null : fromKafkaUuid(found[1])
}

/** Kafka's mark: its presence says that nothing has to be recovered. */
export function encodeCleanShutdown (brokerEpoch: number): Buffer {
  return Buffer.from(`{"broker_epoch":"${brokerEpoch}","version":"0"}`)
}

/** The whole file as text; null when there is none. */
export function textOf (disk: Disk, path: string): string | null {
  try {
    return disk.readFile(path).toString('utf8')
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return null
    throw error
  }
}

/**
 * Old or new after a kill of the process; after a power cut perhaps neither. For what can be rebuilt from
 * the log.
 */
export function replaceFileUnsynced (disk: Disk, path: string, bytes: Uint8Array): void {
  const file = disk.open(`${path}.tmp`, 'write')
  try {
    disk.truncate(file, 0)
    disk.writev(file, [bytes], 0)
  } finally {
    disk.close(file)
  }
  disk.rename(`${path}.tmp`, path)
}
