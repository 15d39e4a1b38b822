// Cursors over bytes: everything the generated codecs call. Reader trusts nothing, Writer refuses what the
// wire cannot carry; both report with ProtocolError, which means "close this connection" wherever it
// surfaces.

import { uuidText, writeUuid } from './uuid.ts'

export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** Record batches that stay where they are (arena, files): the codec counts them, the server sends them. */
export interface RecordsPieces { readonly bytes: number, readonly pieces: readonly unknown[] }
export interface Splice { readonly at: number, readonly value: RecordsPieces }

/**
 * A frame may make this many array elements. The largest honest request (a Fetch over every partition of a
 * big cluster) stays far below; a valid frame of 18 MB that was nothing but empty elements took 400 MB of
 * heap.
 */
export const elementsMax = 200_000
/** The old encoding's int16 allows no more; the compact one is held to the same bound, as in Kafka. */
export const stringBytesMax = 32_767
export const emptyBytes: Buffer = Buffer.alloc(0)
const safeMax = Number.MAX_SAFE_INTEGER

function fail (what: string): never {
  throw new ProtocolError(what)
}

export class Reader {
  buf: Buffer
  view: DataView
  at: number
  end: number
  elements: number
  elementsMax: number

  /**
   * Reads `buf` from `at`, never beyond `end`: the view ends there too, so DataView checks the numbers for
   * us.
   */
  constructor (buf: Buffer, at = 0, end = buf.length, limit = elementsMax) {
    if (at < 0 || at > end || end > buf.length) fail('frame lies outside its buffer')
    this.buf = buf
    this.view = new DataView(buf.buffer, buf.byteOffset, end)
    this.at = at
    this.end = end
    this.elements = 0
    this.elementsMax = limit
  }

  get bytesLeft (): number { return this.end - this.at }

  bool (): boolean { return this.view.getInt8(this.at++) !== 0 }
  int8 (): number { return this.view.getInt8(this.at++) }
  int16 (): number { const v = this.view.getInt16(this.at); this.at += 2; return v }
  uint16 (): number { const v = this.view.getUint16(this.at); this.at += 2; return v }
  int32 (): number { const v = this.view.getInt32(this.at); this.at += 4; return v }
  uint32 (): number { const v = this.view.getUint32(this.at); this.at += 4; return v }
  float64 (): number { const v = this.view.getFloat64(this.at); this.at += 8; return v }

  // Two 32-bit halves: a few times faster than a BigInt made into a number.
  int64 (): number {
    const v = this.view.getInt32(this.at) * 4294967296 + this.view.getUint32(this.at + 4)
    if (v > safeMax || v < -safeMax) fail('int64 is beyond 2^53')
    this.at += 8
    return v
  }

  /** For the few fields where clients send 2^63 - 1 to mean "as far as there is": the nearest safe number. */
  int64Saturated (): number {
    const v = this.view.getInt32(this.at) * 4294967296 + this.view.getUint32(this.at + 4)
    this.at += 8
    return v > safeMax ? safeMax : v < -safeMax ? -safeMax : v
  }

  /** Eight bytes that are no number (a hash), as hexadecimal text. */
  int64Bits (): string {
    const start = this.at
    if (start + 8 > this.end) fail('int64 runs past the frame')
    this.at = start + 8
    return this.buf.hexSlice(start, this.at)
  }

