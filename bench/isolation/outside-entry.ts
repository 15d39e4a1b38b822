// What a program that has nothing to do with the broker keeps doing, until it is ended:
//   read FILE ...   reads the files one after the other, again and again
//   files FOLDER    writes a file of 16 MB, flushes and removes it, again and again
//   work            keeps one processor busy
import {
  closeSync, fdatasyncSync, openSync, readSync, unlinkSync, writeSync
} from 'node:fs'
import { join } from 'node:path'

const [what, ...paths] = process.argv.slice(2)
const buffer = Buffer.alloc(256 * 1024, 'outside')
const fileBytes = 16 * 2 ** 20

function readAll (path: string): void {
  const file = openSync(path, 'r')
  while (readSync(file, buffer) > 0);
  closeSync(file)
}

function writeOne (path: string): void {
  const file = openSync(path, 'w')
  for (let at = 0; at < fileBytes; at += buffer.length) writeSync(file, buffer)
  fdatasyncSync(file)
  closeSync(file)
  unlinkSync(path)
}

for (;;) {
  if (what === 'read') for (const path of paths) readAll(path)
  else if (what === 'files') writeOne(join(paths[0], 'outside'))
}
