// WebAssembly written down in TypeScript, for the few inner loops that move bytes one length at a time: there
// it copies sixteen bytes at once where JavaScript copies one. No more of it than those loops need: functions
// over int32s and one vector of 16 bytes, in a memory of their own. The module is put together when first
// used, so there is nothing to build and nothing binary to keep.
//
// A piece of code is a function of where it stands, because a branch says how many blocks it leaves. That is
// known only once all around it is known.

import { assert } from './assert.ts'

interface Place {
  readonly locals: readonly string[]
  /** Names of the blocks around, the innermost last. */
  readonly blocks: readonly string[]
}

export type Code = (place: Place) => number[]

/** A value: a name is the local's of that name, a number is itself. */
export type Value = Code | string | number

export interface WasmFunction {
  /** int32s, as all locals but `vector`. */
  readonly parameters: readonly string[]
  readonly locals: readonly string[]
  /** Ends with `returned()`. */
  readonly body: readonly Code[]
}

type Functions<Name extends string> = Readonly<Record<Name, (...values: number[]) => number>>

export interface WasmInstance<Name extends string> {
  readonly memory: ArrayBuffer
  readonly functions: Functions<Name>
}

/** The one local that is no int32. */
const vectorName = 'vector'
const pageBytes = 65_536
const types = { int32: 0x7f, vector: 0x7b, function: 0x60, none: 0x40 }
const sections = { type: 1, function: 3, memory: 5, export: 7, code: 10 }

// ---- values

export const add = int32Operation(0x6a)
export const subtract = int32Operation(0x6b)
export const multiply = int32Operation(0x6c)
export const and = int32Operation(0x71)
export const or = int32Operation(0x72)
export const xor = int32Operation(0x73)
export const shiftLeft = int32Operation(0x74)
export const shiftRight = int32Operation(0x76)
export const equal = int32Operation(0x46)
// Without a sign: what is compared are places and lengths.
export const less = int32Operation(0x49)
export const more = int32Operation(0x4b)
export const atLeast = int32Operation(0x4f)

export const byteAt = load([0x2d])
/** Little-endian, at any place. */
export const uint16At = load([0x2f])
export const int32At = load([0x28])
export const vectorAt = load([0xfd, ...unsigned(0)])

/** How many of the lowest bits are 0. */
export function trailingZeros (value: Value): Code {
  return place => [...valueOf(value, place), 0x68]
}

/** The bytes of `vector` that the bytes of `indexes` name. */
export function shuffled (vector: Code, indexes: Code): Code {
  return place => [...vector(place), ...indexes(place), 0xfd, ...unsigned(14)]
}

function int32Operation (opcode: number) {
  return (left: Value, right: Value): Code =>
    place => [...valueOf(left, place), ...valueOf(right, place), opcode]
}

function load (opcode: number[]) {
  return (address: Value): Code => place => [...valueOf(address, place), ...opcode, 0, 0]
}

function valueOf (value: Value, place: Place): number[] {
  if (typeof value === 'number') return [0x41, ...signed(value)]
  return typeof value === 'string' ? [0x20, indexOf(value, place)] : value(place)
}

function indexOf (name: string, { locals }: Place): number {
  const index = locals.indexOf(name)
  assert(index >= 0 && index < 128, `a local called ${name} is declared`)
  return index
}

// ---- statements

export function set (name: string, value: Value): Code {
  return place => [...valueOf(value, place), 0x21, indexOf(name, place)]
}

export function increase (name: string, value: Value): Code {
  return set(name, add(name, value))
}

export const storeByte = store(0x3a)
/** Little-endian, at any place. */
export const storeUint16 = store(0x3b)

function store (opcode: number) {
  return (address: Value, value: Value): Code =>
    place => [...valueOf(address, place), ...valueOf(value, place), opcode, 0, 0]
}

