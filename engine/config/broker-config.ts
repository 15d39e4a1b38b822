// Every broker setting with typed read access, by Kafka's names. A value is looked up in Kafka's order:
// dynamic for this broker, dynamic for all brokers, given at start (file, then overrides), default. Values
// read are remembered until a dynamic one changes, so that asking costs a map lookup; long-lived code asks
// again rather than keep an answer.
import { type Logger } from '../base/logger.ts'
import { defaultListeners, type Listener, parseListeners } from './listeners.ts'
import { parseProperties } from './properties.ts'
import { type Setting } from './setting.ts'
import { brokerTable, listenerSetting } from './tables.ts'
import { checkValue, ConfigError, parseBoolean, parseList, parseNumber, tidyText } from './value.ts'

export { ConfigError } from './value.ts'

export interface ConfigSources {
  /** Under everything else, and without warnings: nobody wrote them. */
  defaults?: Readonly<Record<string, string>>
  /** Texts of server.properties files; a later one wins. */
  files?: readonly { name: string, text: string }[]
  /** Win over the files: --override on the command line, options of an embedded broker. */
  overrides?: Readonly<Record<string, string | undefined>>
  /** Gets the warnings. */
  logger?: Logger
  /** What clients are told when a listener has no host of its own. */
  hostName?: string
}

/** Where a value comes from, by the names that DescribeConfigs has for it. */
export type ConfigSource = 'dynamic-broker' | 'dynamic-default' | 'static' | 'default'

export interface SourcedValue { name: string, value: string, source: ConfigSource }

export class BrokerConfig {
  readonly nodeId: number
  readonly listeners: readonly Listener[]
  /** Folders for logs, each once; empty when neither log.dirs nor log.dir was given: the caller picks one. */
  readonly logDirs: readonly string[]
  /** One line per setting that was accepted without effect or is unknown. */
  readonly warnings: readonly string[]
  readonly #given: ReadonlyMap<string, string>
  #dynamicBroker: ReadonlyMap<string, string> = new Map()
  #dynamicDefault: ReadonlyMap<string, string> = new Map()
  // parsed values of text(name); cleared when a dynamic value changes
  readonly #read = new Map<string, unknown>()
  readonly #listeners = new Set<() => void>()

  constructor (
    given: ReadonlyMap<string, string>, listeners: readonly Listener[], warnings: readonly string[]
  ) {
    this.#given = given
    this.listeners = listeners
    this.warnings = warnings
    this.nodeId = this.number('node.id')
    const folders = given.has('log.dirs') ? given.get('log.dirs')! : given.get('log.dir') ?? ''
    this.logDirs = parseList(folders)
  }

  /** The value as written, null when there is none. Asking for a name that is no setting is our bug. */
  text (name: string): string | null {
    return this.#dynamicBroker.get(name) ?? this.#dynamicDefault.get(name) ?? this.#given.get(name) ??
      settingOf(name).fallback
  }

  string (name: string): string {
    return this.text(name) ?? ''
  }

  boolean (name: string): boolean {
    return this.#parsed(name, readBoolean) ?? false
  }

  list (name: string): readonly string[] {
    return this.#parsed(name, parseList) ?? []
  }

  /** Numbers beyond 2^53 come as Number.MAX_SAFE_INTEGER and count as no limit. */
  number (name: string): number {
    const value = this.numberOrNull(name)
    if (value === null) throw new ConfigError(name, null, 'has no value and no default')
    return value
  }

  numberOrNull (name: string): number | null {
    return this.#parsed(name, parseNumber)
  }

  /** The listener's own value (listener.name.NAME.KEY), else that of all. */
  listenerNumber (listener: string, name: string): number {
    const own = `listener.name.${listener.toLowerCase()}.${name}`
    const isSet = this.#dynamicBroker.has(own) || this.#dynamicDefault.has(own) || this.#given.has(own)
    return this.number(isSet ? own : name)
  }

