// The machine's file systems, by synchronous calls. What the system refuses becomes a DiskError with its
// code.

import {
  closeSync, constants, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readSync,
  readdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync, unlinkSync, writeSync, writevSync
} from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert } from './assert.ts'
import { type Disk, DiskError, type FileHandle, type FileStatus, type OpenMode } from './disk.ts'
import { slicesAfter, totalBytes } from './slices.ts'

const openFlags: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  new: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
}

/** Windows opens no folders; its file systems keep renames in order by themselves. */
const foldersCanSync = process.platform !== 'win32'

function codeOf (error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  // Without a code it is not the disk that spoke: a wrong argument, so our bug.
  if (code === undefined || code.startsWith('ERR_')) throw error
  return code
}

function refused (error: unknown, operation: string, path: string): DiskError {
  return new DiskError(codeOf(error), operation, path, (error as Error).message)
}

/** The call was interrupted before it did anything: say it again. */
function again (error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'EINTR' || code === 'EAGAIN'
}

/** A system that says so more often in a row will not stop saying it. */
const attemptsMax = 10_000

function writeSome (file: FileHandle, slices: readonly Uint8Array[], position: number): number {
  try {
    if (slices.length === 1) return writeSync(file, slices[0], 0, slices[0].length, position)
    return writevSync(file, slices, position)
  } catch (error) {
    if (again(error)) return 0
    throw refused(error, 'write', `#${file}`)
  }
}

function readSome (file: FileHandle, target: Uint8Array, done: number, position: number): number {
  for (let attempts = 0; ; attempts++) {
    try {
      return readSync(file, target, done, target.length - done, position + done)
    } catch (error) {
      if (!again(error) || attempts > attemptsMax) throw refused(error, 'read', `#${file}`)
    }
  }
}

function statusOf (path: string): FileStatus | null {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return null
  return { bytes: found.size, modifiedMs: found.mtimeMs, directory: found.isDirectory() }
}

function attempt<T> (operation: string, path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw refused(error, operation, path)
  }
}

export const realDisk: Disk = {
  open: (path, mode) => attempt('open', path, () => openSync(path, openFlags[mode], 0o644)),
  close: (file) => attempt('close', `#${file}`, () => closeSync(file)),
  size: (file) => attempt('size', `#${file}`, () => fstatSync(file).size),

  read (file, target, position) {
    let done = 0
    while (done < target.length) {
      const count = readSome(file, target, done, position)
      if (count === 0) break
      done += count
    }
    return done
  },

  writev (file, slices, position) {
    const total = totalBytes(slices)
    if (total === 0) return
    let done = 0
    let attempts = 0
    while (done < total) {
      const count = writeSome(file, done === 0 ? slices : slicesAfter(slices, done), position + done)
      done += count
      attempts = count > 0 ? 0 : attempts + 1
      if (attempts > attemptsMax) throw new DiskError('EIO', 'write', `#${file}`, 'no byte is taken')
    }
    assert(done === total, 'the system wrote more than it was given')
  },

  truncate: (file, bytes) => attempt('truncate', `#${file}`, () => ftruncateSync(file, bytes)),
  fsync: (file) => attempt('fsync', `#${file}`, () => fdatasyncSync(file)),

  fsyncDirectory (path) {
    if (!foldersCanSync) return
    attempt('fsync', path, () => {
      const folder = openSync(path, constants.O_RDONLY)
      try { fsyncSync(folder) } finally { closeSync(folder) }
    })
  },

  rename: (from, to) => attempt('rename', from, () => renameSync(from, to)),
  unlink: (path) => attempt('unlink', path, () => unlinkSync(path)),
  makeDirectory: (path) => attempt('make', path, () => { mkdirSync(path, { recursive: true }) }),
  removeDirectory: (path) => attempt('remove', path, () => rmSync(path, { recursive: true, force: true })),
  list: (path) => attempt('list', path, () => readdirSync(path).sort()),
  status: (path) => attempt('status', path, () => statusOf(path)),
  readFile: (path) => attempt('read', path, () => readFileSync(path)),

  space: (path) => attempt('status', path, () => {
    const { blocks, bavail, bsize } = statfsSync(path)
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
  }),

  replaceFile (path, bytes) {
    const draft = `${path}.tmp`
    const file = realDisk.open(draft, 'write')
    try {
      realDisk.truncate(file, 0)
      realDisk.writev(file, [bytes], 0)
      realDisk.fsync(file)
    } finally {
      realDisk.close(file)
    }
    realDisk.rename(draft, path)
    realDisk.fsyncDirectory(dirname(path))
  }
}

/**
 * The same as replaceFile(), while the caller's thread goes on: for few small files now and then, where no
 * other thread is there to do it. One at a time per path.
 */
export async function replaceFileAside (path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.tmp`
  try {
    const file = await open(draft, openFlags.write, 0o644)
    try {
      await file.truncate(0)
      await file.writeFile(bytes)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    if (!foldersCanSync) return
    const folder = await open(dirname(path), constants.O_RDONLY)
    try { await folder.sync() } finally { await folder.close() }
  } catch (error) {
    throw refused(error, 'replace', path)
  }
}
