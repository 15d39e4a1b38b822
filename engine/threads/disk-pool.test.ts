import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DiskError } from '../base/disk.ts'
import { PoolDisk } from './disk-pool.ts'

describe('the disk threads of a directory', () => {
  let folder: string
  let disk: PoolDisk
  let threads = 0
  const count = (): void => { threads++ }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'disk-pool-'))
    disk = new PoolDisk(new SharedArrayBuffer(1024))
    threads = 0
    process.on('worker', count)
  })

  afterEach(async () => {
    process.off('worker', count)
    await disk.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const replace = (path: string, text: string): Promise<null> =>
    disk.run({ kind: 'replace', path, bytes: Buffer.from(text) })

  it('replace small files without there being one, each by what was said last', async () => {
    const paths = ['a', 'b'].map(name => join(folder, name))
    const done: string[] = []
    const all = Array.from({ length: 50 }, (_, n) => {
      const text = 'x'.repeat(1000 - n)
      return replace(paths[n % 2], text).then(() => done.push(text))
    })
    await Promise.all(all)
    expect(done.map(text => text.length)).toEqual(Array.from({ length: 50 }, (_, n) => 1000 - n))
    expect(paths.map(path => readFileSync(path).length)).toEqual([952, 951])
    expect(readdirSync(folder)).toEqual(['a', 'b'])
    expect(threads).toBe(0)
  })

  it('replace them themselves once there is one', async () => {
    const path = join(folder, 'a')
    const before = replace(path, 'before')
    await disk.run({ kind: 'sync', path: folder }).catch(() => {})
    expect(threads).toBe(1)
    await replace(path, 'behind')
    await before
    expect(readFileSync(path, 'utf8')).toBe('behind')
  })

  it('tell what the disk refused, and go on', async () => {
    const path = join(folder, 'none', 'a')
    const error = await replace(path, 'a').catch((reason: Error) => reason)
    expect(error).toBeInstanceOf(DiskError)
    expect(error).toMatchObject({ code: 'ENOENT', path })
    await replace(join(folder, 'a'), 'a')
    expect(threads).toBe(0)
  })

  it('end when what they write is written, and take nothing any more', async () => {
    const path = join(folder, 'a')
    const last = replace(path, 'last')
    await disk.close()
    expect(readFileSync(path, 'utf8')).toBe('last')
    await last
    await expect(replace(path, 'late')).rejects.toThrow('has ended')
    expect(readFileSync(path, 'utf8')).toBe('last')
  })
})
