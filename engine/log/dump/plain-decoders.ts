// Keys and values as text or numbers, by the names of the classes that Kafka's tool takes for it.
import { int64TextAt } from '../../protocol/int64-text.ts'
import { DumpError, type RecordDecoder } from './types.ts'

type BytesDecoder = (bytes: Buffer) => string

const folder = 'org.apache.kafka.tools.api.'

export const plainDecoders: Readonly<Record<string, BytesDecoder>> = {
  StringDecoder: bytes => bytes.toString(),
  /** Kafka shows where the bytes lie in its memory; we show the bytes. */
  DefaultDecoder: bytes => bytes.toString('hex'),
  IntegerDecoder: bytes => String(longEnough(bytes, 4).readInt32BE(0)),
  LongDecoder: bytes => int64TextAt(longEnough(bytes, 8), 0)
}

export const stringDecoderClass = `${folder}StringDecoder`

/** By the name of the class, with or without its package; undefined when there is none. */
export function plainDecoderOf (className: string): BytesDecoder | undefined {
  const name = className.startsWith(folder) ? className.slice(folder.length) : className
  return Object.hasOwn(plainDecoders, name) ? plainDecoders[name] : undefined
}

function longEnough (bytes: Buffer, needed: number): Buffer {
  if (bytes.length >= needed) return bytes
  throw new DumpError(`${bytes.length} bytes are no number of ${needed} bytes`)
}

export function plainDecoder (key: BytesDecoder, value: BytesDecoder): RecordDecoder {
  return record => {
    try {
      return {
        key: record.key === null ? null : key(record.key),
        payload: record.value === null ? null : value(record.value)
      }
    } catch (error) {
      if (!(error instanceof DumpError)) throw error
      throw new DumpError(`Failed to decode message at offset ${record.offset}: ${error.message}`)
    }
  }
}
