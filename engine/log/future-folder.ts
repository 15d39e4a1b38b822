// The folder in which a partition's copy grows that will take its place, when it moves to another log
// directory:
//
//   1  b/orders-0.<id>-future          the copy grows, its partition serves from a/orders-0
//   2  ... /millrace.copied            all is in it and on the device; nothing is appended meanwhile. The
//                                      file holds the log's start until the directory's checkpoint does
//   3  a/orders-0.<id>-delete          the old folder is set aside: from here on the copy is the partition
//   4  b/orders-0                      the copy gets its name
//
// A start after a crash before 3 finds the old folder, which counts, and begins the move anew; after 3 it
// finds a finished copy and no old folder, and goes on with 4.
import { type Disk } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { folderOf } from './log-directory.ts'
import { fileNames, markedFolder, parseFolder } from './names.ts'
import { type LogIdentity, type Offset } from './types.ts'

export interface FoundFuture {
  topic: string
  partition: number
  folder: string
  /** It holds all that its partition held. */
  finished: boolean
}

/** What Kafka says to a topic whose name leaves no room for the mark. */
const folderNameBytesMax = 255

export function futureFolder (path: string, { topic, partition }: LogIdentity, random: Random): string {
  return `${path}/${markedFolder(topic, partition, random.uuid().replaceAll('-', ''), 'future')}`
}

export function mayHaveFuture (topic: string, partition: number): boolean {
  const tail = `-${partition}.${'0'.repeat(32)}-future`
  return topic.length + tail.length <= folderNameBytesMax
}

export function findFutures (disk: Disk, path: string): FoundFuture[] {
  const found: FoundFuture[] = []
  if (disk.status(path) === null) return found
  for (const name of disk.list(path)) {
    const { kind, topic, partition } = parseFolder(name)
    if (kind !== 'future') continue
    const folder = `${path}/${name}`
    found.push({ topic, partition, folder, finished: disk.status(`${folder}/${fileNames.copied}`) !== null })
  }
  return found
}

export function markFinished (disk: Disk, folder: string, start: Offset): void {
  disk.replaceFile(`${folder}/${fileNames.copied}`, Buffer.from(String(start)))
}

/** The copy becomes the partition: it gets its name. */
export function promoteFuture (disk: Disk, path: string, folder: string, identity: LogIdentity): void {
  disk.rename(folder, folderOf(path, identity))
  disk.fsyncDirectory(path)
}

/** At a start, when all directories can be read: what a crash left of moves. Finished copies without a
 *  partition take its place; of partitions that are there the result tells where they were going, so that
 *  their moves begin anew. */
export function settleFutures (
  disk: Disk, directories: readonly string[], logger: Logger
): Map<string, string> {
  const unfinished = new Map<string, string>()
  for (const path of directories) {
    for (const { topic, partition, folder, finished } of findFutures(disk, path)) {
      const identity = { topic, topicId: '', partition }
      const key = `${topic}-${partition}`
      const served = directories.some(other => disk.status(folderOf(other, identity)) !== null)
      if (finished && !served) {
        promoteFuture(disk, path, folder, identity)
        logger.info({ folder, partition: key }, 'a partition that was being moved has arrived')
      } else if (served) {
        unfinished.set(key, path)
        disk.removeDirectory(folder)
      } else {
        logger.warn({ folder }, 'half a partition that was being moved, and the whole is nowhere: it is left alone')
      }
    }
  }
  return unfinished
}
