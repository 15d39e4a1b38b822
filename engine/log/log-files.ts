// The files of one partition beside its records: epochs, producer snapshots, what waits to be unlinked,
// what waits to be flushed.
import { type Disk, isOutOfFiles } from '../base/disk.ts'
import { encodePartitionMetadata, replaceFileUnsynced } from './checkpoints.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { asideFile } from './compaction/retired.ts'
import { fileNames, offsetFile, offsetOfName, segmentSuffixes, suffix } from './names.ts'
import { type LogParts } from './partition-log.ts'
import { Segment } from './segment.ts'
import { type LogConfig, type Offset } from './types.ts'

/** A sealed segment that is not known to be on the device. */
export interface UnflushedSegment {
  readonly path: string
  readonly baseOffset: Offset
  /** The offset behind its last record. */
  readonly end: Offset
}

export class LogFiles {
  epochs = new LeaderEpochs()
  /** Sealed segments that were not flushed, oldest first. */
  readonly unflushed: UnflushedSegment[] = []
  readonly #parts: LogParts
  /** All below is flushed but for the segments in `unflushed`. */
  #flushedTo: Offset = 0
  /** Nothing is known to be on the device, not even where the log was cut: the next flush is a whole one. */
  mistrusted = false
  /** The epochs in memory are newer than the file's. */
  #epochsUnwritten = false
  /** The file is written, and may be lost in a power cut. */
  #epochsUnsynced = false
  /** Names were added that a power cut may lose. */
  #namesDirty = false
  /** The folder itself is new, and with it the file that says whose it is. */
  #folderNew = false
  /** Renamed files and when they go, in that order. */
  readonly #doomed: { path: string, dueMs: number }[] = []

  constructor (parts: LogParts) {
    this.#parts = parts
  }

