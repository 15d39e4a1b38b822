import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderInUse, type FolderLock, lockFolder } from './folder-lock.ts'

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
    expect(readdirSync(folder)).toEqual([])
  })

  it('goes to exactly one of many that ask each other, whatever dead ones they find between them', async () => {
    for (let round = 0; round < 15; round++) {
      const dead = createServer()
      await new Promise<void>(resolve => dead.listen(join(folder, 'live'), resolve))
      for (let index = 0; index < 10; index++) {
        linkSync(join(folder, 'live'), join(folder, `.millrace.lock.z${index}`))
      }
      await new Promise(resolve => dead.close(resolve))
      const wanting: Promise<FolderLock>[] = []
      for (let index = 0; index < 8; index++) {
        wanting.push(lockFolder(folder))
        wanting[index].catch(() => {})
        // Who comes later is not seen by those who look around already.
        for (let turn = 0; turn < round % 4; turn++) await new Promise(resolve => setImmediate(resolve))
      }
      const tries = await Promise.allSettled(wanting)
      const held = tries.filter(one => one.status === 'fulfilled')
      expect(held.length).toBe(1)
      await held[0].value.release()
      expect(readdirSync(folder)).toEqual([])
    }
  })

  it('goes to one of several processes that want it at once, and to another when that is killed', async () => {
    const code = `import { FolderInUse, lockFolder } from '${entry}'
      process.stdout.write('ready')
      process.stdin.once('data', async () => {
        const lock = await lockFolder(process.argv[1]).catch(error => error)
        process.stdout.write(lock instanceof FolderInUse ? 'lost' : 'held')
      })`
    const heard = (child: ChildProcess): Promise<string> => {
      return new Promise(resolve => child.stdout!.once('data', data => resolve(String(data))))
    }
    const children: ChildProcess[] = []
    try {
      for (let round = 0; round < 2; round++) {
        const some = Array.from({ length: 4 }, () => {
          const args = ['--input-type=module', '-e', code, folder]
          return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
        })
        children.push(...some)
        await Promise.all(some.map(heard))
        const answers = some.map(heard)
        for (const child of some) child.stdin!.write('go')
        const said = await Promise.all(answers)
        expect(said.toSorted()).toEqual(['held', 'lost', 'lost', 'lost'])
        const winner = some[said.indexOf('held')]
        expect((await lockFolder(folder).catch(error => error)).pid).toBe(winner.pid)
        winner.kill('SIGKILL')
        await new Promise(resolve => winner.once('exit', resolve))
      }
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
    await (await lockFolder(folder)).release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('respects an older version, which says its pid and no more, and whoever says nothing', async () => {
    const old = createServer(socket => socket.on('error', () => {}).resume().end('4711\n'))
    await new Promise<void>(resolve => old.listen(join(folder, '.millrace.lock'), resolve))
    expect((await lockFolder(folder).catch(error => error)).pid).toBe(4711)
    await new Promise(resolve => old.close(resolve))
    const mute = createServer(socket => socket.destroy())
    await new Promise<void>(resolve => mute.listen(join(folder, '.millrace.lock.ffff'), resolve))
    const refused = await lockFolder(folder).catch(error => error)
    expect([refused.name, refused.pid]).toEqual(['FolderInUse', null])
    await new Promise(resolve => mute.close(resolve))
    await (await lockFolder(folder)).release()
  })
})
