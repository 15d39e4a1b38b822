// The compiled codecs against the interpreter, over generated values of every message in every version.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecOf, decode, decodeRequest, encode, encodeRequest } from './compile.ts'
import { interpretDecode, interpretEncode } from './interpret.ts'
import { ApiVersions } from './messages/18-api-versions.ts'
import { Fetch } from './messages/01-fetch.ts'
import { Metadata } from './messages/03-metadata.ts'
import { Produce } from './messages/00-produce.ts'
import { ConsumerGroupMemberMetadata } from './records/consumer-group-member-metadata.ts'
import {
  type AnyMessage, api, array, bytes, int16, int32, int64, int64Max, int64Saturated, make, message, string,
  struct, uint16, uuid
} from './schema.ts'
import { allMessages, valueOf, versionsOf } from './testing/generate.ts'
import { ProtocolError, Reader, Writer } from './wire.ts'

const seed = Number(process.env.MILLRACE_SEED ?? 20_240_601)

function written (by: (writer: Writer) => void): Buffer {
  const writer = new Writer(1)
  by(writer)
  return writer.buf.subarray(0, writer.at)
}

function agrees (schema: AnyMessage, version: number, value: Record<string, unknown>): boolean {
  const compiled = written(writer => encode(schema, version, writer, value))
  const interpreted = written(writer => interpretEncode(schema, version, writer, value))
  if (!compiled.equals(interpreted)) return false
  // Something follows the message, as another frame does in a connection's buffer: it must stay unread.
  const among = Buffer.concat([Buffer.alloc(3), compiled, Buffer.alloc(4)])
  const reader = new Reader(among, 3, compiled.length + 3)
  return isDeepStrictEqual(decode(schema, version, reader), value) && reader.bytesLeft === 0 &&
    isDeepStrictEqual(interpretDecode(schema, version, new Reader(compiled)), value)
}

describe('codec', () => {
  it(`reads what it wrote, byte for byte as the interpreter (seed ${seed})`, () => {
    for (const schema of allMessages) {
      for (const version of versionsOf(schema)) {
        const holds = fc.property(valueOf(schema, version), value => agrees(schema, version, value))
        const result = fc.check(holds, { numRuns: 40, seed })
        expect(result.failed, `${schema.name} v${version}: ${fc.defaultReportMessage(result)}`).toBe(false)
      }
    }
  })

  it('refuses every truncation of a valid message', () => {
    for (const schema of allMessages) {
      for (const version of versionsOf(schema)) {
        const [value] = fc.sample(valueOf(schema, version), { numRuns: 1, seed })
        const whole = written(writer => encode(schema, version, writer, value))
        for (let length = 0; length < Math.min(whole.length, 60); length++) {
          const cut = () => decode(schema, version, new Reader(whole, 0, length))
          expect(cut, `${schema.name} v${version} cut to ${length}`).toThrow(ProtocolError)
        }
      }
    }
  })
})

