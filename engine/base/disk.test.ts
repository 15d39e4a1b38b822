// One contract, three disks; then what only the faulty one does.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Disk, DiskError } from './disk.ts'
import { FaultyDisk } from './disk-faulty.ts'
import { MemoryDisk } from './disk-memory.ts'
import { realDisk } from './disk-real.ts'
import { copyShared, slicesAfter } from './slices.ts'
import { SeededRandom } from './random-seeded.ts'

function codeOf (call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(DiskError)
    return (error as DiskError).code
  }
  return 'none'
}

function put (disk: Disk, path: string, text: string, sync = false): void {
  const file = disk.open(path, 'write')
  disk.writev(file, [Buffer.from(text)], disk.size(file))
  if (sync) disk.fsync(file)
  disk.close(file)
}

function text (disk: Disk, path: string): string {
  return disk.readFile(path).toString()
}

const disks: [string, () => Disk][] = [
  ['real', () => realDisk],
  ['memory', () => new MemoryDisk()],
  ['faulty', () => new FaultyDisk()]
]

describe.each(disks)('the %s disk', (_, make) => {
  let disk: Disk
  let home: string

  beforeEach(() => {
    disk = make()
    home = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
    disk.makeDirectory(home)
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  test('writes slices in order, also from shared memory, and reads them back', () => {
    const file = disk.open(join(home, 'log'), 'new')
    const shared = Buffer.from(new SharedArrayBuffer(8)).fill('s')
    disk.writev(file, [Buffer.from('one'), new Uint8Array(0), shared, Buffer.from('end')], 2)
    expect(disk.size(file)).toBe(16)
    const target = Buffer.alloc(20, '.')
    expect(disk.read(file, target, 0)).toBe(16)
    expect(target.toString()).toBe('\0\0onessssssssend....')
    expect(disk.read(file, target, 16)).toBe(0)
    disk.writev(file, [], 100)
    expect(disk.size(file)).toBe(16)
    disk.close(file)
  })

  test('takes more slices at once than a system call does', () => {
    const file = disk.open(join(home, 'log'), 'write')
    const slices = Array.from({ length: 5000 }, (_, index) => Buffer.from([index & 0xff, index >> 8]))
    disk.writev(file, slices, 0)
    disk.fsync(file)
    expect(Buffer.compare(disk.readFile(join(home, 'log')), Buffer.concat(slices))).toBe(0)
    disk.close(file)
  })

  test('keeps large files, cuts them and fills holes with zeros', () => {
    const path = join(home, 'large')
    const file = disk.open(path, 'write')
    const part = Buffer.alloc(100_000, 7)
    for (let at = 0; at < 1_000_000; at += part.length) disk.writev(file, [part], at)
    disk.truncate(file, 300_001)
    disk.writev(file, [Buffer.from('x')], 700_000)
    const bytes = disk.readFile(path)
    expect(bytes.length).toBe(700_001)
    expect(bytes.subarray(0, 300_001).every((byte) => byte === 7)).toBe(true)
    expect(bytes.subarray(300_001, 700_000).every((byte) => byte === 0)).toBe(true)
    expect(bytes[700_000]).toBe(0x78)
    disk.close(file)
  })

  test('says with the system\'s words what it refuses', () => {
    expect(codeOf(() => disk.open(join(home, 'none'), 'read'))).toBe('ENOENT')
    expect(codeOf(() => disk.open(join(home, 'no', 'folder'), 'write'))).toBe('ENOENT')
    expect(codeOf(() => disk.readFile(join(home, 'none')))).toBe('ENOENT')
    expect(codeOf(() => disk.list(join(home, 'none')))).toBe('ENOENT')
    expect(codeOf(() => disk.unlink(join(home, 'none')))).toBe('ENOENT')
    expect(codeOf(() => disk.rename(join(home, 'none'), join(home, 'other')))).toBe('ENOENT')
    put(disk, join(home, 'there'), 'x')
    expect(codeOf(() => disk.open(join(home, 'there'), 'new'))).toBe('EEXIST')
    expect(codeOf(() => disk.list(join(home, 'there')))).toBe('ENOTDIR')
  })

  test('does not write through a handle that was opened for reading', () => {
    put(disk, join(home, 'file'), 'x')
    const file = disk.open(join(home, 'file'), 'read')
    expect(codeOf(() => disk.writev(file, [Buffer.from('y')], 0))).toBe('EBADF')
    disk.close(file)
  })

  test('has folders: made with their parents, listed in order, renamed and removed with all they hold', () => {
    disk.makeDirectory(join(home, 'a', 'b'))
    disk.makeDirectory(join(home, 'a', 'b'))
    put(disk, join(home, 'a', 'b', 'two'), '2')
    put(disk, join(home, 'a', 'b', 'one'), '1')
    expect(disk.list(join(home, 'a', 'b'))).toEqual(['one', 'two'])
    disk.rename(join(home, 'a', 'b'), join(home, 'c'))
    disk.fsyncDirectory(home)
    expect(disk.list(home)).toEqual(['a', 'c'])
    expect(text(disk, join(home, 'c', 'one'))).toBe('1')
    expect(disk.status(join(home, 'c'))).toMatchObject({ directory: true })
    expect(disk.status(join(home, 'c', 'two'))).toMatchObject({ directory: false, bytes: 1 })
    expect(disk.status(join(home, 'none'))).toBe(null)
    expect(disk.status(join(home, 'c', 'two', 'below'))).toBe(null)
    disk.removeDirectory(join(home, 'c'))
    disk.removeDirectory(join(home, 'c'))
    expect(disk.list(home)).toEqual(['a'])
  })

  test('replaces a file whole', () => {
    const path = join(home, 'checkpoint')
    disk.replaceFile(path, Buffer.from('a longer first text'))
    disk.replaceFile(path, Buffer.from('second'))
    expect(text(disk, path)).toBe('second')
    expect(disk.list(home)).toEqual(['checkpoint'])
  })

  test('lets readers of an unlinked file finish', () => {
    put(disk, join(home, 'file'), 'still there')
    const file = disk.open(join(home, 'file'), 'read')
    disk.unlink(join(home, 'file'))
    const target = Buffer.alloc(11)
    expect(disk.read(file, target, 0)).toBe(11)
    expect(target.toString()).toBe('still there')
    disk.close(file)
  })
})

test('what is left after a short write starts in the middle of a slice', () => {
  const slices = ['abc', '', 'de', 'f'].map((part) => Buffer.from(part))
  const left = (done: number): string => Buffer.concat(slicesAfter(slices, done)).toString()
  for (let done = 0; done <= 6; done++) expect(left(done)).toBe('abcdef'.slice(done))
})

describe('a crash of the faulty disk', () => {
  function disk (): FaultyDisk {
    const made = new FaultyDisk()
    made.makeDirectory('/log')
    made.fsyncDirectory('/')
    return made
  }

  test('loses bytes that were not synced, and keeps those that were', () => {
    const faulty = disk()
    put(faulty, '/log/a', 'kept', true)
    faulty.fsyncDirectory('/log')
    put(faulty, '/log/a', ' lost')
    expect(text(faulty, '/log/a')).toBe('kept lost')
    faulty.crash()
    expect(text(faulty, '/log/a')).toBe('kept')
  })

  test('restores what was overwritten and what was cut off', () => {
    const faulty = disk()
    put(faulty, '/log/a', 'abcdef', true)
    faulty.fsyncDirectory('/log')
    const file = faulty.open('/log/a', 'write')
    faulty.writev(file, [Buffer.from('XY')], 1)
    faulty.truncate(file, 2)
    faulty.writev(file, [Buffer.from('new')], 2)
    faulty.crash()
    expect(text(faulty, '/log/a')).toBe('abcdef')
  })

  test('loses names whose folder was not synced: new, renamed and removed ones', () => {
    const faulty = disk()
    put(faulty, '/log/old', 'o', true)
    put(faulty, '/log/gone', 'g', true)
    faulty.fsyncDirectory('/log')
    faulty.rename('/log/old', '/log/new')
    faulty.unlink('/log/gone')
    put(faulty, '/log/fresh', 'f', true)
    faulty.crash()
    expect(faulty.list('/log')).toEqual(['gone', 'old'])
    faulty.rename('/log/old', '/log/new')
    faulty.fsyncDirectory('/log')
    faulty.crash()
    expect(faulty.list('/log')).toEqual(['gone', 'new'])
  })

  test('never leaves a replaced file half', () => {
    for (let seed = 0; seed < 200; seed++) {
      const faulty = disk()
      faulty.replaceFile('/log/point', Buffer.from('first'))
      const file = faulty.failWith({ operation: seed % 2 === 0 ? 'fsync' : 'rename', code: 'EIO' })
      const second = Buffer.from('second!')
      if (seed % 3 === 0) expect(codeOf(() => faulty.replaceFile('/log/point', second))).toBe('EIO')
      file()
      if (seed % 3 === 1) faulty.replaceFile('/log/point', second)
      faulty.crash(new SeededRandom(seed))
      expect(text(faulty, '/log/point')).toBe(seed % 3 === 1 ? 'second!' : 'first')
    }
  })

  test('by chance keeps a beginning of what was written, torn in every way', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const faulty = disk()
      put(faulty, '/log/a', '', true)
      faulty.fsyncDirectory('/log')
      for (const part of ['aa', 'bb', 'cc']) put(faulty, '/log/a', part)
      faulty.crash(new SeededRandom(seed))
      const left = text(faulty, '/log/a')
      seen.add(left)
      expect('aabbcc'.startsWith(left.replace(/\0+$/, '')), JSON.stringify(left)).toBe(true)
    }
    for (const left of ['', 'a', 'aa', 'aab', 'aabb', 'aabbc', 'aabbcc', 'a\0', 'aabbc\0']) {
      expect(seen.has(left), JSON.stringify(left)).toBe(true)
    }
  })

  test('closes the handles', () => {
    const faulty = disk()
    const file = faulty.open('/log/a', 'write')
    faulty.crash()
    expect(() => faulty.size(file)).toThrow('not open')
  })
})

