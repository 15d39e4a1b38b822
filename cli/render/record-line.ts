// console-consumer's lines: what is asked for of each record, in Kafka's order, between separators.
import { type Settings } from '../tool/client-settings.ts'
import { UsageError } from '../tool/options.ts'

export interface ShownRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly isAppendTime: boolean
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string, readonly value: Buffer | null }[]
}

export type RecordFormatter = (record: ShownRecord) => Buffer

type Deserializer = (bytes: Buffer) => string | Buffer

const prefix = 'org.apache.kafka.common.serialization.'

function sized (bytes: number, read: (data: Buffer) => string): Deserializer {
  return data => {
    if (data.length !== bytes) throw new Error(`Size of data received by the deserializer is not ${bytes}`)
    return read(data)
  }
}

const deserializers: Readonly<Record<string, Deserializer>> = {
  StringDeserializer: data => data,
  ByteArrayDeserializer: data => data,
  BytesDeserializer: data => data,
  ByteBufferDeserializer: data => data,
  ShortDeserializer: sized(2, data => String(data.readInt16BE())),
  IntegerDeserializer: sized(4, data => String(data.readInt32BE())),
  LongDeserializer: sized(8, data => String(data.readBigInt64BE())),
  FloatDeserializer: sized(4, data => javaDecimal(data.readFloatBE(), true)),
  DoubleDeserializer: sized(8, data => javaDecimal(data.readDoubleBE(), false)),
  BooleanDeserializer: sized(1, data => String(data[0] !== 0)),
  UUIDDeserializer: data => data,
  VoidDeserializer: () => 'null'
}

/** Java always writes a decimal point; a float is shown with the digits that tell it apart. */
function javaDecimal (value: number, isFloat: boolean): string {
  if (!isFloat) return Number.isInteger(value) && Math.abs(value) < 1e7 ? value.toFixed(1) : String(value)
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return javaDecimal(short, false)
  }
  return String(value)
}

function deserializer (name: string | undefined): Deserializer {
  if (name === undefined || name === '') return data => data
  const known = deserializers[name.startsWith(prefix) ? name.slice(prefix.length) : name]
  if (known === undefined) throw new UsageError(`${name}: no such deserializer here`)
  return known
}

const formatters: Readonly<Record<string, (settings: Settings) => RecordFormatter>> = {
  'org.apache.kafka.tools.consumer.DefaultMessageFormatter': defaultFormatter,
  'org.apache.kafka.tools.consumer.NoOpMessageFormatter': () => () => Buffer.alloc(0)
}

/** Throws UsageError for a formatter or deserializer that is not known here. */
export function recordFormatter (name: string | undefined, settings: Settings): RecordFormatter {
  const make = formatters[name ?? 'org.apache.kafka.tools.consumer.DefaultMessageFormatter']
  if (make === undefined) throw new UsageError(`--formatter ${name}: one of ${Object.keys(formatters).join(', ')} is expected`)
  return make(settings)
}

function defaultFormatter (settings: Settings): RecordFormatter {
  const isTrue = (name: string, fallback = false) =>
    settings.has(name) ? settings.get(name)!.trim().toLowerCase() === 'true' : fallback
  const bytes = (name: string, fallback: string) => Buffer.from(settings.get(name) ?? fallback)
  const separator = bytes('key.separator', '\t')
  const lineEnd = bytes('line.separator', '\n')
  const headersSeparator = bytes('headers.separator', ',')
  const nullLiteral = bytes('null.literal', 'null')
  const readKey = deserializer(settings.get('key.deserializer'))
  const readValue = deserializer(settings.get('value.deserializer'))
  const readHeader = deserializer(settings.get('headers.deserializer') ?? settings.get('header.deserializer'))
  const shown = (data: Buffer | null, read: Deserializer): Buffer => {
    if (data === null) return nullLiteral
    const value = read(data)
    return typeof value === 'string' ? Buffer.from(value) : value
  }
  const headersOf = ({ headers }: ShownRecord): Buffer => {
    if (headers.length === 0) return Buffer.from('NO_HEADERS')
    const parts = headers.map(({ key, value }) => Buffer.concat([Buffer.from(`${key}:`), shown(value, readHeader)]))
    return joined(parts, headersSeparator)
  }
  const columns: ((record: ShownRecord) => Buffer)[] = []
  if (isTrue('print.timestamp')) columns.push(timeOf)
  if (isTrue('print.partition')) columns.push(({ partition }) => Buffer.from(`Partition:${partition}`))
  if (isTrue('print.offset')) columns.push(({ offset }) => Buffer.from(`Offset:${offset}`))
  if (isTrue('print.delivery')) columns.push(() => Buffer.from('Delivery:NOT_PRESENT'))
  if (isTrue('print.epoch')) columns.push(() => Buffer.from('Epoch:NOT_PRESENT'))
  if (isTrue('print.headers')) columns.push(headersOf)
  if (isTrue('print.key')) columns.push(({ key }) => shown(key, readKey))
  if (isTrue('print.value', true)) columns.push(({ value }) => shown(value, readValue))
  return record => Buffer.concat([joined(columns.map(column => column(record)), separator), lineEnd])
}

function timeOf ({ timestamp, isAppendTime }: ShownRecord): Buffer {
  return Buffer.from(timestamp < 0 ? 'NO_TIMESTAMP' : `${isAppendTime ? 'LogAppendTime' : 'CreateTime'}:${timestamp}`)
}

function joined (parts: readonly Buffer[], separator: Buffer): Buffer {
  if (parts.length === 1) return parts[0]
  return Buffer.concat(parts.flatMap((part, index) => index === 0 ? [part] : [separator, part]))
}
