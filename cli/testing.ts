// For tests: the command as a user runs it, a process of its own.
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '..')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly stdin?: string | Buffer
  readonly env?: Record<string, string>
}

/** Runs the sources: a test of what is on the screen, not of what was built last. */
export function millrace (args: readonly string[], { stdin = '', env = {} }: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'cli/bin/millrace'), ...args], {
    env: { ...process.env, MILLRACE_RUN: 'sources', NO_COLOR: '1', ...env }
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', chunk => out.push(chunk))
  child.stderr.on('data', chunk => err.push(chunk))
  child.stdin.on('error', () => {}) // it may end before it has read all
  child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }))
  })
}
