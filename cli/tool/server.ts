// What the server commands share: where a broker's data, pid file and log file lie, and who runs there.
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type BrokerConfig, ConfigError, loadBrokerConfig } from '../../engine/config/broker-config.ts'
import { type Options, type OptionSpecs, UsageError } from './options.ts'

/** Which broker is meant, in all three commands. */
export const serverOptions = {
  config: { value: 'server.properties', about: 'Settings by Kafka\'s names; a file name alone means the same.' },
  override: { value: 'key=value', many: true, about: 'A setting that wins over the file. Repeat for more.' },
  'pid-file': { value: 'file', about: 'Where the process id stands; else beside the data.' },
  version: { about: 'Show the version.' },
  help: { about: 'Show this.' }
} as const satisfies OptionSpecs

export interface ServerPlace {
  readonly config: BrokerConfig
  readonly files: readonly { name: string, text: string }[]
  readonly overrides: Readonly<Record<string, string>>
  /** First of log.dirs, or the folder we chose. */
  readonly dataFolder: string
  readonly pidFile: string
  readonly logFile: string
}

/** XDG's place for a user's data; a try-out should find its topics again, wherever it was started. */
function dataHome (): string {
  const { XDG_DATA_HOME: xdg, LOCALAPPDATA: windows } = process.env
  const base = xdg !== undefined && xdg !== '' ? xdg : windows ?? join(homedir(), '.local', 'share')
  return join(base, 'millrace')
}

/** Throws UsageError with key, value and what is allowed when a setting is wrong. */
export function serverPlace (options: Options<typeof serverOptions & OptionSpecs>): ServerPlace {
  const files = configFiles(options).map(name => ({ name, text: readConfig(name) }))
  const overrides = Object.fromEntries(options.all('override').map(overrideOf))
  let config = load(files, overrides)
  const chosen = config.logDirs.length === 0
  if (chosen) {
    overrides['log.dirs'] = join(dataHome(), 'data')
    config = load(files, overrides)
  }
  const dataFolder = resolve(config.logDirs[0])
  const beside = chosen ? dataHome() : dataFolder
  return {
    config,
    files,
    overrides,
    dataFolder,
    pidFile: resolve(options.text('pid-file') ?? join(beside, 'server.pid')),
    logFile: join(beside, 'server.log')
  }
}

function configFiles (options: Options<typeof serverOptions & OptionSpecs>): string[] {
  const named = options.text('config')
  const all = [...named === undefined ? [] : [named], ...options.rest]
  if (all.length > 1) throw new UsageError(`one file with settings is expected, not ${all.join(' and ')}`)
  return all
}

function readConfig (name: string): string {
  try {
    return readFileSync(name, 'latin1')
  } catch (error) {
    throw new UsageError(`${name} cannot be read: ${(error as Error).message}`)
  }
}

function overrideOf (pair: string): [string, string] {
  const at = pair.indexOf('=')
  if (at <= 0) throw new UsageError(`--override ${pair}: key=value is expected`)
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
}

function load (files: ServerPlace['files'], overrides: Record<string, string>): BrokerConfig {
  try {
    return loadBrokerConfig({ files, overrides })
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    throw error
  }
}

/** The process that the pid file names, null when it is not there any more. */
export function runningPid (pidFile: string): number | null {
  if (!existsSync(pidFile)) return null
  const pid = Number(readFileSync(pidFile, 'utf8'))
  return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) && isNode(pid) ? pid : null
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** After a crash the number may belong to somebody else. Where the system tells, believe it. */
function isNode (pid: number): boolean {
  try {
    return /millrace/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
  } catch {
    return true
  }
}

/** Resolves with whether the process ended within the time. */
export async function endOf (pid: number, withinMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + withinMs
  while (isAlive(pid)) {
    if (Date.now() >= deadlineMs) return false
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return true
}
