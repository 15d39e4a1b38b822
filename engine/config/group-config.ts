// Settings of one group over the broker's: consumer.session.timeout.ms falls back to
// group.consumer.session.timeout.ms and must keep within group.consumer.min.session.timeout.ms and
// group.consumer.max.session.timeout.ms.
import { type BrokerConfig } from './broker-config.ts'
import { brokerTable, groupTable } from './tables.ts'
import { parseList, parseNumber, problemWith } from './value.ts'

/** The broker setting that a group setting falls back to, null when it has a default of its own. */
export function groupSynonym (name: string): string | null {
  if (name === 'streams.assignor.name') return 'group.streams.assignors'
  const synonym = `group.${name}`
  return brokerTable.has(synonym) ? synonym : null
}

export function groupDefault (config: BrokerConfig, name: string): string | null {
  const synonym = groupSynonym(name)
  if (synonym === null) return groupTable.get(name)?.fallback ?? null
  return name === 'streams.assignor.name' ? config.list(synonym)[0] ?? null : config.text(synonym)
}

export function problemWithGroupConfig (
  config: BrokerConfig, values: ReadonlyMap<string, string>
): string | null {
  for (const [name, text] of values) {
    const setting = groupTable.get(name)
    if (setting === undefined) return `Unknown group config name: ${name}`
    const problem = problemWith(setting, text) ?? problemWithBounds(config, name, text)
    if (problem !== null) return `Invalid value ${text} for configuration ${name}: ${problem}`
  }
  return problemWithHeartbeats(config, values)
}

function problemWithBounds (config: BrokerConfig, name: string, text: string): string | null {
  if (name === 'streams.assignor.name') {
    const known = config.list('group.streams.assignors')
    return known.includes(text) ? null : `Must be one of: ${known.join(', ')}`
  }
  const dot = name.indexOf('.')
  const [kind, rest] = [name.slice(0, dot), name.slice(dot + 1).replace(/^num\./, '')]
  for (const bound of ['min', 'max']) {
    const key = `group.${kind}.${bound}.${rest}`
    if (!brokerTable.has(key) || parseList(text).length !== 1) continue
    const limit = config.number(key)
    const value = parseNumber(text)
    if (bound === 'min' ? value < limit : value > limit) {
      return `Must be ${bound === 'min' ? 'at least' : 'at most'} ${limit} (${key})`
    }
  }
  return null
}

function problemWithHeartbeats (config: BrokerConfig, values: ReadonlyMap<string, string>): string | null {
  for (const kind of ['consumer', 'share', 'streams']) {
    const number = (name: string) => parseNumber(values.get(name) ?? groupDefault(config, name)!)
    const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
    if (number(session) <= number(heartbeat)) {
      return `${session} (${number(session)}) must be above ${heartbeat} (${number(heartbeat)})`
    }
  }
  return null
}
