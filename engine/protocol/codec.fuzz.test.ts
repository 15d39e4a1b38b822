// Bytes nobody meant, into every message and version: the answer is a value or a ProtocolError, soon, and in
// little memory.
//   MILLRACE_SEED=n replays a run; MILLRACE_FUZZ_ROUNDS=n digs deeper.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecOf, decode, decodeRequest, encode, smallestBytes } from './compile.ts'
import { decodeRequestHeader, encodeRequestHeader } from './frame.ts'
import { interpretDecode } from './interpret.ts'
import { allApis, apiOfKey } from './messages/index.ts'
import { type AnyField, type AnyMessage, type Fields, type Node, fallbackOf, isCarried } from './schema.ts'
import { allMessages, valueOf, versionsOf } from './testing/generate.ts'
import { zeroUuid } from './uuid.ts'
import { ProtocolError, Reader, Writer, emptyBytes } from './wire.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31)
const rounds = Number(process.env.MILLRACE_FUZZ_ROUNDS ?? 12)
const decodeMsMax = 50
const heapGrowthMax = 64
const elements = 800

/** Mulberry32: a run must be repeatable from the seed in its name. */
function generator (from: number): (below: number) => number {
  let state = from >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function encoded (schema: AnyMessage, version: number, value: unknown): Buffer {
  const writer = new Writer()
  encode(schema, version, writer, value as Record<string, unknown>)
  return writer.buf.subarray(0, writer.at)
}

/** Random bytes, or a valid message that was cut, flipped in some bits, or whose counts were made to lie. */
function damaged (valid: Buffer, random: (below: number) => number): Buffer {
  const kind = random(4)
  if (kind === 0) return Buffer.from(Array.from({ length: random(200) }, () => random(256)))
  if (kind === 1) return Buffer.from(valid.subarray(0, random(valid.length + 1)))
  const bytes = Buffer.from(valid)
  if (bytes.length === 0) return bytes
  for (let flips = 1 + random(4); flips > 0; flips--) {
    const at = random(bytes.length)
    if (kind === 2) bytes[at] ^= 1 << random(8)
    else bytes.fill([0, 0x7f, 0x80, 0xff][random(4)], at, Math.min(bytes.length, at + 1 + random(5)))
  }
  return bytes
}

type Outcome = { value: unknown } | { error: unknown }

function outcomeOf (work: () => unknown): Outcome {
  try {
    return { value: work() }
  } catch (error) {
    return { error }
  }
}

/** The shortest of several runs when the first was slow: another process may have had the processor. */
function decodeMs (work: () => unknown): number {
  let best = Infinity
  for (let run = 0; run < 10 && best > decodeMsMax; run++) {
    const start = performance.now()
    outcomeOf(work)
    best = Math.min(best, performance.now() - start)
  }
  return best
}

function check (schema: AnyMessage, version: number, bytes: Buffer): void {
  const which = `${schema.name} v${version} of ${bytes.toString('hex')} (seed ${seed})`
  const start = performance.now()
  const outcome = outcomeOf(() => decode(schema, version, new Reader(bytes)))
  if (performance.now() - start > decodeMsMax) {
    expect(decodeMs(() => decode(schema, version, new Reader(bytes))), which).toBeLessThan(decodeMsMax)
  }
  const oracle = outcomeOf(() => interpretDecode(schema, version, new Reader(bytes)))
  if ('error' in outcome) {
    expect(outcome.error, which).toBeInstanceOf(ProtocolError)
    expect('error' in oracle, `the interpreter takes ${which}`).toBe(true)
    return
  }
  expect(isDeepStrictEqual(oracle, outcome), `the interpreter reads another value: ${which}`).toBe(true)
  const again = decode(schema, version, new Reader(encoded(schema, version, outcome.value)))
  expect(isDeepStrictEqual(again, outcome.value), `written and read again: ${which}`).toBe(true)
}

describe(`hostile bytes (seed ${seed})`, () => {
  it('end in a value or a ProtocolError, as in the interpreter', () => {
    const random = generator(seed)
    for (const schema of allMessages) {
      for (const version of versionsOf(schema)) {
        const values = fc.sample(valueOf(schema, version), { numRuns: 3, seed })
        const valid = values.map(value => encoded(schema, version, value))
        for (let round = 0; round < rounds; round++) check(schema, version, damaged(valid[round % 3], random))
      }
    }
  })

  it('in the header too', () => {
    const random = generator(seed + 1)
    for (const api of allApis) {
      for (const version of versionsOf(api)) {
        const writer = new Writer()
        encodeRequestHeader(writer, api, version, 7, 'client')
        for (let round = 0; round < rounds; round++) {
          const bytes = damaged(writer.buf.subarray(0, writer.at), random)
          const outcome = outcomeOf(() => {
            const reader = new Reader(bytes)
            const header = decodeRequestHeader(reader, apiOfKey)
            const named = apiOfKey(header.apiKey)
            return named === undefined ? null : decodeRequest(named, header.apiVersion, reader)
          })
          if ('error' in outcome) expect(outcome.error).toBeInstanceOf(ProtocolError)
        }
      }
    }
  })
})

/** A value whose arrays hold as many of the smallest elements as `count` says for their depth. */
function swollen (fields: Fields, version: number, count: (depth: number) => number, depth = 0): object {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    value[name] = isCarried(field, version) && field.node.kind === 'array'
      ? Array.from({ length: count(depth) }, () => smallest(field.node, version, count, depth + 1))
      : field.node.kind === 'struct' && fallbackOf(field) !== null
        ? swollen(field.node.fields, version, count, depth)
        : fallbackOf(field) ?? null
  }
  return value
}