  /** The values a name has, the one in force first. */
  sources (name: string): SourcedValue[] {
    const found: SourcedValue[] = []
    const add = (value: string | null | undefined, source: ConfigSource) => {
      if (value !== null && value !== undefined) found.push({ name, value, source })
    }
    add(this.#dynamicBroker.get(name), 'dynamic-broker')
    add(this.#dynamicDefault.get(name), 'dynamic-default')
    add(this.#given.get(name), 'static')
    add(brokerTable.get(name)?.fallback, 'default')
    return found
  }

  /** Keys given at start, known or not. */
  givenNames (): Iterable<string> {
    return this.#given.keys()
  }

  /** The catalog's dynamic settings came or changed. Both maps are kept, not copied. */
  setDynamic (broker: ReadonlyMap<string, string>, clusterDefault: ReadonlyMap<string, string>): void {
    this.#dynamicBroker = broker
    this.#dynamicDefault = clusterDefault
    this.#read.clear()
    for (const listener of this.#listeners) listener()
  }

  /** Called after dynamic settings changed, for what cannot simply ask again. */
  onChange (listener: () => void): void {
    this.#listeners.add(listener)
  }

  #parsed<T> (name: string, parse: (text: string) => T): T | null {
    const known = this.#read.get(name)
    if (known !== undefined) return known as T | null
    const text = this.text(name)
    const value = text === null ? null : parse(text)
    this.#read.set(name, value)
    return value
  }
}

function readBoolean (text: string): boolean {
  return parseBoolean(text)
}

function settingOf (name: string): Setting {
  const setting = brokerTable.get(name)
  if (setting === undefined) throw new ConfigError(name, null, 'is no setting')
  return setting
}

/** Throws ConfigError on the first wrong value. */
export function loadBrokerConfig (sources: ConfigSources = {}): BrokerConfig {
  const given = new Map<string, string>()
  for (const [key, value] of Object.entries(sources.defaults ?? {})) given.set(key, takeValue(key, value, []))
  const raw = new Map<string, string>()
  for (const file of sources.files ?? []) {
    for (const [key, value] of parseProperties(file.text)) raw.set(key, value)
  }
  for (const [key, value] of Object.entries(sources.overrides ?? {})) {
    if (value !== undefined) raw.set(key, value)
  }
  const warnings: string[] = []
  for (const [key, text] of raw) given.set(key, takeValue(key, text, warnings))
  alignNodeId(given)
  checkTogether(given)
  const listeners = parseListeners({
    listeners: given.get('listeners') ?? null,
    advertised: given.get('advertised.listeners') ?? null,
    protocolMap: given.get('listener.security.protocol.map') ?? settingOf('listener.security.protocol.map').fallback!,
    controllerNames: parseList(given.get('controller.listener.names') ?? ''),
    hostName: sources.hostName
  })
  refuseUnbuiltProtocols(listeners, given.get('listeners') ?? defaultListeners)
  for (const warning of warnings) sources.logger?.warn(warning)
  return new BrokerConfig(given, listeners, warnings)
}

function takeValue (key: string, text: string, warnings: string[]): string {
  const setting = brokerTable.get(key) ?? listenerSetting(key)
  if (setting === null) {
    warnings.push(`Setting ${key} is unknown and has no effect`)
    return text
  }
  checkValue(setting, text)
  if (setting.mark === 'jvm') {
    warnings.push(`Setting ${key} belongs to the JVM broker and has no effect here`)
  } else if (setting.mark === 'later') {
    warnings.push(`Setting ${key} has no effect yet: what it is for is not built`)
  }
  return tidyText(setting, text)
}

/** node.id and broker.id are one number under two names. */
function alignNodeId (given: Map<string, string>): void {
  const node = given.get('node.id')
  const broker = given.get('broker.id')
  if (node !== undefined && broker !== undefined && node !== broker) {
    throw new ConfigError('broker.id', broker, `must be the same as node.id (${node})`)
  }
  if (node === undefined && broker === '-1') given.delete('broker.id')
  else if (node === undefined && broker !== undefined) given.set('node.id', broker)
  else if (node !== undefined) given.set('broker.id', node)
}

function checkTogether (given: ReadonlyMap<string, string>): void {
  const dirs = given.get('log.dirs')
  if (dirs !== undefined && parseList(dirs).length === 0) {
    throw new ConfigError('log.dirs', dirs, 'expected at least one folder')
  }
  if (given.has('inter.broker.listener.name') && given.has('security.inter.broker.protocol')) {
    throw new ConfigError('security.inter.broker.protocol', given.get('security.inter.broker.protocol')!,
      'only one of inter.broker.listener.name and security.inter.broker.protocol may be set')
  }
  const number = (name: string) => parseNumber(given.get(name) ?? settingOf(name).fallback!)
  for (const [low, high] of orderedPairs) {
    if (number(low) > number(high)) {
      const name = given.has(low) ? low : high
      throw new ConfigError(name, given.get(name) ?? null,
        `${low} (${number(low)}) must not be above ${high} (${number(high)})`)
    }
  }
}

/** The first must not be above the second. */
const orderedPairs: readonly (readonly [string, string])[] = [
  ...['consumer', 'share', 'streams'].flatMap(kind => [
    [`group.${kind}.min.heartbeat.interval.ms`, `group.${kind}.heartbeat.interval.ms`],
    [`group.${kind}.heartbeat.interval.ms`, `group.${kind}.max.heartbeat.interval.ms`],
    [`group.${kind}.min.session.timeout.ms`, `group.${kind}.session.timeout.ms`],
    [`group.${kind}.session.timeout.ms`, `group.${kind}.max.session.timeout.ms`],
    [`group.${kind}.heartbeat.interval.ms`, `group.${kind}.session.timeout.ms`]
  ] as const),
  ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'],
  ['group.share.min.record.lock.duration.ms', 'group.share.record.lock.duration.ms'],
  ['group.share.record.lock.duration.ms', 'group.share.max.record.lock.duration.ms'],
  ['log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms']
]

/** A listener that should be private must not silently speak plain text. */
function refuseUnbuiltProtocols (listeners: readonly Listener[], text: string): void {
  for (const { name, securityProtocol } of listeners) {
    if (securityProtocol !== 'PLAINTEXT') {
      throw new ConfigError('listeners', text, `${name} speaks ${securityProtocol}, which is not built yet; only PLAINTEXT is`)
    }
  }
}
