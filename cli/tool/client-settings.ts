// The settings of a client as Kafka's tools take them: a properties file (--command-config), single pairs
// (--command-property), the tool's own options. Precedence: option > pair > file > what the tool assumes.
import { readFileSync } from 'node:fs'
import { realClock } from '../../engine/base/clock-real.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import { Cluster, parseAddresses } from '../../engine/client/cluster.ts'
import { UsageError } from './options.ts'

export type Settings = ReadonlyMap<string, string>

export interface SettingsSources {
  readonly file?: string | undefined
  readonly pairs?: readonly string[]
}

/** Later sources win. */
export async function readSettings ({ file, pairs = [] }: SettingsSources): Promise<Map<string, string>> {
  const settings = file === undefined ? new Map<string, string>() : await readProperties(file)
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at <= 0) process.stderr.write(`WARN '${pair}' is not key=value and is left out\n`)
    else settings.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  return settings
}

async function readProperties (file: string): Promise<Map<string, string>> {
  let text: string
  try {
    text = readFileSync(file, 'latin1')
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`)
  }
  const { parse } = await import('dot-properties')
  return new Map(Object.entries(parse(text)).map(([key, value]) => [key, String(value ?? '')]))
}

export function numberSetting (settings: Settings, key: string, fallback: number): number {
  const text = settings.get(key)
  if (text === undefined) return fallback
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new UsageError(`${key}=${text} is no number`)
  return value
}

export function booleanSetting (settings: Settings, key: string, fallback: boolean): boolean {
  const text = settings.get(key)?.toLowerCase()
  if (text === undefined) return fallback
  if (text !== 'true' && text !== 'false') throw new UsageError(`${key}=${text} must be true or false`)
  return text === 'true'
}

export interface ClusterDefaults {
  readonly clientId?: string
  readonly apiTimeoutMs?: number
}

/** `addresses` is --bootstrap-server; without it bootstrap.servers among the settings. */
export function openCluster (
  addresses: string | undefined, settings: Settings, defaults: ClusterDefaults = {}
): Cluster {
  const list = addresses ?? settings.get('bootstrap.servers')
  if (list === undefined) throw new UsageError('Missing required argument "[bootstrap-server]"')
  const protocol = settings.get('security.protocol') ?? 'PLAINTEXT'
  if (protocol !== 'PLAINTEXT') {
    throw new UsageError(`security.protocol=${protocol} is not there yet: only PLAINTEXT`)
  }
  const told = new Set<string>()
  return new Cluster(realNetwork, realClock, {
    bootstrap: addressesOf(list),
    clientId: settings.get('client.id') ?? defaults.clientId ?? 'millrace-cli',
    requestTimeoutMs: numberSetting(settings, 'request.timeout.ms', 30_000),
    apiTimeoutMs: numberSetting(settings, 'default.api.timeout.ms', defaults.apiTimeoutMs ?? 60_000),
    retryBackoffMs: numberSetting(settings, 'retry.backoff.ms', 100),
    unreachable ({ host, port }, error) {
      if (told.has(`${host}:${port}`)) return
      told.add(`${host}:${port}`)
      process.stderr.write(`WARN ${error.message}\n`)
    }
  })
}

function addressesOf (list: string): ReturnType<typeof parseAddresses> {
  try {
    return parseAddresses(list)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
