// Our schemas against Kafka's own definitions, where these lie beside the checkout: field by field, version
// by version.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCodes, errorRetriable } from './errors.ts'
import { requestHeaderVersion, responseHeaderVersion } from './frame.ts'
import { allApis } from './messages/index.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from './records/consumer-protocol.ts'
import { consumerOffsetsRecords, shareGroupStateRecords, transactionStateRecords } from './records/index.ts'
import { ProducerSnapshot } from './records/producer-snapshot.ts'
import {
  type AnyField, type AnyMessage, type Fields, fallbackOf, int64Max, isCarried, isNullable
} from './schema.ts'
import { versionsOf } from './testing/generate.ts'
import { zeroUuid } from './uuid.ts'

const folder = join(import.meta.dirname, '../../../shared/kafka-protocol')
const isThere = existsSync(folder)
if (!isThere) console.warn('skipped: there are no definitions of Kafka beside this checkout to compare with')

interface Definition {
  apiKey?: number
  name: string
  validVersions: string
  flexibleVersions: string
  fields: FieldDefinition[]
  commonStructs?: { name: string, fields: FieldDefinition[] }[]
}

interface FieldDefinition {
  name: string
  type: string
  versions?: string
  nullableVersions?: string
  taggedVersions?: string
  tag?: number
  default?: string | number | boolean | null
  fields?: FieldDefinition[]
}

const load = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'))

function within (range: string | undefined, version: number): boolean {
  const match = /^(\d+)(\+|-(\d+))?$/.exec(range ?? 'none')
  if (match === null) return false
  const last = match[2] === '+' ? Infinity : Number(match[3] ?? match[1])
  return version >= Number(match[1]) && version <= last
}

const camelCase = (name: string) => name[0].toLowerCase() + name.slice(1)

/** One line a field, in the order of the wire, structs unfolded. */
function expectedLines (definition: Definition, version: number): string[] {
  const lines: string[] = []
  const common = new Map(definition.commonStructs?.map(({ name, fields }) => [name, fields]))
  const walk = (fields: FieldDefinition[], path: string) => {
    for (const field of fields) {
      if (!within(field.versions ?? field.taggedVersions, version)) continue
      const element = field.type.replace(/^\[\]/, '')
      const inner = field.fields ?? common.get(element)
      const kind = inner === undefined ? element : 'struct'
      const name = path + camelCase(field.name)
      lines.push(line(name, field.type.startsWith('[]') ? `[]${kind}` : kind, {
        nullable: within(field.nullableVersions, version),
        tag: within(field.taggedVersions, version) ? field.tag ?? -1 : -1,
        fallback: expectedFallback(field)
      }))
      if (inner !== undefined) walk(inner, `${name}.`)
    }
  }
  walk(definition.fields, '')
  return lines
}

/** A default that is missing (or JSON's null, as opposed to the text 'null') is the type's own. */
function expectedFallback (field: FieldDefinition): unknown {
  const given = field.default ?? ''
  if (given === 'null') return null
  if (field.type.startsWith('[]')) return 'empty'
  switch (field.type) {
    case 'string': return given
    case 'bool': return String(given) === 'true'
    case 'uuid': return zeroUuid
    case 'bytes': return 'empty'
    case 'records': return field.nullableVersions?.endsWith('+') === true ? null : 'empty'
    case 'int8': case 'int16': case 'uint16': case 'int32': case 'uint32': case 'int64': case 'float64':
      return Math.min(Number(given), int64Max)
    default: return 'struct'
  }
}

interface Traits { nullable: boolean, tag: number, fallback: unknown }

function line (name: string, type: string, { nullable, tag, fallback }: Traits): string {
  const traits = `${nullable ? ' nullable' : ''}${tag < 0 ? '' : ` tag ${tag}`}`
  return `${name}: ${type}${traits} = ${JSON.stringify(fallback)}`
}

