// Records of logs that have no keys: the metadata log and the topic of remote storage. The value says itself
// what it is, in unsigned varints:
//
//   | frame version, 1 | type | version | fields …
import { decode, encode } from '../compile.ts'
import { type Fields, type Message, type Received, type StructValue, message } from '../schema.ts'
import { ProtocolError, Reader, Writer } from '../wire.ts'

export interface FramedRecord<S extends Fields = Fields> {
  readonly type: number
  readonly message: Message<S>
}

// A record of any fields: with `Fields` for `any` no certain record would be one.
export type AnyFramedRecord = FramedRecord<any>
export type FramedValueOf<T> = T extends FramedRecord<infer S> ? StructValue<S> : never

interface FramedSpec<S> {
  type: number
  versions: readonly [number, number]
  fields: S
}

/** All of them are flexible from the start. */
export function framedRecord<S extends Fields> (name: string, spec: FramedSpec<S>): FramedRecord<S> {
  const { type, versions, fields } = spec
  return { type, message: message(name, { versions, flexibleSince: 0, fields }) }
}

const frameVersion = 1

/** A value that cannot be read, and how far it could be. */
export class FrameError extends ProtocolError {
  readonly part: 'frame version' | 'type' | 'version' | 'fields'
  /** The number that is unknown; of `fields` the type of the record; null when the bytes end before it. */
  readonly found: number | null
  constructor (part: FrameError['part'], found: number | null, message?: string) {
    super(message ?? (found === null ? `a record ends before its ${part}` : `a record of unknown ${part} ${found}`))
    this.part = part
    this.found = found
  }
}

export interface Framed {
  readonly record: AnyFramedRecord
  readonly version: number
  readonly value: Received<Record<string, unknown>>
  /** Bytes behind the record that belong to nothing. */
  readonly bytesLeft: number
}

/** Throws FrameError. */
export function decodeFramed (records: readonly AnyFramedRecord[], bytes: Buffer): Framed {
  const reader = new Reader(bytes)
  const frame = leadingNumber(reader, 'frame version')
  if (frame !== frameVersion) throw new FrameError('frame version', frame)
  const type = leadingNumber(reader, 'type')
  const version = leadingNumber(reader, 'version')
  const record = records.find(candidate => candidate.type === type)
  if (record === undefined) throw new FrameError('type', type)
  try {
    const value = decode(record.message, version, reader) as Received<Record<string, unknown>>
    return { record, version, value, bytesLeft: reader.bytesLeft }
  } catch (error) {
    throw error instanceof ProtocolError ? new FrameError('fields', type, error.message) : error
  }
}

function leadingNumber (reader: Reader, part: FrameError['part']): number {
  try {
    return reader.uvarint()
  } catch (error) {
    if (error instanceof ProtocolError) throw new FrameError(part, null)
    throw error
  }
}

export function encodeFramed<S extends Fields> (
  record: FramedRecord<S>, version: number, value: StructValue<S>
): Buffer {
  const writer = new Writer(128)
  writer.uvarint(frameVersion)
  writer.uvarint(record.type)
  writer.uvarint(version)
  encode(record.message, version, writer, value)
  return writer.buf.subarray(0, writer.at)
}
