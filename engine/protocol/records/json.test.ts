import { describe, expect, it } from 'vitest'
import {
  array, bool, bytes, float64, int32, int64Bits, int64Max, int64Saturated, make, message, string, struct, uuid
} from '../schema.ts'
import { doubleText, jsonText, messageJson } from './json.ts'

const Example = message('Example', {
  versions: [0, 2],
  flexibleSince: 0,
  fields: {
    name: string(),
    id: uuid(),
    data: bytes().nullable(),
    hash: int64Bits(),
    expires: int64Saturated(),
    ratio: float64(),
    parts: array({ key: string(), on: bool() }),
    later: int32().since(1),
    gone: int32().until(1),
    tagged: int32().tag(0).orElse(-1),
    list: array(int32()).tag(1),
    inner: struct({ size: int32() }).nullable().tag(2)
  }
})

const value = make(Example, {
  name: 'a"b',
  id: '00010203-0405-0607-0809-0a0b0c0d0e0f',
  data: Buffer.from([0xff, 0xfe, 1]),
  hash: 'ffffffffffffffff',
  expires: int64Max,
  ratio: 3,
  parts: [{ key: 'k', on: true }],
  tagged: -1
})

describe('messages as JSON', () => {
  it('have the fields of their version, in order, and all digits', () => {
    const common = '{"name":"a\\"b","id":"AAECAwQFBgcICQoLDA0ODw","data":"//4B","hash":-1,' +
      '"expires":9223372036854775807,"ratio":3.0,"parts":[{"key":"k","on":true}]'
    expect(messageJson(Example, 0, value)).toBe(`${common},"gone":0}`)
    expect(messageJson(Example, 2, value)).toBe(`${common},"later":0}`)
    expect(JSON.parse(messageJson(Example, 1, value))).toMatchObject({ later: 0, gone: 0 })
  })

  it('show tagged fields where these differ from their default', () => {
    const shown = messageJson(Example, 2, { ...value, tagged: 5, list: [1], inner: { size: 2 } })
    expect(shown).toMatch(/,"tagged":5,"list":\[1\],"inner":\{"size":2\}\}$/)
    // Without a value is not the default, which is a struct of defaults.
    expect(messageJson(Example, 2, { ...value, inner: null })).toMatch(/,"inner":null\}$/)
  })

  it('show bytes by a view of them where there is one that can', () => {
    const views = { data: (bytes: Buffer) => bytes.length === 3 ? '"three"' : null }
    expect(messageJson(Example, 2, value, views)).toContain('"data":"three"')
    expect(messageJson(Example, 2, { ...value, data: Buffer.alloc(1) }, views)).toContain('"data":"AA=="')
    expect(messageJson(Example, 2, { ...value, data: null }, views)).toContain('"data":null')
  })

  it('write text and doubles as Java does', () => {
    expect(jsonText('\u0001\u001f\n\t"\\/é\u{1f600}')).toBe('"\\u0001\\u001F\\n\\t\\"\\\\/é\u{1f600}"')
    const doubles = [0, -0, 1, -1.5, 1048576, 9999999, 1e7, 12345678.9, 0.001, 0.0005, 1e21, 1.25e-9]
    expect(doubles.map(doubleText)).toEqual([
      '0.0', '-0.0', '1.0', '-1.5', '1048576.0', '9999999.0', '1.0E7', '1.23456789E7', '0.001', '5.0E-4',
      '1.0E21', '1.25E-9'
    ])
  })
})
