// A disk as the log sees it: small, synchronous, replaceable (real, memory, faulty). Every failure is a
// DiskError. Callers that must not block run on a thread that may: see threads/.

/** A file handle: a descriptor on the real disk. Never crosses threads, numbers are reused at once. */
export type FileHandle = number

export class DiskError extends Error {
  override readonly name = 'DiskError'
  /** The system's code: ENOENT, EEXIST, ENOSPC, EIO, EMFILE, ENFILE, EACCES, EROFS, ENOTDIR ... */
  readonly code: string
  readonly path: string
  constructor (code: string, operation: string, path: string, message: string = code) {
    super(`${operation} ${path}: ${message}`)
    this.code = code
    this.path = path
  }
}

/** Too many files are open: that passes, and says nothing of the disk. */
export function isOutOfFiles (error: unknown): boolean {
  return error instanceof DiskError && (error.code === 'EMFILE' || error.code === 'ENFILE')
}

export interface VolumeSpace {
  totalBytes: number
  usableBytes: number
}

export interface FileStatus {
  bytes: number
  modifiedMs: number
  directory: boolean
}

export type OpenMode =
  | 'read' // must exist
  | 'write' // read and write, created when missing
  | 'new' // read and write, must not exist

export interface Disk {
  open (path: string, mode: OpenMode): FileHandle
  close (file: FileHandle): void
  size (file: FileHandle): number
  /**
   * Reads up to target.length bytes; returns how many, fewer only at the end of the file. Loops over EINTR
   * and short reads.
   */
  read (file: FileHandle, target: Uint8Array, position: number): number
  /** Writes all slices at `position`. Loops over short writes; throws when not all bytes are in. */
  writev (file: FileHandle, slices: readonly Uint8Array[], position: number): void
  truncate (file: FileHandle, bytes: number): void
  /** Data and size reach the device (fdatasync). A failure is final for that file: never retry. */
  fsync (file: FileHandle): void
  /** Makes renames, creations and removals in the folder durable. */
  fsyncDirectory (path: string): void
  rename (from: string, to: string): void
  unlink (path: string): void
  /** Creates the folder and its parents; no error when it is there. */
  makeDirectory (path: string): void
  /** Removes a folder with all that is in it; no error when it is missing. */
  removeDirectory (path: string): void
  /** Names (not paths) in a folder, sorted. */
  list (path: string): string[]
  /** null when there is nothing under that path. */
  status (path: string): FileStatus | null
  /** The whole file. Throws ENOENT. */
  readFile (path: string): Buffer
  /**
   * Writes path.tmp, fsyncs, renames over path, fsyncs the folder: the file is either old or new, never
   * half.
   */
  replaceFile (path: string, bytes: Uint8Array): void
  /** Of the volume under that path. Absent: there is none. */
  space? (path: string): VolumeSpace
}