  uvarint (): number {
    if (this.at >= this.end) fail('varint runs past the frame')
    let byte = this.buf[this.at++]
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    let shift = 7
    do {
      if (this.at >= this.end) fail('varint runs past the frame')
      byte = this.buf[this.at++]
      if (shift === 28 && byte > 0x0f) fail('varint does not fit 32 bits')
      value |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    return value >>> 0
  }

  string (): string { return this.text(this.int16()) }
  nullableString (): string | null { const n = this.int16(); return n < 0 ? null : this.text(n) }
  compactString (): string { return this.text(this.uvarint() - 1) }
  compactNullableString (): string | null {
    const n = this.uvarint()
    return n === 0 ? null : this.text(n - 1)
  }

  bytes (): Buffer { return this.slice(this.int32()) }
  nullableBytes (): Buffer | null { const n = this.int32(); return n < 0 ? null : this.slice(n) }
  compactBytes (): Buffer { return this.slice(this.uvarint() - 1) }
  compactNullableBytes (): Buffer | null {
    const n = this.uvarint()
    return n === 0 ? null : this.slice(n - 1)
  }

  text (length: number): string {
    const start = this.at
    const end = start + length
    if (length < 0) fail('null where a string must be')
    if (length > stringBytesMax || end > this.end) fail('string runs past the frame')
    this.at = end
    return length === 0 ? '' : this.buf.utf8Slice(start, end)
  }

  /** A view of the frame, not a copy: who keeps it keeps the frame. */
  slice (length: number): Buffer {
    const start = this.at
    if (length < 0) fail('null where bytes must be')
    if (start + length > this.end) fail('bytes run past the frame')
    if (length === 0) return emptyBytes // a view of its own would cost its sender one byte and us a hundred
    this.at = start + length
    return this.buf.subarray(start, this.at)
  }

  uuid (): string {
    const start = this.at
    if (start + 16 > this.end) fail('uuid runs past the frame')
    this.at = start + 16
    return uuidText(this.buf, start)
  }

  /**
   * The count of an array whose elements take `smallest` bytes or more each: what cannot be there is
   * refused.
   */
  count (length: number, smallest: number): number {
    if (length < 0) fail('null where an array must be')
    if (length * smallest > this.end - this.at) fail('array runs past the frame')
    this.elements += length
    if (this.elements > this.elementsMax) fail('frame has too many elements')
    return length
  }

  /** True for a nullable struct that is there; as a tagged field it says so in another way than in line. */
  present (): boolean { return this.int8() >= 0 }
  taggedPresent (): boolean { return this.uvarint() > 0 }

  skip (length: number): void {
    if (length > this.end - this.at) fail('tag runs past the frame')
    this.at += length
  }

  /** How many tagged fields follow: each takes two bytes or more. */
  tagCount (): number {
    const n = this.uvarint()
    if (n * 2 > this.end - this.at) fail('tags run past the frame')
    return n
  }

  /** Where the tagged field that starts here must end. */
  tagEnd (): number {
    const size = this.uvarint()
    if (size > this.end - this.at) fail('tag runs past the frame')
    return this.at + size
  }

  closeTag (end: number): void {
    if (this.at !== end) fail('tag is not as long as it says')
  }

  skipTags (): void {
    for (let n = this.tagCount(); n > 0; n--) { this.uvarint(); this.skip(this.uvarint()) }
  }
}

export class Writer {
  buf: Buffer
  view: DataView
  at = 0 // the next byte is written here; bytes below it are final but for open sizes
  splices: Splice[] = [] // in rising order of `at`
  splicedBytes = 0

  constructor (bytes = 512) {
    this.buf = Buffer.allocUnsafeSlow(bytes)
    this.view = new DataView(this.buf.buffer)
  }

  /** Bytes of the message, spliced ones included. */
  get bytes (): number { return this.at + this.splicedBytes }

  /** Starts over in the same memory: what was handed out of it must be gone by then. */
  reset (): void {
    this.at = 0
    this.splicedBytes = 0
    if (this.splices.length > 0) this.splices = []
  }

  need (n: number): void {
    if (this.at + n > this.buf.length) this.grow(n)
  }

  grow (n: number): void {
    const next = Buffer.allocUnsafeSlow(Math.max(this.buf.length * 2, this.at + n))
    this.buf.copy(next, 0, 0, this.at)
    this.buf = next
    this.view = new DataView(next.buffer)
  }

  bool (v: boolean): void { this.need(1); this.buf[this.at++] = v ? 1 : 0 }

  // A number that does not fit (or a field that was forgotten) would be cut to something else in silence.
  int8 (v: number): void {
    if ((v << 24 >> 24) !== v) fail(`${v} is no int8`)
    this.need(1)
    this.view.setInt8(this.at++, v)
  }

  int16 (v: number): void {
    if ((v << 16 >> 16) !== v) fail(`${v} is no int16`)
    this.need(2)
    this.view.setInt16(this.at, v)
    this.at += 2
  }

  uint16 (v: number): void {
    if ((v & 0xffff) !== v) fail(`${v} is no uint16`)
    this.need(2)
    this.view.setUint16(this.at, v)
    this.at += 2
  }

  int32 (v: number): void {
    if ((v | 0) !== v) fail(`${v} is no int32`)
    this.need(4)
    this.view.setInt32(this.at, v)
    this.at += 4
  }

