// Bytes to frames. A chunk's complete frames come out one by one; a frame that is still arriving grows by
// what has arrived, never by what it announces.
//
//   0      4     6
//   | size | key | …        the first 6 bytes tell where a frame will live:
//                           Produce in the arena (it is written to disk from there), others in private memory
import { type Arena, smallFrameBytesMax } from '../threads/arena.ts'
import { type FrameEvents } from '../threads/shortage.ts'
import { type UnfinishedFrame } from '../threads/unfinished-frame.ts'

export class FramingError extends Error {
  override readonly name = 'FramingError'
}

/** A request without its size word: bytes `at` to `end` of `buffer`. */
export interface Frame {
  readonly apiKey: number
  readonly buffer: Buffer
  readonly at: number
  readonly end: number
  /** In the arena: given back when the request is done. -1: private. */
  readonly address: number
}

export interface FrameLimits {
  /** socket.request.max.bytes */
  readonly requestBytesMax: number
  /** The same for frames that are no Produce. */
  readonly otherBytesMax: number
  /** Keys that this broker serves. */
  serves (apiKey: number): boolean
}

const produceKey = 0
const headBytes = 6
/** api key, version, correlation id: less is no request */
const requestBytesMin = 8
const firstBytes = 1024

const nothing = Buffer.alloc(0)

export class Framing {
  readonly #arena: Arena
  readonly #limits: FrameLimits
  readonly #events: FrameEvents
  #input: Buffer = nothing // bytes not looked at: a view of the chunk during data(), else our own copy
  #at = 0
  readonly #head = Buffer.allocUnsafeSlow(headBytes) // of a frame whose first bytes came apart
  #headLength = 0
  #size = -1 // of the frame that is arriving; -1 when none is
  #apiKey = 0
  // What has arrived of it, unless all of it lies in the input.
  #arrived = 0
  #collected: Buffer = nothing
  #unfinished: UnfinishedFrame | null = null

  constructor (arena: Arena, limits: FrameLimits, events: FrameEvents) {
    this.#arena = arena
    this.#limits = limits
    this.#events = events
  }

  /** Bytes are there that nobody has looked at. */
  get pending (): boolean {
    return this.#at < this.#input.length
  }

  /** The chunk is looked at until keep(), which copies what is left. */
  feed (chunk: Buffer): void {
    this.#input = this.pending ? Buffer.concat([this.#input.subarray(this.#at), chunk]) : chunk
    this.#at = 0
  }

  keep (): void {
    this.#input = this.pending ? Buffer.from(this.#input.subarray(this.#at)) : nothing
    this.#at = 0
  }

