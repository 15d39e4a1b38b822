// A disk in memory: for brokers that keep nothing, and for tests. Paths are POSIX-like; folders are a tree,
// so that renaming one moves what is in it. An unlinked file lives on in the handles that have it open, as on
// a real disk.

import { posix } from 'node:path'
import { assert } from './assert.ts'
import { type Disk, DiskError, type FileHandle, type FileStatus, type OpenMode } from './disk.ts'
import { MemoryFile } from './memory-file.ts'

export class MemoryFolder {
  readonly entries = new Map<string, MemoryFolder | MemoryFile>()
}

export type MemoryNode = MemoryFolder | MemoryFile

interface OpenFile {
  readonly file: MemoryFile
  readonly path: string
  readonly writable: boolean
}

interface Place {
  readonly folder: MemoryFolder
  readonly name: string
}

function partsOf (path: string): string[] {
  return posix.resolve('/', path.replaceAll('\\', '/')).split('/').filter((part) => part !== '')
}

export class MemoryDisk implements Disk {
  protected root = new MemoryFolder()
  protected openFiles = new Map<FileHandle, OpenFile>()
  #nextHandle = 3
  readonly #nowMs: () => number

  /** `nowMs` dates files; without it all are from the epoch's beginning. */
  constructor (nowMs: () => number = () => 0) {
    this.#nowMs = nowMs
  }

  open (path: string, mode: OpenMode): FileHandle {
    const { folder, name } = this.placeOf('open', path)
    let node = folder.entries.get(name)
    if (node instanceof MemoryFolder) throw new DiskError('EISDIR', 'open', path)
    if (node === undefined) {
      if (mode === 'read') throw new DiskError('ENOENT', 'open', path)
      node = new MemoryFile()
      node.modifiedMs = this.#nowMs()
      this.changeEntries([{ folder, name, node }])
    } else if (mode === 'new') {
      throw new DiskError('EEXIST', 'open', path)
    }
    const handle = this.#nextHandle++
    this.openFiles.set(handle, { file: node, path, writable: mode !== 'read' })
    return handle
  }

  close (file: FileHandle): void {
    this.openFile(file)
    this.openFiles.delete(file)
  }

  size (file: FileHandle): number {
    return this.openFile(file).file.size
  }

  read (file: FileHandle, target: Uint8Array, position: number): number {
    return this.openFile(file).file.read(target, position)
  }

  writev (file: FileHandle, slices: readonly Uint8Array[], position: number): void {
    const target = this.writableFile('write', file)
    for (const slice of slices) {
      target.write(slice, position)
      position += slice.length
    }
    target.modifiedMs = this.#nowMs()
  }

  truncate (file: FileHandle, bytes: number): void {
    const target = this.writableFile('truncate', file)
    target.truncate(bytes)
    target.modifiedMs = this.#nowMs()
  }

  fsync (file: FileHandle): void {
    this.openFile(file)
  }

  fsyncDirectory (path: string): void {
    this.folderAt('fsync', path)
  }

  rename (from: string, to: string): void {
    const source = this.placeOf('rename', from)
    const target = this.placeOf('rename', to)
    const node = source.folder.entries.get(source.name)
    if (node === undefined) throw new DiskError('ENOENT', 'rename', from)
    const replaced = target.folder.entries.get(target.name)
    if (replaced === node) return
    if (replaced instanceof MemoryFolder) {
      if (node instanceof MemoryFile) throw new DiskError('EISDIR', 'rename', to)
      if (replaced.entries.size > 0) throw new DiskError('ENOTEMPTY', 'rename', to)
    } else if (replaced !== undefined && node instanceof MemoryFolder) {
      throw new DiskError('ENOTDIR', 'rename', to)
    }
    this.changeEntries([{ ...source, node: null }, { ...target, node }])
  }

  unlink (path: string): void {
    const { folder, name } = this.placeOf('unlink', path)
    const node = folder.entries.get(name)
    if (node === undefined) throw new DiskError('ENOENT', 'unlink', path)
    if (node instanceof MemoryFolder) throw new DiskError('EISDIR', 'unlink', path)
    this.changeEntries([{ folder, name, node: null }])
  }

  makeDirectory (path: string): void {
    let folder = this.root
    for (const name of partsOf(path)) {
      const node = folder.entries.get(name)
      if (node instanceof MemoryFile) throw new DiskError('ENOTDIR', 'make', path)
      const child = node ?? new MemoryFolder()
      if (node === undefined) this.changeEntries([{ folder, name, node: child }])
      folder = child
    }
  }

  removeDirectory (path: string): void {
    if (this.nodeAt(path) === null) return
    const place = this.placeOf('remove', path)
    this.changeEntries([{ ...place, node: null }])
  }

  list (path: string): string[] {
    return [...this.folderAt('list', path).entries.keys()].sort()
  }

  status (path: string): FileStatus | null {
    const node = this.nodeAt(path)
    if (node === null) return null
    if (node instanceof MemoryFolder) return { bytes: 0, modifiedMs: 0, directory: true }
    return { bytes: node.size, modifiedMs: node.modifiedMs, directory: false }
  }

  readFile (path: string): Buffer {
    const file = this.open(path, 'read')
    try {
      const bytes = Buffer.alloc(this.size(file))
      this.read(file, bytes, 0)
      return bytes
    } finally {
      this.close(file)
    }
  }

  replaceFile (path: string, bytes: Uint8Array): void {
    const draft = `${path}.tmp`
    const file = this.open(draft, 'write')
    try {
      this.truncate(file, 0)
      this.writev(file, [bytes], 0)
      this.fsync(file)
    } finally {
      this.close(file)
    }
    this.rename(draft, path)
    this.fsyncDirectory(posix.dirname(path))
  }

  /** One step of the tree: the changes happen together or not at all. `node: null` takes the name away. */
  protected changeEntries (changes: readonly (Place & { node: MemoryNode | null })[]): void {
    for (const { folder, name, node } of changes) {
      if (node === null) folder.entries.delete(name)
      else folder.entries.set(name, node)
    }
  }

  protected openFile (file: FileHandle): OpenFile {
    const open = this.openFiles.get(file)
    assert(open !== undefined, `file handle ${file} is not open`)
    return open
  }

  protected writableFile (operation: string, file: FileHandle): MemoryFile {
    const open = this.openFile(file)
    if (!open.writable) throw new DiskError('EBADF', operation, open.path)
    return open.file
  }

  protected nodeAt (path: string): MemoryNode | null {
    let node: MemoryNode = this.root
    for (const name of partsOf(path)) {
      const next: MemoryNode | undefined = node instanceof MemoryFolder ? node.entries.get(name) : undefined
      if (next === undefined) return null
      node = next
    }
    return node
  }

  protected folderAt (operation: string, path: string): MemoryFolder {
    const node = this.nodeAt(path)
    if (node === null) throw new DiskError('ENOENT', operation, path)
    if (node instanceof MemoryFile) throw new DiskError('ENOTDIR', operation, path)
    return node
  }

  /** The folder a path's last part lives in: it must exist, the last part need not. */
  protected placeOf (operation: string, path: string): Place {
    const parts = partsOf(path)
    const name = parts.pop()
    if (name === undefined) throw new DiskError('EINVAL', operation, path)
    return { folder: this.folderAt(operation, parts.join('/')), name }
  }
}
