// File and folder names in a log directory, as Kafka writes them:
//
//   orders-0/00000000000000000042.{log,index,timeindex,snapshot}   its first offset, twenty digits
//   orders-0.0f3c...-delete    a removed partition    ...-stray, ...-future: not ours to serve
import { type Offset } from './types.ts'

export const suffix = {
  log: '.log',
  offsetIndex: '.index',
  timeIndex: '.timeindex',
  transactionIndex: '.txnindex',
  snapshot: '.snapshot',
  deleted: '.deleted',
  cleaned: '.cleaned',
  swap: '.swap'
} as const

export const fileNames = {
  partitionMetadata: 'partition.metadata',
  leaderEpochs: 'leader-epoch-checkpoint',
  meta: 'meta.properties',
  recoveryPoints: 'recovery-point-offset-checkpoint',
  highWatermarks: 'replication-offset-checkpoint',
  logStarts: 'log-start-offset-checkpoint',
  cleanShutdown: '.kafka_cleanshutdown',
  cleanerOffsets: 'cleaner-offset-checkpoint',
  lock: '.lock',
  /** In a partition's copy that is about to take its place. */
  copied: 'millrace.copied'
} as const

/** Every file that belongs to one segment, the .log first. */
export const segmentSuffixes: readonly string[] = [
  suffix.log, suffix.offsetIndex, suffix.timeIndex, suffix.transactionIndex
]

export function offsetFile (folder: string, offset: Offset, ending: string): string {
  return `${folder}/${String(offset).padStart(20, '0')}${ending}`
}

/** The offset in the name of a segment's file with that ending; -1 when it is not such a name. */
export function offsetOfName (name: string, ending: string): Offset {
  if (!name.endsWith(ending)) return -1
  const digits = name.slice(0, -ending.length)
  if (!/^\d{1,20}$/.test(digits)) return -1
  const offset = Number(digits)
  return Number.isSafeInteger(offset) ? offset : -1
}

/** The offset a name begins with, whatever follows (`.log.swap`, `.index.cleaned`); -1 when there is none. */
export function leadingOffset (name: string): Offset {
  const digits = /^(\d{1,20})\./.exec(name)
  if (digits === null) return -1
  const offset = Number(digits[1])
  return Number.isSafeInteger(offset) ? offset : -1
}

export type FolderKind = 'partition' | 'deleted' | 'stray' | 'future' | 'other'

export interface FolderName {
  kind: FolderKind
  topic: string
  partition: number
}

const marked = /^(\S+)-(\d+)\.\S+-(delete|stray|future)$/
const plain = /^([a-zA-Z0-9._-]{1,249})-(\d+)$/
const kinds = { delete: 'deleted', stray: 'stray', future: 'future' } as const

/** What a folder in a log directory is by its name. */
export function parseFolder (name: string): FolderName {
  const mark = marked.exec(name)
  if (mark !== null) {
    return { kind: kinds[mark[3] as keyof typeof kinds], topic: mark[1], partition: Number(mark[2]) }
  }
  const found = plain.exec(name)
  if (found === null || Number(found[2]) > 2147483647) return { kind: 'other', topic: '', partition: -1 }
  return { kind: 'partition', topic: found[1], partition: Number(found[2]) }
}

export function partitionFolder (topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** The longest folder name most file systems take; Kafka shortens the topic so that the mark still fits. */
const folderNameBytesMax = 255

/** A name under which a removed or unknown partition waits; `id` makes it unique (a uuid without hyphens). */
export function markedFolder (
  topic: string, partition: number, id: string, mark: 'delete' | 'stray' | 'future'
): string {
  const tail = `-${partition}.${id}-${mark}`
  return topic.slice(0, folderNameBytesMax - tail.length) + tail
}