  uint32 (v: number): void {
    if ((v >>> 0) !== v) fail(`${v} is no uint32`)
    this.need(4)
    this.view.setUint32(this.at, v)
    this.at += 4
  }

  int64 (v: number): void {
    if (!Number.isSafeInteger(v)) fail(`${v} is no int64 that a number holds`)
    this.need(8)
    const high = Math.floor(v / 4294967296)
    this.view.setInt32(this.at, high)
    this.view.setUint32(this.at + 4, v - high * 4294967296)
    this.at += 8
  }

  /** The counterpart of the reader's: the outermost safe numbers go out as the ends of int64. */
  int64Saturated (v: number): void {
    if (v !== safeMax && v !== -safeMax) return this.int64(v)
    this.need(8)
    this.view.setInt32(this.at, v > 0 ? 0x7fffffff : -0x80000000)
    this.view.setUint32(this.at + 4, v > 0 ? 0xffffffff : 0)
    this.at += 8
  }

  int64Bits (v: string): void {
    if (!/^[0-9a-f]{16}$/.test(v)) fail(`'${v}' is no int64 in hexadecimal`)
    this.need(8)
    this.buf.hexWrite(v, this.at, 8)
    this.at += 8
  }

  float64 (v: number): void {
    if (typeof v !== 'number') fail(`${String(v)} is no float64`)
    this.need(8)
    this.view.setFloat64(this.at, v)
    this.at += 8
  }

  uvarint (v: number): void {
    this.need(5)
    while (v > 0x7f) { this.buf[this.at++] = (v & 0x7f) | 0x80; v >>>= 7 }
    this.buf[this.at++] = v
  }

  string (v: string): void {
    const length = this.textBytes(v)
    this.int16(length)
    this.text(v, length)
  }

  compactString (v: string): void {
    const length = this.textBytes(v)
    this.uvarint(length + 1)
    this.text(v, length)
  }

  textBytes (v: string): number {
    const length = Buffer.byteLength(v)
    if (length > stringBytesMax) fail(`a string of ${length} bytes is too long`)
    return length
  }

  text (v: string, length: number): void {
    this.need(length)
    if (length > 0) this.buf.utf8Write(v, this.at, length)
    this.at += length
  }

  bytes32 (v: Uint8Array): void { this.int32(v.length); this.raw(v) }
  compactBytes (v: Uint8Array): void { this.uvarint(v.length + 1); this.raw(v) }
  raw (v: Uint8Array): void { this.need(v.length); this.buf.set(v, this.at); this.at += v.length }

  /** Bytes are copied, pieces only counted: they are sent between the bytes before and after this place. */
  records (v: Uint8Array | RecordsPieces): void {
    if (v instanceof Uint8Array) return this.bytes32(v)
    this.int32(v.bytes)
    this.splice(v)
  }

  compactRecords (v: Uint8Array | RecordsPieces): void {
    if (v instanceof Uint8Array) return this.compactBytes(v)
    this.uvarint(v.bytes + 1)
    this.splice(v)
  }

  splice (value: RecordsPieces): void {
    if (value.bytes === 0) return
    this.splices.push({ at: this.at, value })
    this.splicedBytes += value.bytes
  }

  uuid (v: string): void {
    this.need(16)
    if (!writeUuid(v, this.buf, this.at)) fail(`'${v}' is no uuid`)
    this.at += 16
  }

  /** Leaves one byte for the size of what follows; closeSized moves the body up when one is not enough. */
  openSized (): number { this.need(1); return this.at++ }

  closeSized (mark: number): void {
    const size = this.at - mark - 1
    const extra = size < 0x80 ? 0 : size < 0x4000 ? 1 : size < 0x200000 ? 2 : size < 0x10000000 ? 3 : 4
    this.need(5)
    if (extra > 0) this.buf.copyWithin(mark + 1 + extra, mark + 1, this.at)
    this.at = mark
    this.uvarint(size)
    this.at += size
  }
}

// Node's own methods behind Buffer.toString and Buffer.write: no encoding to look up, no argument checks.
declare global {
  interface Buffer {
    utf8Slice (start: number, end: number): string
    hexSlice (start: number, end: number): string
    latin1Slice (start: number, end: number): string
    utf8Write (value: string, at: number, length: number): number
    hexWrite (value: string, at: number, length: number): number
  }
}
