// Programs that are run and waited for.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'

/** Nothing in a comparison takes so long, unless it hangs. */
const msMax = 600_000

export interface Ran {
  readonly out: string
  readonly wallMs: number
  /** Of a processor's time, what it took; 0 where the system does not say. */
  readonly cpuSeconds: number
}

/** Of all children that have ended, in the system's hundredths of a second. */
function childrenCpuSeconds (): number {
  if (!existsSync('/proc/self/stat')) return 0
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

/** Rejects, with what it said, when it ends with anything but 0. `input`: a file for its stdin. */
export async function run ([command, ...args]: readonly string[], input?: string): Promise<Ran> {
  const file = input === undefined ? null : openSync(input, 'r')
  const startedMs = performance.now()
  const startedCpuSeconds = childrenCpuSeconds()
  const child = spawn(command, args, { stdio: [file ?? 'ignore', 'pipe', 'pipe'], timeout: msMax })
  if (file !== null) closeSync(file)
  const out: string[] = []
  const errors: string[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => out.push(text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  const [code, signal] = await once(child, 'close')
  const wallMs = performance.now() - startedMs
  if (code !== 0) {
    const lines = (errors.join('') + out.join('')).split('\n')
    const said = lines.filter(line => line.trim() !== '' && !/^\s+at |^Node\.js /.test(line)).slice(-6).join('\n')
    throw new Error(`${command} ended with ${code ?? signal}: ${said}`)
  }
  return { out: out.join(''), wallMs, cpuSeconds: childrenCpuSeconds() - startedCpuSeconds }
}

/** The last line that it prints is the value. */
export async function runJson<T> (command: readonly string[]): Promise<T> {
  const { out } = await run(command)
  return JSON.parse(out.trimEnd().split('\n').at(-1)!) as T
}

/** Its output goes nowhere: for what prints all that it reads. */
export async function runSilently ([command, ...args]: readonly string[]): Promise<number> {
  const startedMs = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: msMax })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  return performance.now() - startedMs
}
