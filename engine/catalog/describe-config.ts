// Settings as DescribeConfigs shows them: value in force, where it comes from, what else it could have been
// (synonyms, the one in force first), type and meaning. Kafka's order of sources and its families of names
// are what tools print, so they are kept exactly.
import { type BrokerConfig, type ConfigSource } from '../config/broker-config.ts'
import { clientMetricsTable } from '../config/client-metrics.ts'
import { isDynamic } from '../config/dynamic.ts'
import { groupDefault, groupSynonym } from '../config/group-config.ts'
import { isSensitive, type Setting, type SettingType } from '../config/setting.ts'
import {
  brokerTable, groupTable, kafkaBrokerTable, kafkaTopicTable, listenerSetting, topicTable
} from '../config/tables.ts'
import { topicText } from '../config/topic-config.ts'
import { tidyText } from '../config/value.ts'

export interface ConfigSynonym { name: string, value: string | null, source: number }

export interface ConfigEntry {
  name: string
  value: string | null
  readOnly: boolean
  configSource: number
  isSensitive: boolean
  synonyms: ConfigSynonym[]
  configType: number
  documentation: string | null
}

const sourceIds: Record<ConfigSource, number> = {
  'dynamic-broker': 2, 'dynamic-default': 3, static: 4, default: 5
}
const topicSource = 1
const clientMetricsSource = 7
const groupSource = 8

const typeIds: Record<SettingType, number> = {
  boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9
}

/** Names for one thing in several units, the one that wins first. A family is looked up by any of its names.
 *  */
const families: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']
]

function familyOf (name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return [name, 'log.flush.scheduler.interval.ms']
  return families.find(family => family.includes(name)) ?? [name]
}

/** The names that `keys` asks for; null and an empty list ask for all. */
function chosen (names: Iterable<string>, keys: readonly string[] | null): string[] {
  const all = [...new Set(names)]
  if (keys === null || keys.length === 0) return all
  const wanted = new Set(keys)
  return all.filter(name => wanted.has(name))
}

function shownNames (table: ReadonlyMap<string, Setting>, given: Iterable<string>): string[] {
  return [...[...table.values()].filter(setting => !setting.internal).map(setting => setting.name), ...given]
}

export function describeTopic (
  config: BrokerConfig, overrides: ReadonlyMap<string, string>, keys: readonly string[] | null
): ConfigEntry[] {
  const asked = keys?.filter(key => topicTable.has(key)) ?? []
  return chosen([...shownNames(kafkaTopicTable, overrides.keys()), ...asked], keys).map(name => {
    const setting = topicTable.get(name)!
    const value = tidy(setting, topicText(config, overrides, name))
    const synonyms = setting.synonym === undefined ? [] : brokerSynonyms(config, setting.synonym)
    if (overrides.has(name)) synonyms.unshift({ name, value, source: topicSource })
    return entryOf(setting, name, value, synonyms, false)
  })
}

export function describeBroker (config: BrokerConfig, keys: readonly string[] | null): ConfigEntry[] {
  const asked = keys?.filter(key => brokerTable.has(key)) ?? []
  const given = [...config.givenNames()].filter(name => !brokerTable.has(name) || kafkaBrokerTable.has(name))
  return chosen([...shownNames(kafkaBrokerTable, given), ...asked], keys).map(name => {
    const setting = brokerTable.get(name) ?? listenerSetting(name)
    const synonyms = brokerSynonyms(config, name)
    const text = brokerTable.has(name) ? config.text(name) : synonyms[0]?.value ?? null
    if (setting === null) return unknownEntry(name, synonyms)
    return entryOf(setting, name, tidy(setting, text), synonyms, !isDynamic(name))
  })
}

/** Only what was set for all brokers while they ran. */
export function describeBrokerDefaults (
  config: BrokerConfig, values: ReadonlyMap<string, string>, keys: readonly string[] | null
): ConfigEntry[] {
  return chosen(values.keys(), keys).map(name => {
    const setting = brokerTable.get(name) ?? listenerSetting(name)
    const synonyms = brokerSynonyms(config, name)
      .filter(({ source }) => source === sourceIds['dynamic-default'])
    if (setting === null) return unknownEntry(name, synonyms)
    return entryOf(setting, name, hidden(setting, values.get(name)!), synonyms, !isDynamic(name))
  })
}

export function describeGroup (
  config: BrokerConfig, values: ReadonlyMap<string, string>, keys: readonly string[] | null
): ConfigEntry[] {
  return chosen(shownNames(groupTable, values.keys()), keys).map(name => {
    const setting = groupTable.get(name)!
    const value = tidy(setting, values.get(name) ?? groupDefault(config, name))
    const synonym = groupSynonym(name)
    const synonyms = synonym === null
      ? [{ name, value: setting.fallback, source: sourceIds.default }]
      : brokerSynonyms(config, synonym)
    if (values.has(name)) synonyms.unshift({ name, value, source: groupSource })
    return entryOf(setting, name, value, synonyms, false)
  })
}

export function describeClientMetrics (
  values: ReadonlyMap<string, string>, keys: readonly string[] | null
): ConfigEntry[] {
  return chosen(clientMetricsTable.keys(), keys).map(name => {
    const setting = clientMetricsTable.get(name)!
    const value = tidy(setting, values.get(name) ?? setting.fallback)
    const synonyms = values.has(name) ? [{ name, value, source: clientMetricsSource }] : []
    return entryOf(setting, name, value, synonyms, false)
  })
}

function entryOf (
  setting: Setting, name: string, value: string | null, synonyms: ConfigSynonym[], readOnly: boolean
): ConfigEntry {
  return {
    name,
    value,
    readOnly,
    configSource: synonyms[0]?.source ?? sourceIds.default,
    isSensitive: isSensitive(setting),
    synonyms,
    configType: typeIds[setting.type],
    documentation: setting.why
  }
}

/** A key that nobody knows may be a secret of some plug-in: its value is not shown. */
function unknownEntry (name: string, synonyms: ConfigSynonym[]): ConfigEntry {
  const shown = synonyms.map(synonym => ({ ...synonym, value: null }))
  return {
    name,
    value: null,
    readOnly: true,
    configSource: shown[0]?.source ?? sourceIds.default,
    isSensitive: true,
    synonyms: shown,
    configType: 0,
    documentation: null
  }
}

/** All values of the family in Kafka's order, from the first that goes by this very name on. */
function brokerSynonyms (config: BrokerConfig, name: string): ConfigSynonym[] {
  const base = listenerSetting(name)
  const names = base === null ? familyOf(name) : [name, base.name]
  const found = names.flatMap(member => config.sources(member).map(({ name, value, source }) => {
    const setting = brokerTable.get(name) ?? base
    return { name, value: setting === null ? value : hidden(setting, value), source: sourceIds[source] }
  }))
  found.sort((a, b) => a.source - b.source) // stable: within a source the family's order stays
  const first = found.findIndex(synonym => synonym.name === name)
  return first < 0 ? [] : found.slice(first)
}

function tidy (setting: Setting, text: string | null): string | null {
  return text === null ? null : hidden(setting, tidyText(setting, text))
}

function hidden (setting: Setting, text: string): string | null {
  return isSensitive(setting) ? null : text
}
