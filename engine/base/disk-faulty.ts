// A disk that fails and forgets, over memory. Every change since the last fsync of its file, and every change
// of names since the last fsync of their folder, is remembered with what it replaced; crash() takes some of
// the newest back.
//
// What a crash may do:
//  - of each file: its unsynced writes and truncations are lost from some point on, in the order they were
//    made; the first lost write may be there in part (torn), with zeros where its rest was to be.
//  - of the tree: unsynced creations, removals and renames are lost from some point on; a rename happens
//    whole or not at all. As in a journaled file system the order is that of all folders: syncing a folder
//    keeps what was changed anywhere before its own last change. Syncing a file keeps its bytes, not its
//    name.

import { assert } from './assert.ts'
import { DiskError, type FileHandle, type OpenMode } from './disk.ts'
import { MemoryDisk, type MemoryFolder, type MemoryNode } from './disk-memory.ts'
import { type MemoryFile } from './memory-file.ts'
import { type Random } from './random.ts'

/** How to undo one change of a file: put `replaced` back at `position`, then cut to `size`. */
interface FileChange {
  readonly position: number
  readonly bytes: number // 0 for a truncation
  readonly replaced: Buffer
  readonly size: number
}

interface NameChange {
  readonly folder: MemoryFolder
  readonly name: string
  readonly node: MemoryNode | null
}

interface TreeChange {
  /** What was there before, in the order of the change. */
  readonly before: readonly NameChange[]
}

export type DiskOperation = 'open' | 'read' | 'write' | 'truncate' | 'fsync' | 'rename' | 'unlink' | 'make' | 'list'

export interface Fault {
  readonly operation: DiskOperation
  readonly code: string
  /** Only paths that hold this text. */
  readonly path?: string
  /** So many calls go well first. */
  readonly after?: number
  /** So many calls fail; without it, all. */
  readonly times?: number
}

interface ArmedFault {
  readonly fault: Fault
  calls: number
}

export class FaultyDisk extends MemoryDisk {
  /** Bytes that all files together may hold; beyond, writes fail with ENOSPC after what still fits. */
  capacityBytes = Infinity
  #unsynced = new Map<MemoryFile, FileChange[]>() // in the order in which they were made
  #treeChanges: TreeChange[] = [] // not yet synced, in the order in which they were made
  #faults: ArmedFault[] = []
  #dropped = new WeakSet<MemoryFile>() // an fsync of theirs has failed