  /** The next whole frame. null: more bytes must come, or memory is short and events.resume() comes later. */
  next (): Frame | null {
    if (this.#size < 0 && !this.#begin()) return null
    if (this.#apiKey === produceKey) return this.#toArena()
    const size = this.#size
    if (this.#arrived === 0 && this.#input.length - this.#at >= size) {
      const own = Buffer.allocUnsafeSlow(size)
      this.#input.copy(own, 0, this.#at, this.#at + size)
      this.#at += size
      return this.#finish(own, 0, -1)
    }
    return this.#collect()
  }

  /** The connection is gone. */
  drop (): void {
    this.#unfinished?.abandon()
    this.#unfinished = null
    this.#input = nothing
    this.#collected = nothing
    this.#at = 0
    this.#size = -1
  }

  /** Reads size and key; the key stays in the input, for it belongs to the frame. */
  #begin (): boolean {
    const input = this.#input
    if (this.#headLength === 0 && input.length - this.#at >= headBytes) {
      this.#open(this.#checked(input, this.#at), input.readInt16BE(this.#at + 4))
      this.#at += 4
      return true
    }
    const head = this.#head
    while (this.#headLength < headBytes && this.pending) head[this.#headLength++] = input[this.#at++]
    if (this.#headLength < 4) return false
    const size = this.#checked(head, 0)
    if (this.#headLength < headBytes) return false
    this.#open(size, head.readInt16BE(4))
    this.#headLength = 0
    this.#input = Buffer.concat([head.subarray(4), input.subarray(this.#at)])
    this.#at = 0
    return true
  }

  #checked (bytes: Buffer, at: number): number {
    const size = bytes.readInt32BE(at)
    const { requestBytesMax } = this.#limits
    if (size >= requestBytesMin && size <= requestBytesMax) return size
    throw new FramingError(explain(size, bytes, at, requestBytesMax))
  }

  #open (size: number, apiKey: number): void {
    const { otherBytesMax } = this.#limits
    if (!this.#limits.serves(apiKey)) throw new FramingError(`there is no API ${apiKey}`)
    if (apiKey !== produceKey && size > otherBytesMax) {
      throw new FramingError(`a request of ${size} bytes to API ${apiKey}; millrace.request.bytes.max is ${otherBytesMax}`)
    }
    this.#size = size
    this.#apiKey = apiKey
    this.#arrived = 0
  }

  #finish (buffer: Buffer, at: number, address: number): Frame {
    const frame = { apiKey: this.#apiKey, buffer, at, end: at + this.#size, address }
    this.#size = -1
    this.#collected = nothing
    this.#unfinished = null
    return frame
  }

  #toArena (): Frame | null {
    const size = this.#size
    const arena = this.#arena
    if (this.#unfinished === null && size <= smallFrameBytesMax && this.#input.length - this.#at >= size) {
      const address = arena.place(this.#input, this.#at, this.#at + size)
      if (address >= 0) {
        this.#at += size
        return this.#finish(arena.bytes, address, address)
      }
    }
    this.#unfinished ??= arena.begin(size, this.#events)
    if (this.#unfinished === null) throw new FramingError(`a frame of ${size} bytes, more than all of the arena`)
    this.#at += this.#unfinished.take(this.#input, this.#at, this.#input.length)
    if (!this.#unfinished.complete) return null
    const { address } = this.#unfinished
    return this.#finish(arena.bytes, address, address)
  }

  #collect (): Frame | null {
    const take = Math.min(this.#size - this.#arrived, this.#input.length - this.#at)
    if (this.#arrived + take > this.#collected.length) this.#grow(this.#arrived + take)
    this.#input.copy(this.#collected, this.#arrived, this.#at, this.#at + take)
    this.#arrived += take
    this.#at += take
    return this.#arrived < this.#size ? null : this.#finish(this.#collected, 0, -1)
  }

  #grow (bytes: number): void {
    const wanted = Math.max(bytes, this.#collected.length * 2, firstBytes)
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#size, wanted))
    this.#collected.copy(larger, 0, 0, this.#arrived)
    this.#collected = larger
  }
}

/** Other protocols knock on this door too; who reads the log should see which. */
function explain (size: number, bytes: Buffer, at: number, requestBytesMax: number): string {
  const start = bytes.toString('latin1', at, Math.min(at + 4, bytes.length))
  if (/^(GET |POST|PUT |HEAD|DELE|OPTI|PATC|CONN|TRAC)/.test(start)) {
    return 'an HTTP request; this port speaks the Kafka protocol'
  }
  if (start === 'PRI ') return 'an HTTP/2 request; this port speaks the Kafka protocol'
  if (bytes[at] === 0x16 && bytes[at + 1] === 0x03) {
    return 'a TLS handshake on a plaintext listener; set security.protocol=PLAINTEXT in the client'
  }
  if (start.startsWith('SSH-')) return 'an SSH greeting; this port speaks the Kafka protocol'
  if (start.startsWith('PROX')) return 'a PROXY protocol header, which is not expected here'
  if (size < 0) return `a frame of a negative size (${size})`
  if (size < requestBytesMin) return `a frame of ${size} bytes, too small for a request`
  return `a frame of ${size} bytes; socket.request.max.bytes is ${requestBytesMax}`
}
