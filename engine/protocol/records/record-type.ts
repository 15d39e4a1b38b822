// Records of the internal topics: a key that begins with the int16 type of the record, a value that begins
// with the int16 version in which it is written. Keys have one version; a deleted entry is a key without a
// value.
//
//   key   | type    | fields …        value | version | fields …
import { decode, encode } from '../compile.ts'
import { type Fields, type Message, type Received, type StructValue, message } from '../schema.ts'
import { ProtocolError, Reader, Writer } from '../wire.ts'

export interface RecordType<K extends Fields = Fields, V extends Fields = Fields> {
  readonly name: string
  readonly type: number
  readonly key: Message<K>
  readonly value: Message<V>
}

// A record of any fields: with `Fields` for `any` no certain record would be one.
export type AnyRecordType = RecordType<any, any>
export type KeyOf<T> = T extends RecordType<infer K, any> ? StructValue<K> : never
export type RecordValueOf<T> = T extends RecordType<any, infer V> ? StructValue<V> : never

interface RecordSpec<K, V> {
  type: number
  versions: readonly [number, number] // of the value
  flexibleSince?: number // of the value
  key: K
  value: V
}

export function recordType<K extends Fields, V extends Fields> (
  name: string, spec: RecordSpec<K, V>
): RecordType<K, V> {
  const { type, versions, flexibleSince, key, value } = spec
  return {
    name,
    type,
    key: message(`${name}Key`, { versions: [0, 0], fields: key }),
    value: message(`${name}Value`, { versions, flexibleSince, fields: value })
  }
}

export function encodeKey<K extends Fields> (record: RecordType<K>, key: StructValue<K>): Buffer {
  const writer = new Writer(64)
  writer.int16(record.type)
  encode(record.key, 0, writer, key)
  return writer.buf.subarray(0, writer.at)
}

export function encodeValue<V extends Fields> (
  record: { readonly value: Message<V> }, version: number, value: StructValue<V>
): Buffer {
  return encodeVersioned(record.value, version, value)
}

/** The type that a key begins with: which record to read it as. */
export function typeOfKey (bytes: Buffer): number {
  return leadingInt16(new Reader(bytes))
}

export function decodeKey<K extends Fields> (record: RecordType<K>, bytes: Buffer): Received<StructValue<K>> {
  const reader = new Reader(bytes)
  const type = leadingInt16(reader)
  if (type !== record.type) throw new ProtocolError(`a key of type ${type} is no ${record.key.name}`)
  return decode(record.key, 0, reader)
}

export function decodeValue<V extends Fields> (
  record: { readonly value: Message<V> }, bytes: Buffer
): Versioned<V> {
  return decodeVersioned(record.value, bytes)
}

export interface Versioned<V extends Fields> {
  readonly version: number
  readonly value: Received<StructValue<V>>
}

/** A message on its own, behind the int16 version in which it is written. */
export function encodeVersioned<V extends Fields> (
  schema: Message<V>, version: number, value: StructValue<V>
): Buffer {
  const writer = new Writer(128)
  writer.int16(version)
  encode(schema, version, writer, value)
  return writer.buf.subarray(0, writer.at)
}

export function decodeVersioned<V extends Fields> (schema: Message<V>, bytes: Buffer): Versioned<V> {
  const reader = new Reader(bytes)
  const version = leadingInt16(reader)
  return { version, value: decode(schema, version, reader) }
}

function leadingInt16 (reader: Reader): number {
  if (reader.bytesLeft < 2) throw new ProtocolError('a record of an internal topic is cut short')
  return reader.int16()
}