function actualLines (schema: AnyMessage, version: number): string[] {
  const lines: string[] = []
  const walk = (fields: Fields, path: string) => {
    for (const [key, field] of Object.entries(fields)) {
      if (!isCarried(field, version)) continue
      const { node } = field
      const element = node.kind === 'array' ? node.of : node
      const kind = element.kind.replace(/Saturated|Bits/, '')
      lines.push(line(path + key, node.kind === 'array' ? `[]${kind}` : kind, {
        nullable: isNullable(field, version),
        tag: field.presence.tag,
        fallback: actualFallback(field)
      }))
      if (element.kind === 'struct') walk(element.fields, `${path}${key}.`)
    }
  }
  walk(schema.fields, '')
  return lines
}

function actualFallback (field: AnyField): unknown {
  const value = fallbackOf(field)
  if (field.node.kind === 'int64Bits') return Number(value)
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0 ? 'empty' : value
  return typeof value === 'object' && value !== null ? 'struct' : value
}

function expectSame (schema: AnyMessage, definition: Definition): void {
  expect(schema.name).toBe(definition.name)
  const valid = [...Array(100).keys()].filter(version => within(definition.validVersions, version))
  expect(versionsOf(schema), `${schema.name}: versions`).toEqual(valid)
  for (const version of valid) {
    const which = `${schema.name} v${version}`
    const isFlexible = within(definition.flexibleVersions, version)
    expect(version >= schema.flexibleSince, `${which}: flexible`).toBe(isFlexible)
    expect(actualLines(schema, version), which).toEqual(expectedLines(definition, version))
  }
}

describe.skipIf(!isThere)('as Kafka defines it', () => {
  const rows: { key: number, name: string, listeners: string[], headerV2Since: number }[] =
    isThere ? load('apis.json') : []
  const brokerRows = rows.filter(row => row.listeners.includes('broker'))

  it('every API of brokers is there', () => {
    const nameOf = ({ key, name }: { key: number, name: string }) => `${key} ${name}`
    expect(allApis.map(nameOf)).toEqual(brokerRows.map(nameOf))
  })

  it('headers', () => {
    for (const [index, { headerV2Since, name }] of brokerRows.entries()) {
      const api = allApis[index]
      for (const version of versionsOf(api)) {
        const tagged = headerV2Since >= 0 && version >= headerV2Since
        const response = tagged && name !== 'ApiVersions' ? 1 : 0
        expect(requestHeaderVersion(api, version), `${name} v${version}`).toBe(tagged ? 2 : 1)
        expect(responseHeaderVersion(api, version), `${name} v${version}`).toBe(response)
      }
    }
  })

  for (const api of isThere ? allApis : []) {
    it(`${api.key} ${api.name}`, () => {
      expectSame(api.request, load(`messages/${api.name}Request.json`))
      expectSame(api.response, load(`messages/${api.name}Response.json`))
      expect(load(`messages/${api.name}Request.json`).apiKey).toBe(api.key)
    })
  }

  it('records of the internal topics', () => {
    const records = [...consumerOffsetsRecords, ...transactionStateRecords, ...shareGroupStateRecords]
    for (const record of records) {
      const key: Definition = load(`records/${record.name}Key.json`)
      expect(record.type, record.name).toBe(key.apiKey)
      expectSame(record.key, key)
      expectSame(record.value, load(`records/${record.name}Value.json`))
    }
    expectSame(ProducerSnapshot, load('records/ProducerSnapshot.json'))
    expect(readdirSync(join(folder, 'records'))).toHaveLength(records.length * 2 + 1)
    expectSame(ConsumerProtocolSubscription, load('messages/ConsumerProtocolSubscription.json'))
    expectSame(ConsumerProtocolAssignment, load('messages/ConsumerProtocolAssignment.json'))
  })

  it('error codes', () => {
    const codes: { code: number, name: string, retriable: boolean }[] = load('errors.json')
    expect(Object.entries(errorCodes)).toEqual(codes.map(({ name, code }) => [name, code]))
    for (const { code, name, retriable } of codes) expect(errorRetriable(code), name).toBe(retriable)
  })
})
