import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderInUse, lockFolder } from './folder-lock.ts'

const entry = new URL('./folder-lock.ts', import.meta.url).href

describe.skipIf(process.platform === 'win32')('a folder lock', () => {
  let folder = ''
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'lock-')) })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is held by one, freed by release, and names the owner', async () => {
    const lock = await lockFolder(folder)
    const refused = await lockFolder(folder).catch(error => error)
    expect(refused).toBeInstanceOf(FolderInUse)
    expect(refused.pid).toBe(process.pid)
    expect(refused.message).toContain(String(process.pid))
    await lock.release()
    expect(readdirSync(folder)).toEqual([])
    await (await lockFolder(folder)).release()
  })

  it('makes a missing folder, also under a name too long for a socket', async () => {
    const deep = join(folder, 'a'.repeat(120), 'b'.repeat(120))
    const lock = await lockFolder(deep)
    expect((await lockFolder(deep).catch(error => error)).pid).toBe(process.pid)
    await lock.release()
    expect(readdirSync(deep)).toEqual([])
  })

  it('is taken over from a process that was killed', async () => {
    const code = `import { lockFolder } from '${entry}'
      await lockFolder(process.argv[1]); process.stdout.write('locked'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise(resolve => child.stdout!.once('data', resolve))
    expect((await lockFolder(folder).catch(error => error)).pid).toBe(child.pid)
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    expect(existsSync(join(folder, '.millrace.lock'))).toBe(true)
    await (await lockFolder(folder)).release()
  })

  it('goes to exactly one of many that find a dead one', async () => {
    const dead = createServer()
    await new Promise<void>(resolve => dead.listen(join(folder, 'live'), resolve))
    const { renameSync } = await import('node:fs')
    renameSync(join(folder, 'live'), join(folder, '.millrace.lock'))
    await new Promise(resolve => dead.close(resolve))
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)))
    const held = tries.filter(one => one.status === 'fulfilled')
    expect(held.length).toBe(1)
    for (const one of tries) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(FolderInUse)
    await held[0].value.release()
  })
})
