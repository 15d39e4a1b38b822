// The file under the embedded catalog: one append-only log of changes that begins with a snapshot of
// everything.
//
//   millrace.catalog
//   | "millrace catalog" | 1      | entry | entry | entry | ...
//   0                    16       20
//                        ^ version, uint32
//
//   entry | bytes  | crc32c | a change, or a snapshot in the first: JSON, UTF-8 |
//         0        4        8
//           ^ of the JSON     ^ of the JSON
//
// A change counts when its entry is fsynced. What a crash tears off is the last entry at most, which nobody
// was told of: it is cut away before the next one is written. Damage before a whole entry is no crash's work:
// the broker does not start on it. When the changes outgrow the snapshot, a new file with a new snapshot
// replaces the old one at once (rename).
//
// It is a plain file in the first log directory and no folder: Kafka takes every folder there for a partition
// and does not start on one whose name is none, while it passes over files it does not know.
import { assert } from '../base/assert.ts'
import { crc32c } from '../base/crc32c.ts'
import { type Disk, type FileHandle } from '../base/disk.ts'

export const catalogFileName = 'millrace.catalog'

const magic = Buffer.from('millrace catalog', 'latin1')
const version = 1
const headerBytes = magic.length + 4
const entryHeaderBytes = 8
/** Below this a new snapshot saves nothing worth a rename. */
const quietBytes = 262_144
/** A length above this in an entry's header is damage: no change of ours comes near it. */
const entryBytesMax = 1 << 28

/** The file is not what this version wrote, or was damaged after it was written. */
export class CatalogDamagedError extends Error {
  override readonly name = 'CatalogDamagedError'
}

export interface MetadataLog<Snapshot, Change> {
  /** null: the file was not there. */
  readonly snapshot: Snapshot | null
  /** Those after the snapshot, in order. */
  readonly changes: readonly Change[]
  /** Durable when it returns. A DiskError is final: what is in the file is unknown until it is opened anew.
   *  */
  append (change: Change): void
  /** The changes have outgrown the snapshot: time for replace(). */
  readonly wantsSnapshot: boolean
  /** A new file that begins with this snapshot takes the place of the old one. */
  replace (snapshot: Snapshot): void
  close (): void
}

/** Only reads; the first append() or replace() is the first to write. */
export function openMetadataLog<Snapshot, Change> (disk: Disk, path: string): MetadataLog<Snapshot, Change> {
  return new FileMetadataLog<Snapshot, Change>(disk, path)
}

class FileMetadataLog<Snapshot, Change> implements MetadataLog<Snapshot, Change> {
  readonly snapshot: Snapshot | null
  readonly changes: readonly Change[]
  readonly #disk: Disk
  readonly #path: string
  #file: FileHandle | null = null
  #end = 0 // every entry below it is whole and fsynced
  #snapshotBytes = 0

  constructor (disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
    if (disk.status(path) === null) {
      this.snapshot = null
      this.changes = []
      return
    }
    const entries = this.#read(disk.readFile(path))
    this.snapshot = entries[0] as Snapshot
    this.changes = entries.slice(1) as Change[]
  }

  get wantsSnapshot (): boolean {
    return this.#end - this.#snapshotBytes > Math.max(quietBytes, 2 * this.#snapshotBytes)
  }

  append (change: Change): void {
    assert(this.#end > 0, 'a catalog file begins with a snapshot')
    const file = this.#file ?? this.#openCut()
    const slices = entryOf(change)
    this.#disk.writev(file, slices, this.#end)
    this.#disk.fsync(file)
    this.#end += bytesOf(slices)
  }

  replace (snapshot: Snapshot): void {
    const header = Buffer.alloc(headerBytes)
    magic.copy(header)
    header.writeUInt32BE(version, magic.length)
    const bytes = Buffer.concat([header, ...entryOf(snapshot)])
    this.close()
    this.#disk.replaceFile(this.#path, bytes)
    this.#end = this.#snapshotBytes = bytes.length
  }

  close (): void {
    if (this.#file !== null) this.#disk.close(this.#file)
    this.#file = null
  }

  /** Without what a crash left of an entry behind the last whole one. */
  #openCut (): FileHandle {
    const file = this.#disk.open(this.#path, 'write')
    this.#file = file
    if (this.#disk.size(file) > this.#end) this.#disk.truncate(file, this.#end)
    return file
  }

  #read (bytes: Buffer): unknown[] {
    if (bytes.length < headerBytes || bytes.compare(magic, 0, magic.length, 0, magic.length) !== 0) {
      throw new CatalogDamagedError(`${this.#path} does not begin as a catalog does`)
    }
    const found = bytes.readUInt32BE(magic.length)
    if (found !== version) throw new CatalogDamagedError(`${this.#path} has version ${found}; this broker reads ${version}`)
    const entries: unknown[] = []
    let at = headerBytes
    for (let end = entryEnd(bytes, at); end > 0; end = entryEnd(bytes, at)) {
      entries.push(JSON.parse(bytes.toString('utf8', at + entryHeaderBytes, end)))
      at = end
      if (entries.length === 1) this.#snapshotBytes = at
    }
    if (entries.length === 0 || holdsEntry(bytes, at + 1)) {
      throw new CatalogDamagedError(`${this.#path} is damaged at byte ${at}`)
    }
    this.#end = at
    return entries
  }
}

/** Where the entry at `at` ends; -1 when there is no whole one. */
function entryEnd (bytes: Buffer, at: number): number {
  if (at + entryHeaderBytes > bytes.length) return -1
  const length = bytes.readUInt32BE(at)
  const end = at + entryHeaderBytes + length
  if (length === 0 || length > entryBytesMax || end > bytes.length) return -1
  return crc32c(bytes, at + entryHeaderBytes, end) === bytes.readUInt32BE(at + 4) ? end : -1
}

/** Whether a whole entry begins anywhere from `from` on: then what lies before it was written once and was
 *  damaged since. */
function holdsEntry (bytes: Buffer, from: number): boolean {
  for (let at = from; at + entryHeaderBytes < bytes.length; at++) {
    // JSON of ours begins with a brace: this spares nearly all checksums.
    if (bytes[at + entryHeaderBytes] === 0x7b && entryEnd(bytes, at) > 0) return true
  }
  return false
}

function entryOf (value: unknown): [Buffer, Buffer] {
  const body = Buffer.from(JSON.stringify(value), 'utf8')
  const header = Buffer.alloc(entryHeaderBytes)
  header.writeUInt32BE(body.length, 0)
  header.writeUInt32BE(crc32c(body), 4)
  return [header, body]
}

function bytesOf (slices: readonly Buffer[]): number {
  return slices.reduce((sum, slice) => sum + slice.length, 0)
}
