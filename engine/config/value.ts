// Reads the text of a setting as its type and says in words what is wrong with it. The rules of Kafka's own
// parser: blanks around a value do not count, booleans are true or false in any case, list entries are
// separated by commas, doubled entries count once.
import { type Setting } from './setting.ts'

/** Says key, value and what is allowed; a broker with such a value does not start, a client gets it as
 *  INVALID_CONFIG. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly key: string
  constructor (key: string, value: string | null, problem: string) {
    super(`Invalid value ${value} for configuration ${key}: ${problem}`)
    this.key = key
  }
}

const integerShape = /^[+-]?\d+$/
const doubleShape = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/
const throttleShape = /^\d+:\d+$/

/** The bounds of an integer type as text of one length, so that 9223372036854775808 is refused though a
 *  number cannot tell it from its neighbour. */
const typeBounds = { short: '32768', int: '2147483648', long: '9223372036854775808' }

/** Numbers beyond 2^53 stand for "no limit": they become the largest exact integer. */
export function parseNumber (text: string): number {
  const value = Number(text.trim().replace(/[dDfF]$/, ''))
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
}

export function parseBoolean (text: string): boolean {
  return text.trim().toLowerCase() === 'true'
}

export function parseList (text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : [...new Set(trimmed.split(',').map(entry => entry.trim()))]
}

/** The text as it is kept and answered: without blanks around it, lists with each entry once. */
export function tidyText (setting: Setting, text: string): string {
  switch (setting.type) {
    case 'list': return parseList(text).join(',')
    case 'boolean': return text.trim().toLowerCase()
    case 'password': return text
    default: return text.trim()
  }
}

/** What is wrong with the text, null when nothing is. */
export function problemWith (setting: Setting, text: string): string | null {
  switch (setting.type) {
    case 'boolean': return /^(true|false)$/i.test(text.trim()) ? null : 'Expected value to be either true or false'
    case 'int': case 'short': case 'long': return problemWithInteger(setting, text.trim())
    case 'double':
      if (!doubleShape.test(text.trim())) return 'Not a number of type DOUBLE'
      return problemWithRange(setting, Number(text.trim().replace(/[dDfF]$/, '')))
    case 'list': return problemWithList(setting, text)
    default: return problemWithText(setting, text.trim())
  }
}

export function checkValue (setting: Setting, text: string): void {
  const problem = problemWith(setting, text)
  if (problem === null) return
  throw new ConfigError(setting.name, setting.type === 'password' ? '[hidden]' : text, problem)
}

function problemWithInteger (setting: Setting, text: string): string | null {
  if (!integerShape.test(text) || !fitsType(text, setting.type as keyof typeof typeBounds)) {
    return `Not a number of type ${setting.type.toUpperCase()}`
  }
  return problemWithRange(setting, Number(text))
}

function fitsType (text: string, type: keyof typeof typeBounds): boolean {
  const digits = text.replace(/^[+-]/, '').replace(/^0+(?=\d)/, '')
  const bound = typeBounds[type]
  if (digits.length !== bound.length) return digits.length < bound.length
  return text.startsWith('-') ? digits <= bound : digits < bound
}

function problemWithRange (setting: Setting, value: number): string | null {
  if (value === setting.or) return null
  if (setting.min !== undefined && value < setting.min) return `Value must be at least ${setting.min}`
  if (setting.max !== undefined && value > setting.max) return `Value must be no more than ${setting.max}`
  return null
}

function problemWithList (setting: Setting, text: string): string | null {
  const entries = parseList(text)
  if (entries.includes('')) return 'Entries must not be empty'
  if (setting.throttled) {
    const fine = text.trim() === '*' || entries.every(entry => throttleShape.test(entry))
    return fine ? null : 'Must be * or a list of [partitionId]:[brokerId],[partitionId]:[brokerId],...'
  }
  if (setting.oneOf === undefined) return null
  const stranger = entries.find(entry => !setting.oneOf!.includes(entry))
  return stranger === undefined ? null : `String must be one of: ${setting.oneOf.join(', ')}`
}

function problemWithText (setting: Setting, text: string): string | null {
  if (setting.nonEmpty && text === '') return 'Must not be empty'
  if (setting.oneOf === undefined) return null
  const known = setting.anyCase
    ? setting.oneOf.some(value => value.toLowerCase() === text.toLowerCase())
    : setting.oneOf.includes(text) || isDuration(setting, text)
  return known ? null : `Must be one of: ${setting.oneOf.join(', ')}`
}

/** share.auto.offset.reset also takes a duration in ISO 8601. */
function isDuration (setting: Setting, text: string): boolean {
  if (!setting.oneOf!.some(value => value.startsWith('by_duration:'))) return false
  const match = /^by_duration:(-?)P(?=.)(-?\d+D)?(T(?=.)(-?\d+H)?(-?\d+M)?(-?\d+([.,]\d{1,9})?S)?)?$/i.exec(text)
  return match !== null && !text.includes('-')
}
