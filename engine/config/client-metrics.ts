// Settings of a telemetry subscription (resource type CLIENT_METRICS): which metrics clients push, how often,
// and which clients.
import { int, list, type Setting } from './setting.ts'
import { parseList, parseNumber, problemWith } from './value.ts'

const settings: readonly Setting[] = [
  int('interval.ms', 300000, 'How often clients push their metrics.'),
  list('match', '', 'Clients that are meant: name=pattern, all of which must fit; empty for all clients.'),
  list('metrics', '', 'Prefixes of the metrics that are pushed; * for all.')
]

export const clientMetricsTable: ReadonlyMap<string, Setting> =
  new Map(settings.map(setting => [setting.name, setting]))

const matchNames: readonly string[] = [
  'client_instance_id', 'client_id', 'client_software_name', 'client_software_version', 'client_source_address',
  'client_source_port'
]
const intervalMsMin = 100
const intervalMsMax = 3_600_000

/** Kafka tells unknown names and intervals apart from other wrong values by the error's code. */
export interface ClientMetricsProblem { invalidRequest: boolean, message: string }

export function problemWithClientMetrics (values: ReadonlyMap<string, string>): ClientMetricsProblem | null {
  for (const [name, text] of values) {
    const setting = clientMetricsTable.get(name)
    if (setting === undefined) {
      return { invalidRequest: true, message: `Unknown client metrics configuration: ${name}` }
    }
    const problem = problemWith(setting, text)
    if (problem !== null) {
      return { invalidRequest: false, message: `Invalid value ${text} for configuration ${name}: ${problem}` }
    }
    if (name === 'interval.ms' && (parseNumber(text) < intervalMsMin || parseNumber(text) > intervalMsMax)) {
      return { invalidRequest: true, message: `interval.ms must be between ${intervalMsMin} and ${intervalMsMax}, not ${text}` }
    }
    const wrong = name === 'match' ? parseList(text).find(pattern => !isMatch(pattern)) : undefined
    if (wrong !== undefined) {
      return { invalidRequest: false, message: `Illegal client matching pattern: ${wrong}` }
    }
  }
  return null
}

function isMatch (pattern: string): boolean {
  const at = pattern.indexOf('=')
  if (at < 0 || !matchNames.includes(pattern.slice(0, at).trim())) return false
  try {
    return new RegExp(pattern.slice(at + 1).trim()) instanceof RegExp
  } catch {
    return false // no regular expression: what this asks about
  }
}