describe('wire', () => {
  const read = (hex: string) => new Reader(Buffer.from(hex, 'hex'))

  it('takes varints up to 32 bits and no longer', () => {
    expect(read('00').uvarint()).toBe(0)
    expect(read('ff01').uvarint()).toBe(255)
    expect(read('ffffffff0f').uvarint()).toBe(4294967295)
    expect(() => read('ffffffff10').uvarint()).toThrow('32 bits')
    expect(() => read('ffffffff8f00').uvarint()).toThrow('32 bits')
    expect(() => read('ffff').uvarint()).toThrow('past the frame')
    for (const value of [0, 127, 128, 16383, 16384, 2147483648, 4294967295]) {
      expect(new Reader(written(writer => writer.uvarint(value))).uvarint()).toBe(value)
    }
  })

  it('refuses int64 beyond what a number holds, or saturates where a schema says so', () => {
    expect(read('001fffffffffffff').int64()).toBe(int64Max)
    expect(read('ffe0000000000001').int64()).toBe(-int64Max)
    expect(() => read('0020000000000000').int64()).toThrow(ProtocolError)
    expect(() => read('7fffffffffffffff').int64()).toThrow(ProtocolError)
    expect(() => written(writer => writer.int64(2 ** 53))).toThrow(ProtocolError)
    expect(() => written(writer => writer.int64(1.5))).toThrow(ProtocolError)
    expect(read('7fffffffffffffff').int64Saturated()).toBe(int64Max)
    expect(written(writer => writer.int64Saturated(int64Max)).toString('hex')).toBe('7fffffffffffffff')
    expect(read('8000000000000000').int64Saturated()).toBe(-int64Max)
    expect(written(writer => writer.int64(-2)).toString('hex')).toBe('fffffffffffffffe')
  })

  it('refuses to write what would be cut', () => {
    const w = new Writer()
    expect(() => w.int8(128)).toThrow(ProtocolError)
    expect(() => w.int16(40000)).toThrow(ProtocolError)
    expect(() => w.uint16(-1)).toThrow(ProtocolError)
    expect(() => w.int32(2 ** 31)).toThrow(ProtocolError)
    expect(() => w.int32(undefined as never)).toThrow(ProtocolError)
    expect(() => w.uint32(-1)).toThrow(ProtocolError)
    expect(() => w.uuid('no uuid')).toThrow(ProtocolError)
    expect(() => w.string('x'.repeat(32768))).toThrow(ProtocolError)
    expect(() => w.compactString('é'.repeat(16384))).toThrow(ProtocolError)
    expect(w.at).toBe(0)
  })

  it('moves the body of a tag whose size needs more bytes', () => {
    for (const size of [0, 127, 128, 16383, 16384, 2097152]) {
      const body = Buffer.alloc(size, 7)
      const reader = new Reader(written(writer => {
        const mark = writer.openSized()
        writer.raw(body)
        writer.closeSized(mark)
      }))
      expect(reader.uvarint()).toBe(size)
      expect(reader.slice(size).equals(body)).toBe(true)
      expect(reader.bytesLeft).toBe(0)
    }
  })

  it('stops where its frame ends, not where the buffer does', () => {
    const buffer = Buffer.alloc(32)
    expect(() => new Reader(buffer, 0, 3).int32()).toThrow(RangeError)
    expect(() => new Reader(buffer, 4, 19).uuid()).toThrow(ProtocolError)
    expect(() => new Reader(buffer, 4, 8).slice(5)).toThrow(ProtocolError)
    expect(() => new Reader(buffer, 4, 33)).toThrow(ProtocolError)
  })
})

const Sample = api('Sample', {
  key: 999,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    text: string().nullable(1),
    list: array({ id: uuid(), port: uint16() }),
    inner: struct({ a: int16() }).nullable(1).orElse(null),
    hidden: struct({ b: int32().orElse(-1), c: string() }).since(2).tag(0),
    maybe: struct({ d: int64() }).since(2).nullable().tag(1).orElse(null),
    far: int64Saturated().since(2).tag(3).orElse(int64Max)
  },
  response: { data: bytes() }
})

