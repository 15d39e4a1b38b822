// Values as JSON text, the way Kafka's tools print them: fields in the order of the schema, those a version
// does not carry left out, tagged ones only where they differ from their default, bytes in base64, ids in
// base64url, all 64 bits of a number.
import { isDeepStrictEqual } from 'node:util'
import { int64Text } from '../int64-text.ts'
import {
  type AnyField, type AnyMessage, type Fields, type Node, fallbackOf, int64Max, isCarried
} from '../schema.ts'
import { kafkaUuid } from '../uuid.ts'

/** Fields of bytes, by name, that hold something better to show; null: show the bytes. */
export type JsonViews = Readonly<Record<string, (bytes: Buffer) => string | null>>

const noViews: JsonViews = {}

export function messageJson (
  message: AnyMessage, version: number, value: unknown, views: JsonViews = noViews
): string {
  return structJson(message.fields, version, value as Record<string, unknown>, views)
}

function structJson (
  fields: Fields, version: number, value: Record<string, unknown>, views: JsonViews
): string {
  const parts: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!isCarried(field, version) || isLeftOut(field, value[name])) continue
    const shown = value[name] instanceof Buffer ? views[name]?.(value[name]) ?? null : null
    parts.push(`"${name}":${shown ?? nodeJson(field.node, version, value[name], views)}`)
  }
  return `{${parts.join(',')}}`
}

function isLeftOut (field: AnyField, value: unknown): boolean {
  return field.presence.tag >= 0 && isDeepStrictEqual(value, fallbackOf(field))
}

function nodeJson (node: Node, version: number, value: unknown, views: JsonViews): string {
  if (value === null) return 'null'
  switch (node.kind) {
    case 'struct': return structJson(node.fields, version, value as Record<string, unknown>, views)
    case 'array':
      return `[${(value as unknown[]).map(element => nodeJson(node.of, version, element, views)).join(',')}]`
    case 'string': return jsonText(value as string)
    case 'uuid': return `"${kafkaUuid(value as string)}"`
    case 'bytes': case 'records': return `"${(value as Buffer).toString('base64')}"`
    case 'float64': return doubleText(value as number)
    case 'int64Bits': return bitsText(value as string)
    case 'int64Saturated': return saturatedText(value as number)
    default: return String(value)
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"', '\\': '\\\\', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r'
}

/** Not JSON.stringify: Kafka's tools write control characters with upper case digits. */
export function jsonText (text: string): string {
  // eslint-disable-next-line no-control-regex
  const escaped = text.replace(/["\\\u0000-\u001f]/g, character => shortEscapes[character] ??
    `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`)
  return `"${escaped}"`
}

function bitsText (hex: string): string {
  return int64Text(parseInt(hex.slice(0, 8), 16) | 0, parseInt(hex.slice(8), 16))
}

/** The outermost safe number stands for "as far as there is". */
function saturatedText (value: number): string {
  if (value === int64Max) return '9223372036854775807'
  return value === -int64Max ? '-9223372036854775808' : String(value)
}

/** With a fraction always, and powers of ten outside of [0.001, 10 million), as Java writes a double. */
export function doubleText (value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  const size = Math.abs(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [digits, exponent] = value.toExponential().split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}
