// Uses memory once before anything is measured. A virtual machine gets most of its memory from its host at
// the first use, which costs several times what the write itself does; files of a memory file system, and
// the page cache in front of any other, are such memory. Without this whoever runs first pays for all others.
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Of what is free in the folder at most this much is written. */
const shareMax = 0.6
const chunk = Buffer.alloc(8 * 2 ** 20, 'x')

/** Writes so much into the folder and deletes it. Returns how much it was. */
export function touch (folder: string, bytes: number): number {
  const { bavail, bsize } = statfsSync(folder)
  const most = Math.min(bytes, bavail * bsize * shareMax)
  const path = join(folder, `millrace-touch-${process.pid}`)
  const file = openSync(path, 'w')
  try {
    let written = 0
    while (written < most) written += writeSync(file, chunk)
    return written
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