function smallest (node: Node, version: number, count: (depth: number) => number, depth: number): unknown {
  const of = node.kind === 'array' ? node.of : node
  if (of.kind === 'struct') return swollen(of.fields, version, count, depth)
  if (of.kind === 'bytes') return emptyBytes
  return of.kind === 'bool' ? false : of.kind === 'string' ? '' : of.kind === 'uuid' ? zeroUuid : 0
}

/**
 * What decoding allocates, garbage included; the least of some runs, as a collection in between hides or
 * adds.
 */
function heapGrowth (work: () => unknown): number {
  let least = Infinity
  for (let run = 0; run < 4; run++) {
    const before = process.memoryUsage().heapUsed
    const kept = work()
    const grown = process.memoryUsage().heapUsed - before
    if (kept !== undefined && grown > 0) least = Math.min(least, grown)
  }
  return least
}

describe('large frames of small elements', () => {
  for (const [shape, nested] of [['flat', 0], ['nested', 1]] as const) {
    it(`${shape}: at most ${heapGrowthMax} bytes of heap for each, under ${decodeMsMax} ms`, () => {
      const over: string[] = []
      for (const schema of allMessages) {
        for (const version of versionsOf(schema)) {
          const value = swollen(schema.fields, version, depth => depth === 0 ? elements : nested)
          const bytes = encoded(schema, version, value)
          if (bytes.length < elements) continue // no array in it
          const { decode: bare } = codecOf(schema, version)
          const growth = heapGrowth(() => bare(new Reader(bytes))) / bytes.length
          if (growth > heapGrowthMax && growth !== Infinity) {
            over.push(`${schema.name} v${version}: ${growth.toFixed(1)}`)
          }
          const ms = decodeMs(() => bare(new Reader(bytes)))
          expect(ms, `${schema.name} v${version}`).toBeLessThan(decodeMsMax)
        }
      }
      expect(over).toEqual([])
    })
  }

  it('an array is refused by its count before anything is made of it', () => {
    const target = { version: 12, flexible: true }
    for (const schema of allMessages) {
      for (const { node } of Object.values<AnyField>(schema.fields)) {
        if (node.kind === 'array') expect(smallestBytes(node.of, target)).toBeGreaterThan(0)
      }
    }
    const [metadata] = allMessages.filter(({ name }) => name === 'MetadataRequest')
    const bytes = Buffer.from('0fffffff00', 'hex')
    expect(heapGrowth(() => outcomeOf(() => decode(metadata, 1, new Reader(bytes))))).toBeLessThan(100_000)
  })
})