  get #disk (): Disk {
    return this.#parts.disk
  }

  jitterMs (config: LogConfig): number {
    const bound = Math.min(config.segmentJitterMs, config.segmentMs)
    return bound > 0 ? this.#parts.random.below(bound) : 0
  }

  createSegment (base: Offset, config: LogConfig, nowMs: number): Segment {
    const { disk, folder, identity } = this.#parts
    const owner = `${identity.topicId}-${identity.partition}`
    const segment = new Segment(disk, folder, base, owner, nowMs, this.jitterMs(config))
    try {
      segment.create(config.preallocate ? config.segmentBytes : 0)
      this.#namesDirty = true
      if (config.durability !== 'page-cache') this.flushNames()
      return segment
    } catch (error) {
      segment.closeFile()
      throw error
    }
  }

  epochsChanged (): void {
    this.#epochsUnwritten = true
    this.#parts.listener.epochsChanged(this.epochs.entries)
  }

  /**
   * Before the first record of a new epoch is written. Not synced unless every write is: a power cut may
   * lose it, but recovery reads the epochs again from the batches that are not flushed.
   */
  writeEpochs (synced: boolean): void {
    if (!this.#epochsUnwritten) return
    const path = `${this.#parts.folder}/${fileNames.leaderEpochs}`
    if (synced) this.#disk.replaceFile(path, this.epochs.encode())
    else replaceFileUnsynced(this.#disk, path, this.epochs.encode())
    this.#epochsUnwritten = false
    this.#epochsUnsynced = !synced
  }

  /** An epoch without records is not worth a file: the next leader's would replace it. */
  syncEpochs (): void {
    if (!this.#epochsUnsynced) return
    this.#epochsUnwritten = true
    this.writeEpochs(true)
  }

  sealed (segment: Segment, end: Offset, synced = false): void {
    this.unflushed.push({ path: segment.path, baseOffset: segment.baseOffset, end })
    try {
      if (synced) this.flushSealed()
    } catch (error) {
      // No descriptor for it now: the disk thread will have one.
      if (!isOutOfFiles(error)) throw error
    }
  }

  /**
   * The file that holds what lies before `end` was flushed. Returns how far that really reaches: a sealed
   * segment before it may still wait for its own, and then the end of this one counts.
   */
  flushed (end: Offset): Offset {
    this.#flushedTo = Math.max(this.#flushedTo, end)
    const first = this.unflushed[0]
    return first === undefined ? this.#flushedTo : Math.min(this.#flushedTo, first.baseOffset)
  }

  /** The log ends there now. Returns that. */
  cut (end: Offset): Offset {
    this.#flushedTo = Math.min(this.#flushedTo, end)
    return end
  }

  flushSealed (): void {
    for (const { path, end } of this.unflushed) syncSegment(this.#disk, path, end)
    this.unflushed.length = 0
  }

  /** Everything. */
  flushAll (active: Segment): void {
    this.flushSealed()
    active.writeIndexes()
    active.syncAborted()
    this.#disk.fsync(active.file)
    this.syncEpochs()
    this.flushNames()
    this.mistrusted = false
  }

  /** That sealed segment is on the device, or gone. */
  dropUnflushed (baseOffset: Offset): void {
    const at = this.unflushed.findIndex(segment => segment.baseOffset === baseOffset)
    if (at >= 0) this.unflushed.splice(at, 1)
  }

  /** After a start that was not preceded by a clean end. */
  mistrust (): void {
    this.mistrusted = true
    this.#epochsUnsynced = true
    this.#namesDirty = true
    this.#folderNew = true
  }

  namesChanged (): void {
    this.#namesDirty = true
  }

  flushNames (): void {
    const { folder } = this.#parts
    const metadata = `${folder}/${fileNames.partitionMetadata}`
    if (this.#folderNew && this.#disk.status(metadata) !== null) syncFile(this.#disk, metadata)
    if (this.#namesDirty || this.#folderNew) this.#disk.fsyncDirectory(folder)
    if (this.#folderNew) this.#disk.fsyncDirectory(folder.slice(0, folder.lastIndexOf('/')))
    this.#namesDirty = false
    this.#folderNew = false
  }

  /**
   * Makes the partition's folder. On the device with the first flush: an empty partition is worth no wait.
   */
  createFolder (): void {
    const { disk, folder, identity } = this.#parts
    disk.makeDirectory(folder)
    const path = `${folder}/${fileNames.partitionMetadata}`
    replaceFileUnsynced(disk, path, encodePartitionMetadata(identity.topicId))
    this.#folderNew = true
  }

  writeSnapshot (offset: Offset, bytes: Buffer): void {
    replaceFileUnsynced(this.#disk, offsetFile(this.#parts.folder, offset, suffix.snapshot), bytes)
  }

  /** Snapshots on disk, ascending. */
  snapshots (): Offset[] {
    const names = this.#disk.list(this.#parts.folder)
    return names.map(name => offsetOfName(name, suffix.snapshot)).filter(offset => offset >= 0)
  }

  removeSnapshots (unwanted: (offset: Offset) => boolean): void {
    for (const offset of this.snapshots()) {
      if (unwanted(offset)) this.#disk.unlink(offsetFile(this.#parts.folder, offset, suffix.snapshot))
    }
  }

  /**
   * Takes a segment's files out of the log at once, and off the disk when the time has come: readers may
   * have them open.
   */
  doom (segment: Segment, dueMs: number): void {
    segment.closeFile()
    this.dropUnflushed(segment.baseOffset)
    for (const ending of [...segmentSuffixes, suffix.snapshot]) {
      const path = segment.pathOf(ending)
      if (this.#disk.status(path) === null) continue
      this.#disk.rename(path, path + suffix.deleted)
      this.#doomed.push({ path: path + suffix.deleted, dueMs })
    }
    this.#namesDirty = true
    this.#parts.listener.segmentRemoved(segment.baseOffset)
  }

  /**
   * A segment whose name another takes at once: its files wait under names of their own for readers that
   * still want them.
   */
  setAside (segment: Segment, dueMs: number): void {
    segment.closeFile()
    this.dropUnflushed(segment.baseOffset)
    for (const ending of segmentSuffixes) {
      const path = segment.pathOf(ending)
      if (this.#disk.status(path) === null) continue
      const aside = asideFile(path, segment.serial)
      this.#disk.rename(path, aside)
      this.#doomed.push({ path: aside, dueMs })
    }
    this.#namesDirty = true
  }

  unlinkDue (nowMs: number): void {
    while (this.#doomed.length > 0 && this.#doomed[0].dueMs <= nowMs) this.#unlinkFirst()
  }

  /** The same, by whoever may wait for the disk: to free a gigabyte takes a while. */
  giveUpDue (nowMs: number): void {
    const { listener } = this.#parts
    if (listener.unlink === undefined) return this.unlinkDue(nowMs)
    const doomed = this.#doomed
    while (doomed.length > 0 && doomed[0].dueMs <= nowMs) listener.unlink(doomed.shift()!.path)
  }

  unlinkAll (): void {
    while (this.#doomed.length > 0) this.#unlinkFirst()
  }

  #unlinkFirst (): void {
    const doomed = this.#doomed.shift()
    if (doomed !== undefined && this.#disk.status(doomed.path) !== null) this.#disk.unlink(doomed.path)
  }
}

/**
 * Everything that makes a segment last up to the offset `end`, by the path of its .log. A start does not read
 * its records again: it believes the indexes, the leader epochs and the producers as they were there, and
 * looks for all of them by name.
 */
export function syncSegment (disk: Disk, path: string, end: Offset): void {
  const folder = path.slice(0, path.lastIndexOf('/'))
  syncFile(disk, path)
  const others = [
    offsetFile(folder, end, suffix.snapshot),
    ...segmentSuffixes.slice(1).map(ending => path.slice(0, -suffix.log.length) + ending),
    `${folder}/${fileNames.leaderEpochs}`,
    `${folder}/${fileNames.partitionMetadata}`
  ]
  for (const other of others) if (disk.status(other) !== null) syncFile(disk, other)
  disk.fsyncDirectory(folder)
  disk.fsyncDirectory(folder.slice(0, folder.lastIndexOf('/')))
}

/** Through a descriptor of its own: what any descriptor wrote into the file reaches the device. */
export function syncFile (disk: Disk, path: string): void {
  const file = disk.open(path, 'read')
  try {
    disk.fsync(file)
  } finally {
    disk.close(file)
  }
}