  /** Calls that match fail from now on. Returns what takes the fault back. */
  failWith (fault: Fault): () => void {
    const armed = { fault, calls: 0 }
    this.#faults.push(armed)
    return () => { this.#faults = this.#faults.filter((other) => other !== armed) }
  }

  heal (): void {
    this.#faults = []
    this.capacityBytes = Infinity
  }

  /**
   * The machine stops: handles are gone, and of what was not synced some is lost. Without `random` all of it
   * is lost.
   */
  crash (random: Random | null = null): void {
    this.openFiles.clear()
    const kept = random === null ? 0 : random.below(this.#treeChanges.length + 1)
    for (let index = this.#treeChanges.length - 1; index >= kept; index--) {
      super.changeEntries(this.#treeChanges[index].before)
    }
    this.#treeChanges = []
    for (const [file, changes] of this.#unsynced) forgetChanges(file, changes, random)
    this.#unsynced.clear()
    this.#dropped = new WeakSet()
  }

  /** The process ends, the machine goes on: handles are gone, what was written is there. */
  kill (): void {
    this.openFiles.clear()
  }

  /** Changes of files and of names that a crash may lose. */
  get unsyncedChanges (): number {
    let count = this.#treeChanges.length
    for (const changes of this.#unsynced.values()) count += changes.length
    return count
  }

  override open (path: string, mode: OpenMode): FileHandle {
    this.#mayFail('open', path)
    return super.open(path, mode)
  }

  override read (file: FileHandle, target: Uint8Array, position: number): number {
    this.#mayFail('read', this.openFile(file).path)
    return super.read(file, target, position)
  }

  override writev (file: FileHandle, slices: readonly Uint8Array[], position: number): void {
    const { path } = this.openFile(file)
    const target = this.writableFile('write', file)
    const whole = Buffer.concat(slices)
    // A device that fails in the middle has taken something before.
    const fault = this.#fault('write', path)
    const fits = fault === null ? this.#fitting(target, position, whole.length) : Math.floor(whole.length / 2)
    this.#remember(target, position, fits)
    super.writev(file, [whole.subarray(0, fits)], position)
    if (fault !== null) throw new DiskError(fault.code, 'write', path)
    if (fits < whole.length) throw new DiskError('ENOSPC', 'write', path)
  }

  override truncate (file: FileHandle, bytes: number): void {
    const { path } = this.openFile(file)
    this.#mayFail('truncate', path)
    const target = this.writableFile('truncate', file)
    const replaced = Buffer.alloc(Math.max(0, target.size - bytes))
    target.read(replaced, bytes)
    this.#changesOf(target).push({ position: bytes, bytes: 0, replaced, size: target.size })
    super.truncate(file, bytes)
  }

  /** After a failed fsync the system has dropped the pages: the next one succeeds and keeps nothing. */
  override fsync (file: FileHandle): void {
    const { path, file: target } = this.openFile(file)
    const fault = this.#fault('fsync', path)
    if (fault !== null) {
      this.#dropped.add(target)
      throw new DiskError(fault.code, 'fsync', path)
    }
    if (!this.#dropped.has(target)) this.#unsynced.delete(target)
  }

  override fsyncDirectory (path: string): void {
    this.#mayFail('fsync', path)
    const folder = this.folderAt('fsync', path)
    const touches = ({ before }: TreeChange): boolean => before.some((change) => change.folder === folder)
    const last = this.#treeChanges.findLastIndex(touches)
    this.#treeChanges = this.#treeChanges.slice(last + 1)
  }

  override rename (from: string, to: string): void {
    this.#mayFail('rename', from)
    super.rename(from, to)
  }

  override unlink (path: string): void {
    this.#mayFail('unlink', path)
    super.unlink(path)
  }

  override makeDirectory (path: string): void {
    this.#mayFail('make', path)
    super.makeDirectory(path)
  }

  override removeDirectory (path: string): void {
    this.#mayFail('unlink', path)
    super.removeDirectory(path)
  }

  override list (path: string): string[] {
    this.#mayFail('list', path)
    return super.list(path)
  }

  protected override changeEntries (changes: readonly NameChange[]): void {
    // Back to front, so that undoing in that order restores what several changes of one name replaced.
    const before = changes.map(({ folder, name }): NameChange => {
      return { folder, name, node: folder.entries.get(name) ?? null }
    })
    this.#treeChanges.push({ before: before.reverse() })
    super.changeEntries(changes)
  }

  #changesOf (file: MemoryFile): FileChange[] {
    let changes = this.#unsynced.get(file)
    if (changes === undefined) {
      changes = []
      this.#unsynced.set(file, changes)
    }
    return changes
  }

  #remember (file: MemoryFile, position: number, bytes: number): void {
    const replaced = Buffer.alloc(Math.max(0, Math.min(file.size - position, bytes)))
    file.read(replaced, position)
    this.#changesOf(file).push({ position, bytes, replaced, size: file.size })
  }

  #fitting (file: MemoryFile, position: number, bytes: number): number {
    if (this.capacityBytes === Infinity) return bytes
    const free = Math.max(0, this.capacityBytes - bytesUnder(this.root))
    return Math.max(0, Math.min(bytes, file.size + free - position))
  }

  #fault (operation: DiskOperation, path: string): Fault | null {
    for (const armed of this.#faults) {
      const { fault } = armed
      if (fault.operation !== operation || !path.includes(fault.path ?? '')) continue
      const call = armed.calls++ - (fault.after ?? 0)
      if (call >= 0 && call < (fault.times ?? Infinity)) return fault
    }
    return null
  }

  #mayFail (operation: DiskOperation, path: string): void {
    const fault = this.#fault(operation, path)
    if (fault !== null) throw new DiskError(fault.code, operation, path)
  }
}

function bytesUnder (folder: MemoryFolder): number {
  let bytes = 0
  for (const node of folder.entries.values()) bytes += 'entries' in node ? bytesUnder(node) : node.size
  return bytes
}

/** Takes back the newest changes of a file; the oldest of those may stay in part, when it was a write. */
function forgetChanges (file: MemoryFile, changes: readonly FileChange[], random: Random | null): void {
  const kept = random === null ? 0 : random.below(changes.length + 1)
  for (let index = changes.length - 1; index >= kept; index--) {
    const change = changes[index]
    const torn = index === kept && random !== null && change.bytes > 0 && random.below(2) === 0
    undo(file, change, torn ? random.below(change.bytes + 1) : 0)
    if (torn && random.below(4) === 0) file.truncate(Math.max(file.size, change.position + change.bytes))
  }
}

/** Takes back one change but for the first `left` bytes of it. */
function undo (file: MemoryFile, change: FileChange, left: number): void {
  const { position, replaced, size } = change
  assert(left <= change.bytes, 'a write cannot leave more than it wrote')
  if (replaced.length > left) file.write(replaced.subarray(left), position + left)
  file.truncate(left > 0 ? Math.max(size, position + left) : size)
}
