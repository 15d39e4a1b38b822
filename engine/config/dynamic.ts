// Which broker settings may change while the broker runs, and to what: Kafka's rules for dynamic
// configuration.
import { type BrokerConfig } from './broker-config.ts'
import { brokerTable, listenerSetting } from './tables.ts'
import { parseNumber, problemWith } from './value.ts'

/** May be set per listener only, with the listener's prefix. */
const perListenerOnly: ReadonlySet<string> = new Set([
  'ssl.keystore.type', 'ssl.keystore.location', 'ssl.keystore.password', 'ssl.key.password', 'ssl.keystore.key',
  'ssl.keystore.certificate.chain', 'ssl.truststore.type', 'ssl.truststore.location', 'ssl.truststore.password',
  'ssl.truststore.certificates'
])

/** Thread pools grow and shrink by a factor of two at most. */
const threadCounts: ReadonlySet<string> = new Set([
  'num.io.threads', 'num.network.threads', 'num.recovery.threads.per.data.dir', 'num.replica.fetchers',
  'background.threads', 'log.cleaner.threads'
])

const clusterWideListenerKeys: ReadonlySet<string> = new Set([
  'max.connections', 'max.connection.creation.rate', 'num.network.threads'
])

export function isDynamic (name: string): boolean {
  return brokerTable.get(name)?.dynamic !== undefined
}

/** What is wrong with this whole set of dynamic values, of one broker or of all; null when nothing is. Names
 *  nobody knows are taken, as Kafka takes them: plug-ins may know them. */
export function problemWithDynamic (
  config: BrokerConfig, values: ReadonlyMap<string, string>, perBroker: boolean
): string | null {
  const names = [...values.keys()]
  const bound = perBroker ? [] : names.filter(isPerBroker)
  return complain('Cannot update these configs dynamically', names.filter(isFixed)) ??
    complain('These security configs can be updated only per listener, with the listener prefix',
      names.filter(name => perListenerOnly.has(name))) ??
    problemWithTypes(values) ??
    complain('Cannot update these configs for all brokers at once, a broker id is needed', bound) ??
    problemWithChange(config, values)
}

function complain (text: string, names: readonly string[]): string | null {
  return names.length === 0 ? null : `${text}: ${names.join(', ')}`
}

function isFixed (name: string): boolean {
  const setting = brokerTable.get(name)
  return setting !== undefined && setting.dynamic === undefined
}

function isPerBroker (name: string): boolean {
  const own = brokerTable.get(name)
  if (own !== undefined) return own.dynamic === 'broker'
  const setting = listenerSetting(name)
  return setting !== null && !clusterWideListenerKeys.has(setting.name)
}

function problemWithTypes (values: ReadonlyMap<string, string>): string | null {
  for (const [name, text] of values) {
    const setting = brokerTable.get(name) ?? listenerSetting(name)
    const problem = setting === null ? null : problemWith(setting, text)
    if (problem !== null) return `Invalid value ${text} for configuration ${name}: ${problem}`
  }
  return null
}

function problemWithChange (config: BrokerConfig, values: ReadonlyMap<string, string>): string | null {
  for (const [name, text] of values) {
    if (threadCounts.has(name)) {
      const now = config.number(name)
      const wanted = parseNumber(text)
      const problem = problemWithThreads(now, wanted)
      if (problem !== null) return `Cannot change ${name} from ${now} to ${wanted}: ${problem}`
    }
    if ((name === 'listeners' || name === 'listener.security.protocol.map') && text !== config.text(name)) {
      return `${name} cannot change while this broker runs yet`
    }
  }
  return null
}

function problemWithThreads (now: number, wanted: number): string | null {
  if (wanted === now) return null
  if (wanted < 1) return 'value should be at least 1'
  if (wanted < Math.floor(now / 2)) return 'value should be at least half the current value'
  return wanted > now * 2 ? 'value should not be greater than double the current value' : null
}