export function storeVector (address: Value, vector: Code | typeof vectorName): Code {
  return place => [...valueOf(address, place), ...valueOf(vector, place), 0xfd, ...unsigned(11), 0, 0]
}

/** Goes on behind its end, or where `repeat` names it at its start. */
export function loop (name: string, ...body: readonly Code[]): Code {
  return place => [0x03, types.none, ...inside(body, place, name), 0x0b]
}

/** Starts the loop of that name anew. */
export function repeat (name: string): Code {
  return place => [0x0c, depthOf(name, place)]
}

export function repeatIf (name: string, condition: Code): Code {
  return place => [...condition(place), 0x0d, depthOf(name, place)]
}

export function when (condition: Code, ...body: readonly Code[]): Code {
  return place => [...condition(place), 0x04, types.none, ...inside(body, place, ''), 0x0b]
}

export function either (condition: Code, body: readonly Code[], otherwise: readonly Code[]): Code {
  return place => [
    ...condition(place), 0x04, types.none, ...inside(body, place, ''),
    0x05, ...inside(otherwise, place, ''), 0x0b
  ]
}

export function returned (value: Value): Code {
  return place => [...valueOf(value, place), 0x0f]
}

function inside (body: readonly Code[], { locals, blocks }: Place, name: string): number[] {
  const place = { locals, blocks: [...blocks, name] }
  return body.flatMap(code => code(place))
}

function depthOf (name: string, { blocks }: Place): number {
  const index = blocks.lastIndexOf(name)
  assert(index >= 0, `a loop called ${name} is around`)
  return blocks.length - 1 - index
}

// ---- the module

export function wasmModule (
  functions: Readonly<Record<string, WasmFunction>>, memoryBytes: number
): Uint8Array {
  const all = Object.values(functions)
  const pages = unsigned(Math.ceil(memoryBytes / pageBytes))
  const signatures = all.map(({ parameters }) =>
    [types.function, ...list(parameters.map(() => [types.int32])), 1, types.int32])
  const exports = Object.keys(functions).map((name, index) => [...text(name), 0, ...unsigned(index)])
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(sections.type, signatures),
    ...section(sections.function, all.map((_, index) => unsigned(index))),
    ...section(sections.memory, [[1, ...pages, ...pages]]), // never grows: that would invalidate views
    ...section(sections.export, [[...text('memory'), 2, 0], ...exports]),
    ...section(sections.code, all.map(bodyOf))
  ])
}

function bodyOf ({ parameters, locals, body }: WasmFunction): number[] {
  const place = { locals: [...parameters, ...locals, vectorName], blocks: [] }
  const declared = list([[...unsigned(locals.length), types.int32], [1, types.vector]])
  // All ways out are returns: what follows them cannot be reached.
  const bytes = [...declared, ...body.flatMap(code => code(place)), 0x00, 0x0b]
  return [...unsigned(bytes.length), ...bytes]
}

function section (id: number, items: readonly number[][]): number[] {
  const bytes = list(items)
  return [id, ...unsigned(bytes.length), ...bytes]
}

function list (items: readonly number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text (name: string): number[] {
  return list([...name].map(letter => [letter.charCodeAt(0)]))
}

function unsigned (value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)]
}

function signed (value: number): number[] {
  const low = value & 0x7f
  const rest = value >> 7
  const whole = rest === ((low & 0x40) === 0 ? 0 : -1)
  return whole ? [low] : [low | 0x80, ...signed(rest)]
}

/** What is needed of the global of that name: Node's types leave it out. */
interface WebAssemblyGlobal {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { readonly exports: Record<string, unknown> }
}

export function instantiate<Name extends string> (
  functions: Readonly<Record<Name, WasmFunction>>, memoryBytes: number
): WasmInstance<Name> {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyGlobal }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasmModule(functions, memoryBytes)))
  const { buffer } = exports.memory as { buffer: ArrayBuffer }
  return { memory: buffer, functions: exports as unknown as Functions<Name> }
}
