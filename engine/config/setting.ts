// What one setting is: Kafka's name, type, default, limits, and one line of why. Values are kept as text, as
// written; what the text means is read where it is used, so that 9223372036854775807 is answered as it came
// although no number of ours can hold it.

export type SettingType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password'

export interface SettingRules {
  min?: number
  max?: number
  /** A value outside min and max that is allowed all the same. */
  or?: number
  oneOf?: readonly string[]
  anyCase?: boolean
  nonEmpty?: boolean
  /** Takes partition:broker pairs or *, as Kafka's replica throttles do. */
  throttled?: boolean
  /** May change while the broker runs: for one broker at a time, or for one or all. Absent: read at start
   *  only. */
  dynamic?: 'broker' | 'cluster'
  /** Topic settings: the broker setting that is the default. */
  synonym?: string
  /** Accepted, but not shown by DescribeConfigs. */
  internal?: boolean
  /** Accepted, but it changes nothing here: it belongs to the JVM broker's inner works, or to a part that is
   *  not built yet. */
  mark?: 'jvm' | 'later'
}

export interface Setting extends SettingRules {
  readonly name: string
  readonly type: SettingType
  /** As text; null when there is none. */
  readonly fallback: string | null
  readonly why: string
}

type Fallback = string | number | boolean | null

function setting (
  name: string, type: SettingType, fallback: Fallback, why: string, rules: SettingRules
): Setting {
  return { name, type, fallback: fallback === null ? null : String(fallback), why, ...rules }
}

export function bool (
  name: string, fallback: boolean | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'boolean', fallback, why, rules)
}

export function string (
  name: string, fallback: string | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'string', fallback, why, rules)
}

export function int (name: string, fallback: number | null, why: string, rules: SettingRules = {}): Setting {
  return setting(name, 'int', fallback, why, rules)
}

export function short (
  name: string, fallback: number | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'short', fallback, why, rules)
}

export function long (
  name: string, fallback: number | string | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'long', fallback, why, rules)
}

export function double (
  name: string, fallback: number | string | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'double', fallback, why, rules)
}

export function list (name: string, fallback: string | null, why: string, rules: SettingRules = {}): Setting {
  return setting(name, 'list', fallback, why, rules)
}

export function className (
  name: string, fallback: string | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'class', fallback, why, rules)
}

export function password (
  name: string, fallback: string | null, why: string, rules: SettingRules = {}
): Setting {
  return setting(name, 'password', fallback, why, rules)
}

/** Passwords are never shown: their value is answered as null. */
export function isSensitive (setting: Setting): boolean {
  return setting.type === 'password'
}
