// Turns one message at one version into two straight-line functions, on first use, kept from then on.
//
// The source is made of names checked when the schema was built and of constants; nothing from the network
// reaches it. All versions of a struct are read into one shape: what a version lacks stands as a constant in
// the literal.
import {
  type AnyApi, type AnyField, type AnyMessage, type Fields, type Message, type Node, type Received,
  type RequestOf, type ResponseOf, type StructValue, isCarried, isNullable, never
} from './schema.ts'
import { ProtocolError, type Reader, type Writer, emptyBytes } from './wire.ts'

export interface Codec<T> {
  readonly decode: (reader: Reader) => Received<T>
  readonly encode: (writer: Writer, value: T) => void
}

interface Target { readonly version: number, readonly flexible: boolean }

class Source {
  #lines: string[] = []
  #depth = 1
  #serial = 0

  name (stem: string): string { return `${stem}${this.#serial++}` }
  add (line: string): void { this.#lines.push('  '.repeat(this.#depth) + line) }
  block (head: string, body: () => void): void {
    this.add(`${head} {`)
    this.#depth++
    body()
    this.#depth--
    this.add('}')
  }

  get text (): string { return this.#lines.join('\n') }
}

function literal (value: unknown): string {
  return value instanceof Uint8Array ? 'EMPTY' : JSON.stringify(value)
}

/** Source of a field's default, fresh where it could be changed by its owner. */
function fallbackSource (field: AnyField): string {
  const { node, presence } = field
  if (presence.fallback !== undefined) return literal(presence.fallback)
  if (node.kind === 'array') return '[]'
  return node.kind === 'struct' ? structSource(node.fields) : 'null'
}

function structSource (fields: Fields): string {
  return `{ ${Object.entries(fields).map(([key, field]) => `${key}: ${fallbackSource(field)}`).join(', ')} }`
}

/** The fewest bytes a value can take: what bounds the length of an array before its elements are read. */
export function smallestBytes (node: Node, { version, flexible }: Target): number {
  switch (node.kind) {
    case 'bool': case 'int8': return 1
    case 'int16': case 'uint16': return 2
    case 'int32': case 'uint32': return 4
    case 'int64': case 'int64Saturated': case 'int64Bits': case 'float64': return 8
    case 'uuid': return 16
    case 'string': return flexible ? 1 : 2
    case 'bytes': case 'records': case 'array': return flexible ? 1 : 4
    case 'struct': {
      let sum = flexible ? 1 : 0
      for (const field of Object.values(node.fields)) {
        if (field.presence.tag >= 0 || !isCarried(field, version)) continue
        sum += field.node.kind === 'struct' && isNullable(field, version)
          ? 1
          : smallestBytes(field.node, { version, flexible })
      }
      return Math.max(sum, 1)
    }
  }
}

function readStem (kind: 'string' | 'bytes' | 'records', nullable: boolean, flexible: boolean): string {
  const stem = `${nullable ? 'nullable' : ''}${kind === 'string' ? 'String' : 'Bytes'}`
  return flexible
    ? `compact${stem[0].toUpperCase()}${stem.slice(1)}`
    : `${stem[0].toLowerCase()}${stem.slice(1)}`
}

/** An expression that reads one value, or the name of a local that statements added for it have filled. */
function readValue (
  s: Source, node: Node, nullable: boolean, target: Target, tagged = false
): string {
  switch (node.kind) {
    case 'string': case 'bytes': case 'records':
      return `r.${readStem(node.kind, nullable, target.flexible)}()`
    case 'array': return readArray(s, node.of, nullable, target)
    case 'struct': {
      if (!nullable) return readStruct(s, node.fields, target)
      const local = s.name('s')
      s.add(`let ${local} = null`)
      s.block(tagged ? 'if (r.taggedPresent())' : 'if (r.present())', () => {
        s.add(`${local} = ${readStruct(s, node.fields, target)}`)
      })
      return local
    }
    default: return `r.${node.kind}()`
  }
}

function readArray (s: Source, of: Node, nullable: boolean, target: Target): string {
  const a = s.name('a')
  const length = target.flexible ? 'r.uvarint() - 1' : 'r.int32()'
  // Made in its final size: pushing leaves room for 16 more behind a single element, at any sender's wish.
  const made = (count: string) => `new Array(r.count(${count}, ${smallestBytes(of, target)}))`
  const fill = () => {
    const i = s.name('i')
    s.block(`for (let ${i} = 0; ${i} < ${a}.length; ${i}++)`, () => {
      s.add(`${a}[${i}] = ${readValue(s, of, false, target)}`)
    })
  }
  if (!nullable) {
    s.add(`const ${a} = ${made(length)}`)
    fill()
    return a
  }
  const n = s.name('n')
  s.add(`const ${n} = ${length}`)
  s.add(`let ${a} = null`)
  s.block(`if (${n} >= 0)`, () => {
    s.add(`${a} = ${made(n)}`)
    fill()
  })
  return a
}

function readStruct (s: Source, fields: Fields, target: Target): string {
  const parts: string[] = []
  const tagged: [AnyField, string][] = []
  for (const [key, field] of Object.entries(fields)) {
    if (!isCarried(field, target.version)) {
      parts.push(`${key}: ${fallbackSource(field)}`)
      continue
    }
    const local = s.name(key)
    if (field.presence.tag >= 0) {
      s.add(`let ${local} = ${fallbackSource(field)}`)
      if (target.flexible) tagged.push([field, local])
    } else {
      s.add(`const ${local} = ${readValue(s, field.node, isNullable(field, target.version), target)}`)
    }
    parts.push(`${key}: ${local}`)
  }
  if (target.flexible) readTags(s, tagged, target)
  return `{ ${parts.join(', ')} }`
}

function readTags (s: Source, tagged: [AnyField, string][], target: Target): void {
  if (tagged.length === 0) return s.add('r.skipTags()')
  const n = s.name('n')
  const tag = s.name('tag')
  const end = s.name('end')
  s.block(`for (let ${n} = r.tagCount(); ${n} > 0; ${n}--)`, () => {
    s.add(`const ${tag} = r.uvarint()`)
    s.add(`const ${end} = r.tagEnd()`)
    s.block(`switch (${tag})`, () => {
      for (const [field, local] of tagged) {
        s.block(`case ${field.presence.tag}:`, () => {
          s.add(`${local} = ${readValue(s, field.node, isNullable(field, target.version), target, true)}`)
          s.add(`r.closeTag(${end})`)
          s.add('break')
        })
      }
      s.add(`default: r.at = ${end}`)
    })
  })
}

function writeValue (
  s: Source, node: Node, nullable: boolean, target: Target, x: string, tagged = false
): void {
  const { flexible } = target
  switch (node.kind) {
    case 'string': case 'bytes': case 'records': {
      const method = node.kind === 'string'
        ? flexible ? 'compactString' : 'string'
        : node.kind === 'bytes'
          ? flexible ? 'compactBytes' : 'bytes32'
          : flexible ? 'compactRecords' : 'records'
      const nothing = flexible ? 'w.uvarint(0)' : node.kind === 'string' ? 'w.int16(-1)' : 'w.int32(-1)'
      return s.add(nullable ? `if (${x} === null) ${nothing}; else w.${method}(${x})` : `w.${method}(${x})`)
    }
    case 'array': return writeArray(s, node.of, nullable, target, x)
    case 'struct':
      if (!nullable) return writeStruct(s, node.fields, target, x)
      s.add(`if (${x} === null) ${tagged ? 'w.uvarint(0)' : 'w.int8(-1)'}`)
      return s.block('else', () => {
        s.add(tagged ? 'w.uvarint(1)' : 'w.int8(1)')
        writeStruct(s, node.fields, target, x)
      })
    default: s.add(`w.${node.kind}(${x})`)
  }
}

function writeArray (s: Source, of: Node, nullable: boolean, target: Target, x: string): void {
  const a = s.name('a')
  s.add(`const ${a} = ${x}`)
  const elements = () => {
    const i = s.name('i')
    const e = s.name('e')
    s.add(target.flexible ? `w.uvarint(${a}.length + 1)` : `w.int32(${a}.length)`)
    s.block(`for (let ${i} = 0; ${i} < ${a}.length; ${i}++)`, () => {
      s.add(`const ${e} = ${a}[${i}]`)
      writeValue(s, of, false, target, e)
    })
  }
  if (!nullable) return elements()
  s.add(`if (${a} === null) ${target.flexible ? 'w.uvarint(0)' : 'w.int32(-1)'}`)
  s.block('else', elements)
}

function writeStruct (s: Source, fields: Fields, target: Target, x: string): void {
  const tagged: [string, AnyField][] = []
  for (const [key, field] of Object.entries(fields)) {
    if (!isCarried(field, target.version)) continue
    if (field.presence.tag >= 0) tagged.push([key, field])
    else writeValue(s, field.node, isNullable(field, target.version), target, `${x}.${key}`)
  }
  if (target.flexible) writeTags(s, tagged, target, x)
}

/** Tagged fields go out when they differ from their default, lowest tag first. */
function writeTags (s: Source, tagged: [string, AnyField][], target: Target, x: string): void {
  if (tagged.length === 0) return s.add('w.uvarint(0)')
  tagged.sort(([, a], [, b]) => a.presence.tag - b.presence.tag)
  const isSet = tagged.map(([key, field]) => {
    return { local: s.name('set'), source: differs(field, `${x}.${key}`) }
  })
  for (const { local, source } of isSet) s.add(`const ${local} = ${source}`)
  s.add(`w.uvarint(${isSet.map(({ local }) => `(${local} ? 1 : 0)`).join(' + ')})`)
  for (const [index, [key, field]] of tagged.entries()) {
    s.block(`if (${isSet[index].local})`, () => {
      const mark = s.name('mark')
      s.add(`w.uvarint(${field.presence.tag})`)
      s.add(`const ${mark} = w.openSized()`)
      writeValue(s, field.node, isNullable(field, target.version), target, `${x}.${key}`, true)
      s.add(`w.closeSized(${mark})`)
    })
  }
}

/** Source of "this is not the default". */
function differs (field: AnyField, x: string): string {
  const { node, presence } = field
  if (presence.fallback === null) return `${x} !== null`
  const orNull = presence.nullableSince < never ? `${x} === null || ` : ''
  if (node.kind === 'array' || node.kind === 'bytes') return `${orNull}${x}.length > 0`
  if (node.kind !== 'struct') return `${x} !== ${literal(presence.fallback)}`
  const parts = Object.entries(node.fields).map(([key, of]) => `(${differs(of, `${x}.${key}`)})`)
  return orNull + parts.join(' || ')
}

/** The generated functions' text: what a profile or a stack trace points into, and what reviews look at. */
export function sourceOf (message: AnyMessage, version: number): { decode: string, encode: string } {
  const target = { version, flexible: version >= message.flexibleSince }
  const reading = new Source()
  reading.add(`return ${readStruct(reading, message.fields, target)}`)
  const writing = new Source()
  writeStruct(writing, message.fields, target, 'x')
  const name = `${message.name}_v${version}`
  return {
    decode: `return function decode${name} (r) {\n${reading.text}\n}`,
    encode: `return function encode${name} (w, x) {\n${writing.text}\n}`
  }
}

function evaluated (source: string, name: string): unknown {
  return new Function('EMPTY', `${source}\n//# sourceURL=millrace/codec/${name}.js`)(emptyBytes)
}

function compile<S extends Fields> (message: Message<S>, version: number): Codec<StructValue<S>> {
  const [first, last] = message.versions
  if (!Number.isInteger(version) || version < first || version > last) {
    throw new ProtocolError(`${message.name} has no version ${version}`)
  }
  const { decode, encode } = sourceOf(message, version)
  const name = `${message.name}.v${version}`
  return {
    decode: evaluated(decode, `${name}.decode`) as Codec<StructValue<S>>['decode'],
    encode: evaluated(encode, `${name}.encode`) as Codec<StructValue<S>>['encode']
  }
}

/** The bare functions: they throw RangeError and TypeError too. Others go through `decode` and `encode`. */
export function codecOf<S extends Fields> (message: Message<S>, version: number): Codec<StructValue<S>> {
  const known = message.compiled[version] as Codec<StructValue<S>> | undefined
  return known ?? (message.compiled[version] = compile(message, version)) as Codec<StructValue<S>>
}

/** Bytes after the message are left unread and ignored, as Kafka does. */
export function decode<S extends Fields> (
  message: Message<S>, version: number, reader: Reader
): Received<StructValue<S>> {
  const codec = codecOf(message, version)
  try {
    return codec.decode(reader)
  } catch (error) {
    throw explained(error, message, version, `byte ${reader.at} of ${reader.end}`)
  }
}

export function encode<S extends Fields> (
  message: Message<S>, version: number, writer: Writer, value: StructValue<S>
): void {
  const codec = codecOf(message, version)
  try {
    codec.encode(writer, value)
  } catch (error) {
    throw explained(error, message, version, `after ${writer.at} bytes`)
  }
}

/** DataView's RangeError and a missing value's TypeError become the one error that callers know. */
function explained (error: unknown, message: AnyMessage, version: number, where: string): unknown {
  const isOurs = error instanceof ProtocolError || error instanceof TypeError
  if (!isOurs && !(error instanceof RangeError)) return error
  const what = isOurs ? error.message : 'runs past the frame'
  return new ProtocolError(`${message.name} v${version}: ${what} (${where})`, { cause: error })
}

export function decodeRequest<A extends AnyApi> (
  api: A, version: number, reader: Reader
): Received<RequestOf<A>> {
  return decode(api.request, version, reader) as Received<RequestOf<A>>
}

export function decodeResponse<A extends AnyApi> (
  api: A, version: number, reader: Reader
): Received<ResponseOf<A>> {
  return decode(api.response, version, reader) as Received<ResponseOf<A>>
}

export function encodeRequest<A extends AnyApi> (
  api: A, version: number, writer: Writer, value: RequestOf<A>
): void {
  encode(api.request, version, writer, value)
}

export function encodeResponse<A extends AnyApi> (
  api: A, version: number, writer: Writer, value: ResponseOf<A>
): void {
  encode(api.response, version, writer, value)
}

export const codecs = { decodeRequest, decodeResponse, encodeRequest, encodeResponse }