describe('a fault', () => {
  test('strikes the calls it names, as often as it says', () => {
    const faulty = new FaultyDisk()
    faulty.failWith({ operation: 'read', code: 'EIO', path: 'bad', after: 1, times: 1 })
    put(faulty, '/bad', 'x')
    put(faulty, '/good', 'x')
    const file = faulty.open('/bad', 'read')
    const target = Buffer.alloc(1)
    expect([1, 2, 3].map(() => codeOf(() => faulty.read(file, target, 0)))).toEqual(['none', 'EIO', 'none'])
    expect(text(faulty, '/good')).toBe('x')
  })

  test('in a write leaves a part of it behind', () => {
    const faulty = new FaultyDisk()
    const repair = faulty.failWith({ operation: 'write', code: 'EIO' })
    expect(codeOf(() => put(faulty, '/file', 'abcd'))).toBe('EIO')
    repair()
    expect(text(faulty, '/file')).toBe('ab')
  })

  test('in fsync is final: the next one succeeds and keeps nothing', () => {
    const faulty = new FaultyDisk()
    const file = faulty.open('/file', 'write')
    faulty.fsyncDirectory('/')
    faulty.writev(file, [Buffer.from('abc')], 0)
    faulty.failWith({ operation: 'fsync', code: 'EIO', times: 1 })
    expect(codeOf(() => faulty.fsync(file))).toBe('EIO')
    expect(codeOf(() => faulty.fsync(file))).toBe('none')
    faulty.crash()
    expect(text(faulty, '/file')).toBe('')
  })

  test('of a full disk takes what fits, and ends when there is room', () => {
    const faulty = new FaultyDisk()
    faulty.capacityBytes = 10
    put(faulty, '/a', '12345678')
    expect(codeOf(() => put(faulty, '/b', 'abcd'))).toBe('ENOSPC')
    expect(text(faulty, '/b')).toBe('ab')
    faulty.unlink('/a')
    put(faulty, '/b', 'cd')
    expect(text(faulty, '/b')).toBe('abcd')
  })
})

test('bytes are copied into shared memory whole and in parts, wherever they lie', () => {
  const source = Buffer.from('0123456789')
  for (let start = 0; start <= 10; start++) {
    for (let end = start; end <= 10; end++) {
      const target = Buffer.from(new SharedArrayBuffer(16)).fill('.')
      copyShared(source, start, end, target, 3)
      expect(target.toString()).toBe(`...${source.toString('latin1', start, end)}`.padEnd(16, '.'))
    }
  }
})
