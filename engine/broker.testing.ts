// For tests: a broker as a process of its own, as an operator runs it, that can be killed.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export function temporaryFolder (name: string): string {
  const memory = '/dev/shm'
  return mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), `millrace-${name}-`))
}

function canConnect (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export interface BrokerProcess {
  readonly port: number
  readonly bootstrapServers: string
  readonly folder: string
  readonly pid: number
  /** All that it wrote to stdout and stderr. */
  output(): string
  /** Sends the signal and resolves with exit code and signal. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** SIGTERM, then removes the folder. */
  dispose(): Promise<void>
}

export interface BrokerProcessOptions {
  folder?: string
  port?: number
  overrides?: Record<string, string>
  /** Node's own options. */
  execArgv?: string[]
  /** How many files and sockets it may have open. */
  openFilesMax?: number
  /** How long its files may become: a write beyond fails. */
  fileBytesMax?: number
}

/** Resolves when the port takes connections; rejects with its output when the process ends before. */
export async function startBrokerProcess (options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
  const port = options.port ?? (await freePort())
  const folder = options.folder ?? temporaryFolder('broker')
  const overrides = {
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': folder,
    'group.initial.rebalance.delay.ms': '0',
    ...options.overrides
  }
  const args = Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`])
  const { openFilesMax, fileBytesMax } = options
  const limits = [
    ...(openFilesMax === undefined ? [] : [`ulimit -n ${openFilesMax}`]),
    ...(fileBytesMax === undefined ? [] : [`ulimit -f ${Math.ceil(fileBytesMax / 512)}`])
  ]
  const command = [
    ...(limits.length === 0 ? [] : ['sh', '-c', [...limits, 'exec "$@"'].join('; '), 'sh']),
    process.execPath, ...(options.execArgv ?? []), join(root, 'cli/bin/millrace'), 'server', 'start', ...args
  ]
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  child.stdout.on('data', chunk => lines.push(String(chunk)))
  child.stderr.on('data', chunk => lines.push(String(chunk)))
  const output = () => lines.join('')
  const gone = exited(child)
  let ended = false
  gone.then(() => {
    ended = true
  })
  while (!(await canConnect(port))) {
    if (ended) throw new Error(`the broker ended before it listened:\n${output()}`)
    // Polls: the port is the event, and it cannot call us.
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return {
    port,
    bootstrapServers: `127.0.0.1:${port}`,
    folder,
    pid: child.pid!,
    output,
    async stop (signal: NodeJS.Signals = 'SIGTERM') {
      if (!ended) child.kill(signal)
      return gone
    },
    async dispose () {
      if (!ended) child.kill('SIGTERM')
      await gone
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function exited (child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal })))
}
