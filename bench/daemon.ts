// A broker as an operator runs it, from dist/, over a folder that outlives it: for what happens between one
// life and the next.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

export interface Daemon {
  readonly port: number
  readonly pid: number
  /** performance.now() at which the process was made, and at which it said that it listens. */
  readonly spawnedMs: number
  readonly listeningMs: number
  /** Resolves when it is gone. */
  end (signal: NodeJS.Signals): Promise<void>
}

export async function startDaemon (folder: string, overrides: readonly string[] = []): Promise<Daemon> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const settings = [`listeners=PLAINTEXT://127.0.0.1:${port}`, `log.dirs=${folder}`, ...overrides]
  const args = [join(root, 'cli/bin/millrace'), 'server', 'start', ...settings.flatMap(pair => ['--override', pair])]
  const spawnedMs = performance.now()
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', process.env.MILLRACE_LINES === undefined ? 'ignore' : 2, 'inherit', 'ipc'],
    env: { ...process.env, MILLRACE_RUN: process.env.MILLRACE_RUN ?? 'dist' }
  })
  const killWithUs = (): void => { child.kill('SIGKILL') }
  process.once('exit', killWithUs)
  const ended = once(child, 'exit')
  await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => { throw new Error(`the broker ended with ${code} before it listened`) })
  ])
  return {
    port,
    pid: child.pid!,
    spawnedMs,
    listeningMs: performance.now(),
    async end (signal) {
      process.off('exit', killWithUs)
      child.kill(signal)
      await ended
    }
  }
}

/** Regular files that a process has open. */
export function openFilesOf (pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map(name => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`)
    } catch {
      return '' // closed meanwhile
    }
  })
  return links.filter(link => link.startsWith('/') && !/^\/dev\/(?!shm)/.test(link)).length
}

export function bytesUnder (folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size
  }
  return bytes
}

/** What a process has had the kernel read for it, from files and sockets, so far. */
export function bytesReadBy (pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1] ?? 0)
}
