// What the log directories held at the start, compared with the catalog: topics that another broker made,
// and partitions whose directory is not there.
import { type Disk } from '../base/disk.ts'
import { parseProperties } from '../config/properties.ts'
import { fromKafkaUuid, zeroUuid } from '../protocol/uuid.ts'
import { type DirectoryPresence } from './catalog.ts'
import { type CatalogState } from './state.ts'
import { problemWithName } from './topic-rules.ts'

/** A partition whose log lies in a log directory. */
export interface LogOnDisk { topic: string, topicId: string, partition: number }

export interface ForeignTopic {
  name: string
  /** null: the folders do not say; old brokers wrote no ids. */
  id: string | null
  partitions: number
}

/** Topics that only the folders know. Not those that were deleted while their directory could not be reached,
 *  nor an older life of a topic that is there. */
export function foreignTopics (found: readonly LogOnDisk[], state: CatalogState): ForeignTopic[] {
  const known = new Set([...state.gone ?? [], ...Object.values(state.topics).map(({ id }) => id)])
  const topics = new Map<string, ForeignTopic>()
  for (const { topic: name, topicId, partition } of found) {
    const id = topicId === '' || topicId === zeroUuid ? null : topicId
    if (state.topics[name] !== undefined || problemWithName(name) !== null) continue
    if (id !== null && known.has(id)) continue
    const topic = topics.get(name) ?? { name, id, partitions: 0 }
    topic.partitions = Math.max(topic.partitions, partition + 1)
    topics.set(name, topic)
  }
  return [...topics.values()]
}

/** Directories that this broker has used and that are not there, and the partitions that were not found: a
 *  disk that was not mounted leaves an empty folder behind. null when nothing is missing. */
export function missingLogs (
  found: readonly LogOnDisk[], present: readonly DirectoryPresence[], state: CatalogState
): { directories: string[], partitions: string[] } | null {
  const ids = new Set(present.map(({ id }) => id))
  const directories = (state.directories ?? []).filter(id => !ids.has(id))
  if (directories.length === 0) return null
  const here = new Set(found.map(({ topic, partition }) => `${topic}-${partition}`))
  const partitions = Object.values(state.topics)
    .flatMap(({ name, replicas }) => replicas.map((_, index) => `${name}-${index}`))
    .filter(partition => !here.has(partition))
  return partitions.length === 0 ? null : { directories, partitions }
}

/** The cluster a meta.properties file was written for; null when it does not say. */
export function clusterIdIn (disk: Disk, path: string): string | null {
  if (disk.status(path) === null) return null
  const id = parseProperties(disk.readFile(path).toString('utf8')).get('cluster.id')
  return id !== undefined && fromKafkaUuid(id) !== null ? id : null
}
