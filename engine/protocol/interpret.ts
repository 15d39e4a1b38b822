// Reads and writes messages by walking their schema at every value: slow, and short enough to be believed.
// Tests hold the compiled codecs against it; it shares with them only how single numbers and bytes are read.
import {
  type AnyField, type AnyMessage, type Fields, type Node, fallbackOf, isCarried, isNullable
} from './schema.ts'
import { ProtocolError, type Reader, type RecordsPieces, type Writer } from './wire.ts'

type Struct = Record<string, unknown>

export function interpretDecode (message: AnyMessage, version: number, reader: Reader): unknown {
  return new Interpreter(version, version >= message.flexibleSince).readStruct(reader, message.fields)
}

export function interpretEncode (
  message: AnyMessage, version: number, writer: Writer, value: unknown
): void {
  const interpreter = new Interpreter(version, version >= message.flexibleSince)
  interpreter.writeStruct(writer, message.fields, value as Struct)
}

class Interpreter {
  readonly #version: number
  readonly #flexible: boolean

  constructor (version: number, flexible: boolean) {
    this.#version = version
    this.#flexible = flexible
  }

  readStruct (r: Reader, fields: Fields): Struct {
    const value: Struct = {}
    for (const [name, field] of Object.entries(fields)) {
      value[name] = this.#isInLine(field)
        ? this.#read(r, field.node, isNullable(field, this.#version))
        : fallbackOf(field)
    }
    if (this.#flexible) this.#readTags(r, fields, value)
    return value
  }

  #readTags (r: Reader, fields: Fields, value: Struct): void {
    for (let left = r.tagCount(); left > 0; left--) {
      const tag = r.uvarint()
      const end = r.tagEnd()
      const known = this.#tagged(fields).find(([, field]) => field.presence.tag === tag)
      if (known === undefined) {
        r.at = end
        continue
      }
      const [name, field] = known
      const isThere = !this.#isNullableStruct(field) || r.uvarint() > 0
      const nullable = field.node.kind !== 'struct' && isNullable(field, this.#version)
      value[name] = isThere ? this.#read(r, field.node, nullable) : null
      r.closeTag(end)
    }
  }

  #read (r: Reader, node: Node, nullable: boolean): unknown {
    switch (node.kind) {
      case 'struct':
        if (nullable && r.int8() < 0) return null
        return this.readStruct(r, node.fields)
      case 'string': case 'bytes': case 'records': case 'array': {
        const length = this.#flexible ? r.uvarint() - 1 : node.kind === 'string' ? r.int16() : r.int32()
        if (length < 0) {
          if (nullable) return null
          throw new ProtocolError('null where it must not be')
        }
        if (node.kind === 'string') return r.text(length)
        if (node.kind !== 'array') return r.slice(length)
        if (length > r.bytesLeft) throw new ProtocolError('array runs past the frame')
        return Array.from({ length }, () => this.#read(r, node.of, false))
      }
      default: return r[node.kind]()
    }
  }

  writeStruct (w: Writer, fields: Fields, value: Struct): void {
    for (const [name, field] of Object.entries(fields)) {
      if (this.#isInLine(field)) this.#write(w, field.node, isNullable(field, this.#version), value[name])
    }
    if (!this.#flexible) return
    const present = this.#tagged(fields).filter(([name, field]) => !isSame(value[name], fallbackOf(field)))
    w.uvarint(present.length)
    for (const [name, field] of present.sort(([, a], [, b]) => a.presence.tag - b.presence.tag)) {
      w.uvarint(field.presence.tag)
      const mark = w.openSized()
      const isThere = value[name] !== null
      if (this.#isNullableStruct(field)) w.uvarint(isThere ? 1 : 0)
      const nullable = field.node.kind !== 'struct' && isNullable(field, this.#version)
      if (isThere || nullable) this.#write(w, field.node, nullable, value[name])
      w.closeSized(mark)
    }
  }

  #write (w: Writer, node: Node, nullable: boolean, value: unknown): void {
    if (value === null && !nullable) throw new ProtocolError('null where it must not be')
    switch (node.kind) {
      case 'struct':
        if (nullable) w.int8(value === null ? -1 : 1)
        if (value !== null) this.writeStruct(w, node.fields, value as Struct)
        return
      case 'string': {
        if (value === null) return this.#length(w, node.kind, -1)
        const bytes = Buffer.from(value as string)
        this.#length(w, node.kind, bytes.length)
        return w.raw(bytes)
      }
      case 'bytes': case 'records': {
        if (value === null) return this.#length(w, node.kind, -1)
        const bytes = value as Uint8Array | RecordsPieces
        this.#length(w, node.kind, bytes instanceof Uint8Array ? bytes.length : bytes.bytes)
        return bytes instanceof Uint8Array ? w.raw(bytes) : w.splice(bytes)
      }
      case 'array': {
        if (value === null) return this.#length(w, node.kind, -1)
        const elements = value as unknown[]
        this.#length(w, node.kind, elements.length)
        for (const element of elements) this.#write(w, node.of, false, element)
        return
      }
      case 'bool': return w.bool(value as boolean)
      case 'uuid': return w.uuid(value as string)
      case 'int64Bits': return w.int64Bits(value as string)
      default: w[node.kind](value as number)
    }
  }

  #length (w: Writer, kind: Node['kind'], length: number): void {
    if (this.#flexible) w.uvarint(length + 1)
    else if (kind === 'string') w.int16(length)
    else w.int32(length)
  }

  #isInLine (field: AnyField): boolean {
    return field.presence.tag < 0 && isCarried(field, this.#version)
  }

  #isNullableStruct (field: AnyField): boolean {
    return field.node.kind === 'struct' && isNullable(field, this.#version)
  }

  #tagged (fields: Fields): [string, AnyField][] {
    return Object.entries(fields)
      .filter(([, field]) => field.presence.tag >= 0 && isCarried(field, this.#version))
  }
}

/** Equal by content; written out because buffers of equal bytes may be views of different memory. */
function isSame (a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(key => isSame((a as Struct)[key], (b as Struct)[key]))
}