describe('schema', () => {
  const decodeHex = (version: number, hex: string) =>
    decodeRequest(Sample, version, new Reader(Buffer.from(hex, 'hex')))

  it('fills in what a value leaves out', () => {
    const value = make(Sample.request, { list: [{ port: 9 }] })
    expect(value).toEqual({
      text: '',
      list: [{ id: '00000000-0000-0000-0000-000000000000', port: 9 }],
      inner: null,
      hidden: { b: -1, c: '' },
      maybe: null,
      far: int64Max
    })
    expect(() => make(Sample.request, { typo: 1 } as object)).toThrow('typo')
  })

  it('writes a null struct in line as -1, in a tag as 0, and tags only when they say something', () => {
    const bytesOf = (value: object) => written(writer => {
      encodeRequest(Sample, 2, writer, make(Sample.request, value))
    }).toString('hex')
    expect(bytesOf({})).toBe('0101ff00')
    expect(bytesOf({ inner: { a: 5 }, maybe: { d: 7 } })).toBe('010101000500' + '01010a01000000000000000700')
    expect(bytesOf({ hidden: { c: 'x' } })).toBe('0101ff01' + '0007ffffffff027800')
    expect(bytesOf({ far: 1 })).toBe('0101ff01' + '03080000000000000001')
  })

  it('refuses null where the version has none', () => {
    expect(decodeHex(1, 'ffff00000000ff').text).toBe(null)
    expect(() => decodeHex(0, 'ffff00000000000000')).toThrow('null where a string must be')
    expect(() => decodeHex(1, '0000ffffffffff')).toThrow('null where an array must be')
    expect(() => decodeHex(2, '0100ff00')).toThrow('null where an array must be')
    expect(() => written(writer => encodeRequest(Sample, 0, writer, make(Sample.request, { text: null }))))
      .toThrow(ProtocolError)
  })

  it('takes tags in any order, unknown and twice, but never of another size than announced', () => {
    const head = '0101ff'
    expect(decodeHex(2, `${head}02` + '03080000000000000001' + '0007ffffffff027800'))
      .toMatchObject({ far: 1, hidden: { c: 'x' } })
    expect(decodeHex(2, `${head}01` + '6302abcd')).toMatchObject({ far: int64Max })
    expect(decodeHex(2, `${head}02` + '03080000000000000001' + '03080000000000000002').far).toBe(2)
    expect(() => decodeHex(2, `${head}01` + '0309000000000000000100')).toThrow('not as long as it says')
    expect(() => decodeHex(2, `${head}01` + '03070000000000000001')).toThrow(ProtocolError)
    expect(() => decodeHex(2, `${head}01` + '63ffffffff0f')).toThrow('past the frame')
    expect(() => decodeHex(2, `${head}ffffffff0f`)).toThrow('past the frame')
  })

  it('believes a count only as far as the bytes left could hold it', () => {
    const frame = Buffer.alloc(2 + 4 + 18 * 3 + 2)
    frame.writeInt32BE(3, 2)
    expect(decodeRequest(Sample, 0, new Reader(frame)).list).toHaveLength(3)
    frame.writeInt32BE(4, 2)
    expect(() => decodeRequest(Sample, 0, new Reader(frame))).toThrow('array runs past the frame')
  })

  it('makes at most 200,000 elements of a frame', () => {
    const frame = Buffer.alloc(400_010)
    const topics = 200_001
    frame.writeInt32BE(topics, 0)
    const whole = new Reader(frame, 0, 4 + topics * 2)
    expect(() => decodeRequest(Metadata, 1, whole)).toThrow('too many elements')
    frame.writeInt32BE(topics - 1, 0)
    expect(decodeRequest(Metadata, 1, new Reader(frame, 0, 4 + topics * 2)).topics).toHaveLength(200_000)
  })

  it('refuses names that could become other source text', () => {
    const fields = { 'a;b': int32() }
    expect(() => api('Bad', { key: 1, versions: [0, 0], request: fields, response: {} })).toThrow('no name')
    expect(() => message('Bad Name', { versions: [0, 0], fields: {} })).toThrow('no name')
  })

  it('keeps one shape for all versions of a struct', () => {
    const keys = [0, 5, 13].map(version => {
      const value = written(writer => encode(Metadata.response, version, writer, make(Metadata.response, {})))
      return Object.keys(decode(Metadata.response, version, new Reader(value)))
    })
    expect(keys[0]).toEqual(keys[2])
    expect(keys[1]).toEqual(keys[2])
  })

  it('refuses versions that are not there', () => {
    expect(() => codecOf(ApiVersions.request, 6)).toThrow(ProtocolError)
    expect(() => codecOf(Produce.request, 2)).toThrow(ProtocolError)
    expect(() => codecOf(Fetch.request, -1)).toThrow(ProtocolError)
  })

  it('tells member metadata that says null from one that says nothing', () => {
    const value = make(ConsumerGroupMemberMetadata.value, { clientId: 'c', classicMemberMetadata: null })
    const bytes = written(writer => encode(ConsumerGroupMemberMetadata.value, 0, writer, value))
    expect(bytes.subarray(-4).toString('hex')).toBe('01000100')
    expect(decode(ConsumerGroupMemberMetadata.value, 0, new Reader(bytes)).classicMemberMetadata).toBe(null)
  })
})
