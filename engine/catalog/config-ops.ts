// Changes of settings as IncrementalAlterConfigs asks for them: which values come out, and whether they may
// be. Pure.
import { type BrokerConfig } from '../config/broker-config.ts'
import { clientMetricsTable, problemWithClientMetrics } from '../config/client-metrics.ts'
import { problemWithDynamic } from '../config/dynamic.ts'
import { problemWithGroupConfig } from '../config/group-config.ts'
import { type Setting } from '../config/setting.ts'
import { brokerTable, groupTable, topicTable } from '../config/tables.ts'
import { problemWithTopicConfig } from '../config/topic-config.ts'
import { type CatalogError, type ConfigOp } from './catalog.ts'
import { type ConfigKind } from './state.ts'
import { failure } from './topic-rules.ts'

export type Values = Record<string, string | null>

/** As Kafka: the text's length has 16 bits where Kafka keeps it. */
const valueLengthMax = 32_767

/** What the operations come to, null for deleted; nothing is checked yet but that lists are lists. */
export function valuesAfter (
  kind: ConfigKind, current: ReadonlyMap<string, string>, ops: readonly ConfigOp[]
): Values | CatalogError {
  const values: Values = Object.create(null)
  for (const { name, op, value } of ops) {
    if (op === 'set') values[name] = value
    else if (op === 'delete') values[name] = null
    else {
      const setting = settingOf(kind, name)
      if (setting?.type !== 'list') {
        return failure('INVALID_CONFIG', `Can't ${op} to key ${name} because its type is not LIST.`)
      }
      const before = current.get(name) ?? setting.fallback ?? ''
      values[name] = changeList(before, op, value ?? '')
    }
  }
  return values
}

/** Entries are compared as they are written. */
function changeList (before: string, op: 'append' | 'subtract', change: string): string {
  const entries = before.split(',').filter(entry => entry !== '')
  for (const entry of change.split(',')) {
    const at = entries.indexOf(entry)
    if (op === 'append' && at < 0) entries.push(entry)
    if (op === 'subtract' && at >= 0) entries.splice(at, 1)
  }
  return entries.join(',')
}

function settingOf (kind: ConfigKind, name: string): Setting | undefined {
  if (kind === 'topic') return topicTable.get(name)
  if (kind === 'group') return groupTable.get(name)
  return kind === 'broker' ? brokerTable.get(name) : clientMetricsTable.get(name)
}

export function merged (current: ReadonlyMap<string, string>, values: Values): Map<string, string> {
  const after = new Map(current)
  for (const [name, value] of Object.entries(values)) {
    if (value === null) after.delete(name)
    else after.set(name, value)
  }
  return after
}

/** null when the whole set of values is one that may be. */
export function problemWithValues (
  config: BrokerConfig, kind: ConfigKind, name: string, after: ReadonlyMap<string, string>
): CatalogError | null {
  for (const [key, text] of after) {
    if (text.length > valueLengthMax) {
      return failure('INVALID_CONFIG', `The value of ${key} is longer than ${valueLengthMax} characters`)
    }
  }
  switch (kind) {
    case 'topic': return invalid(problemWithTopicConfig(config, after))
    case 'group': return invalid(problemWithGroupConfig(config, after))
    case 'client-metrics': {
      const problem = problemWithClientMetrics(after)
      if (problem === null) return null
      return failure(problem.invalidRequest ? 'INVALID_REQUEST' : 'INVALID_CONFIG', problem.message)
    }
    case 'broker': {
      // Kafka calls a broker's wrong value an invalid request, a topic's an invalid configuration.
      const problem = problemWithDynamic(config, after, name !== '')
      return problem === null ? null : failure('INVALID_REQUEST', problem)
    }
  }
}

function invalid (problem: string | null): CatalogError | null {
  return problem === null ? null : failure('INVALID_CONFIG', problem)
}

/** With eligible leader replicas the cluster's min.insync.replicas is the one that counts: it stays, and no
 *  broker has its own. */
export function problemWithMinIsr (name: string, values: Values): CatalogError | null {
  const key = 'min.insync.replicas'
  if (!(key in values)) return null
  if (name !== '') return failure('INVALID_CONFIG', `${key} of one broker cannot be altered while ELR is enabled.`)
  return values[key] === null ? failure('INVALID_CONFIG', `${key} of the cluster cannot be removed while ELR is enabled.`) : null
}
