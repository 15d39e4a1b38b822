// The words in which Kafka's messages are written down. A schema is plain data: compile.ts makes code of it,
// interpret.ts walks it, TypeScript reads the values' types off it.
import { zeroUuid } from './uuid.ts'
import { type RecordsPieces, emptyBytes } from './wire.ts'

export type Node =
  | { kind: 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' }
  | { kind: 'int64Saturated' | 'int64Bits' | 'float64' | 'uuid' | 'string' | 'bytes' | 'records' }
  | { kind: 'array', of: Node }
  | { kind: 'struct', fields: Fields }

/** When a field is on the wire and what stands for it when it is not. Versions are inclusive. */
export interface Presence {
  since: number
  until: number
  nullableSince: number
  tag: number // -1: in line
  fallback: unknown // undefined: a fresh empty array, or a struct of its fields' fallbacks
}

export const never = 32767

/** A value on the wire, the versions that carry it, and what to assume in the versions that do not. */
export class Field<T> {
  declare readonly __value: T
  readonly node: Node
  readonly presence: Presence
  constructor (node: Node, presence: Presence) {
    this.node = node
    this.presence = presence
  }

  #with<U = T> (change: Partial<Presence>): Field<U> {
    return new Field<U>(this.node, { ...this.presence, ...change })
  }

  since (version: number): Field<T> { return this.#with({ since: version }) }
  /** The last version that carries it. */
  until (version: number): Field<T> { return this.#with({ until: version }) }
  nullable (since = 0): Field<T | null> { return this.#with<T | null>({ nullableSince: since }) }
  tag (tag: number): Field<T> { return this.#with({ tag }) }
  orElse (fallback: T): Field<T> { return this.#with({ fallback }) }
}

/** A field of any value: with `unknown` for `any` a Field<string> would be none. */
export type AnyField = Field<any>
export type Fields = Record<string, AnyField>
export type StructValue<S extends Fields> = { -readonly [K in keyof S]: S[K]['__value'] }

function field<T> (node: Node, fallback: T | undefined): Field<T> {
  return new Field<T>(node, { since: 0, until: never, nullableSince: never, tag: -1, fallback })
}

export const bool = () => field<boolean>({ kind: 'bool' }, false)
export const int8 = () => field<number>({ kind: 'int8' }, 0)
export const int16 = () => field<number>({ kind: 'int16' }, 0)
export const uint16 = () => field<number>({ kind: 'uint16' }, 0)
export const int32 = () => field<number>({ kind: 'int32' }, 0)
export const uint32 = () => field<number>({ kind: 'uint32' }, 0)
export const float64 = () => field<number>({ kind: 'float64' }, 0)
export const uuid = () => field<string>({ kind: 'uuid' }, zeroUuid)
export const string = () => field<string>({ kind: 'string' }, '')
export const bytes = () => field<Buffer>({ kind: 'bytes' }, emptyBytes)
/** The code of an error, see errors.ts. */
export const errorCode = int16
/**
 * Refused beyond 2^53, read and written: offsets, times, producer ids fit, and a rounded one would be a lie.
 */
export const int64 = () => field<number>({ kind: 'int64' }, 0)
/**
 * Where 2^63 - 1 is a customary way to say "no limit" or "the end": what no number holds becomes the
 * outermost safe one, which is written as 2^63 - 1 again.
 */
export const int64Saturated = () => field<number>({ kind: 'int64Saturated' }, 0)
/** A hash or the like, whose 64 bits all matter: sixteen hexadecimal digits. */
export const int64Bits = () => field<string>({ kind: 'int64Bits' }, '0000000000000000')
export const int64Max = Number.MAX_SAFE_INTEGER

/** Record batches, never decoded here: a view of the frame. */
export const records = () => field<Buffer>({ kind: 'records' }, emptyBytes)
/** The same where a broker answers: it may hand over pieces that are sent from where they lie. */
export const answeredRecords = () =>
  field<Buffer | RecordsPieces>({ kind: 'records' }, emptyBytes)

export function array<T> (of: Field<T>): Field<T[]>
export function array<S extends Fields> (of: S): Field<StructValue<S>[]>
export function array (of: AnyField | Fields): Field<unknown[]> {
  const node: Node = of instanceof Field ? of.node : { kind: 'struct', fields: checked(of) }
  return field<unknown[]>({ kind: 'array', of: node }, undefined)
}

export function struct<S extends Fields> (fields: S): Field<StructValue<S>> {
  return field<StructValue<S>>({ kind: 'struct', fields: checked(fields) }, undefined)
}

/** Names become source text, so they are looked at here, once, where they are written down. */
function checked<S extends Fields> (fields: S): S {
  for (const [name, { node, presence }] of Object.entries(fields)) {
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new Error(`'${name}' is no name for a field`)
    // Tagged bodies move when their size becomes known; pieces within would be sent at the old place.
    if (presence.tag >= 0 && node.kind === 'records') throw new Error(`'${name}': records cannot be tagged`)
  }
  return fields
}

export interface Message<S extends Fields = Fields> {
  readonly name: string
  readonly versions: readonly [number, number]
  readonly flexibleSince: number
  readonly fields: S
  readonly compiled: unknown[] // by version, filled by compile.ts
}

export interface Api<Q extends Fields = Fields, R extends Fields = Fields> {
  readonly name: string
  readonly key: number
  readonly versions: readonly [number, number]
  readonly flexibleSince: number
  readonly request: Message<Q>
  readonly response: Message<R>
}

export type AnyMessage = Message<any>
export type AnyApi = Api<any, any>

interface MessageSpec<S> {
  versions: readonly [number, number]
  flexibleSince?: number
  fields: S
}

export function message<S extends Fields> (name: string, spec: MessageSpec<S>): Message<S> {
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) throw new Error(`'${name}' is no name for a message`)
  const { versions, flexibleSince = never, fields } = spec
  return { name, versions, flexibleSince, fields: checked(fields), compiled: [] }
}

interface ApiSpec<Q, R> {
  key: number
  versions: readonly [number, number]
  flexibleSince?: number // left out: no version of it is flexible
  request: Q
  response: R
}

export function api<Q extends Fields, R extends Fields> (name: string, spec: ApiSpec<Q, R>): Api<Q, R> {
  const { key, versions, flexibleSince = never, request, response } = spec
  return {
    name,
    key,
    versions,
    flexibleSince,
    request: message(`${name}Request`, { versions, flexibleSince, fields: request }),
    response: message(`${name}Response`, { versions, flexibleSince, fields: response })
  }
}

export type ValueOf<M> = M extends Message<infer S> ? StructValue<S> : never
export type RequestOf<A> = A extends Api<infer Q, any> ? StructValue<Q> : never
export type ResponseOf<A> = A extends Api<any, infer R> ? StructValue<R> : never

/** A value as a reader returns it: pieces exist only on the way out. */
export type Received<T> =
  T extends RecordsPieces ? never
    : T extends Buffer ? T
      : T extends readonly (infer E)[] ? Received<E>[]
        : T extends object ? { [K in keyof T]: Received<T[K]> }
          : T

export type Partly<T> =
  T extends Buffer | RecordsPieces ? T
    : T extends readonly (infer E)[] ? readonly Partly<E>[]
      : T extends object ? { readonly [K in keyof T]?: Partly<T[K]> }
        : T

/** A whole value from the parts that matter, defaults for the rest, all the way down. For tools and tests. */
export function make<S extends Fields> (schema: Message<S>, partial: Partly<StructValue<S>>): StructValue<S> {
  return filled(schema.fields, partial as Record<string, unknown>) as StructValue<S>
}

function filled (fields: Fields, partial: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(partial)) {
    if (!(name in fields)) throw new Error(`there is no field '${name}'`)
  }
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const part = partial[name]
    value[name] = part === undefined ? fallbackOf(field) : completed(field.node, part)
  }
  return value
}

function completed (node: Node, part: unknown): unknown {
  if (part === null) return null
  if (node.kind === 'array') return (part as unknown[]).map(element => completed(node.of, element))
  if (node.kind === 'struct') return filled(node.fields, part as Record<string, unknown>)
  return part
}

export function fallbackOf (field: AnyField): unknown {
  const { node, presence } = field
  if (presence.fallback !== undefined) return presence.fallback
  return node.kind === 'struct' ? filled(node.fields, {}) : []
}

export function isCarried (field: AnyField, version: number): boolean {
  return version >= field.presence.since && version <= field.presence.until
}

export function isNullable (field: AnyField, version: number): boolean {
  return version >= field.presence.nullableSince
}
