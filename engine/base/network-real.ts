// TCP by node:net. Small answers leave at once (no Nagle); the slices of one write leave by one writev.
//
// All sockets of a thread read into one buffer, which a chunk is a view of: that is why it is valid only
// during the call. Against a fresh buffer for every read it saves a quarter of the processor's time per byte
// and, at 1 GB/s, some 80 MB of memory that waits for the garbage collector (bench/limits). node:net offers
// it for outgoing connections only; an accepted one is dressed anew, with its handle. Where that does not
// work (no such handle; Windows, which wants a read's buffer before its bytes are there) chunks are buffers
// of their own.

import { writeSync, writevSync } from 'node:fs'
import { connect, createServer, type OnReadOpts, type Server, Socket } from 'node:net'
import { assert } from './assert.ts'
import { type Connection, type ConnectionEvents, type Listening, type Network } from './network.ts'
import { openFilesMax } from './open-files.ts'

const nothing = new Uint8Array(0)

/** Large reads leave few frames cut in two, which have to be put together by a copy. */
const readBytes = 262_144
const sharesReads = process.platform !== 'win32'
let readBuffer: Buffer | null = null

/**
 * Descriptors that are kept from clients: segments, indexes and checkpoints must still open when a flood of
 * connections has taken all others. Of a small limit a quarter.
 */
const keptFilesMax = 1024
let acceptedFilesMax: number | null = null

/** -1: it has ended, or this system has none. */
function descriptorOf (socket: Socket): number {
  return (socket as unknown as { _handle: { fd?: number } | null })._handle?.fd ?? -1
}

/** The system hands out the lowest number that is free: the newest one tells how many are taken. */
function takesKeptFile (accepted: Socket): boolean {
  if (acceptedFilesMax === null) {
    const most = openFilesMax() ?? Infinity
    acceptedFilesMax = most - Math.min(keptFilesMax, Math.floor(most / 4))
  }
  return descriptorOf(accepted) >= acceptedFilesMax
}

function outOfFiles (): Error {
  return Object.assign(new Error('too many files and sockets are open (ulimit -n)'), { code: 'EMFILE' })
}

/** Reads through the shared buffer; `connection` is known only after the socket is made. */
function sharedReads (received: { connection: RealConnection | null }): OnReadOpts {
  readBuffer ??= Buffer.allocUnsafeSlow(readBytes)
  return {
    buffer: readBuffer,
    callback (bytes, buffer) {
      received.connection?.received(buffer.subarray(0, bytes) as Buffer)
      return true
    }
  }
}

/** A dual-stack listener shows IPv4 peers in IPv6 clothes. */
function plainAddress (address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

class RealConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  #socket: Socket
  #events: ConnectionEvents | null = null
  #reason: Error | null = null
  #pendingBytes = 0 // handed to write() and not yet reported as written

  #sharesReads: boolean

  constructor (socket: Socket, sharesReads: boolean) {
    this.#socket = socket
    this.#sharesReads = sharesReads
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort ?? 0
    this.localPort = socket.localPort ?? 0
    // Before start(): a reset in between must not become an uncaught error.
    socket.on('error', (error) => { this.#reason ??= error })
  }

  get pendingBytes (): number { return this.#pendingBytes }

  start (events: ConnectionEvents): void {
    assert(this.#events === null, 'a connection starts once')
    this.#events = events
    const socket = this.#socket
    if (!this.#sharesReads) socket.on('data', (chunk: Buffer) => events.data(chunk))
    if (socket.destroyed) setImmediate(() => events.closed(this.#reason))
    else socket.on('close', () => events.closed(this.#reason))
    socket.resume()
  }

  received (chunk: Buffer): void {
    this.#events?.data(chunk)
  }

  write (slices: readonly Uint8Array[], written?: () => void): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) {
      // Not nextTick: a caller that always has more would never let the loop tell it that it is over.
      if (written !== undefined) setImmediate(written)
      return
    }
    let bytes = 0
    for (const slice of slices) bytes += slice.length
    this.#pendingBytes += bytes
    // Called in the order of the writes, and for those that are dropped when the socket closes.
    const done = (): void => this.#left(bytes, written)
    if (slices.length === 1) {
      socket.write(slices[0], done)
      return
    }
    const last = slices.length - 1
    socket.cork()
    for (let index = 0; index < last; index++) socket.write(slices[index])
    socket.write(last < 0 ? nothing : slices[last], done)
    socket.uncork()
  }

  writeNow (slices: readonly Uint8Array[]): number {
    const socket = this.#socket
    // Past the stream only while nothing is queued there, and before its end.
    if (this.#pendingBytes > 0 || socket.destroyed || socket.writableEnded) return 0
    const fd = descriptorOf(socket)
    if (fd < 0) return 0
    try {
      if (slices.length === 1) return writeSync(fd, slices[0])
      return writevSync(fd, slices)
    } catch {
      // It is full, or gone: write() waits for room, and learns of the end in its order.
      return 0
    }
  }

  #left (bytes: number, written: (() => void) | undefined): void {
    this.#pendingBytes -= bytes
    if (written !== undefined) written()
    if (this.#pendingBytes === 0 && !this.#socket.destroyed) this.#events?.drained()
  }

  pause (): void { this.#socket.pause() }
  resume (): void { this.#socket.resume() }
  end (): void { this.#socket.end() }
  destroy (): void { this.#socket.destroy() }
}

/** An accepted socket, paused, that reads through the shared buffer. */
function dressed (accepted: Socket): RealConnection {
  const handle = (accepted as unknown as { _handle: object | null | undefined })._handle
  if (!sharesReads || handle == null) return new RealConnection(accepted, false)
  const received: { connection: RealConnection | null } = { connection: null }
  const socket = new Socket({ handle, onread: sharedReads(received), pauseOnCreate: true } as object)
  // Without its handle the old socket only leaves the server's count.
  Object.assign(accepted, { _handle: null })
  accepted.destroy()
  received.connection = new RealConnection(socket, true)
  return received.connection
}

function refusal (verb: string, host: string, port: number, error: Error): Error {
  const code = (error as NodeJS.ErrnoException).code ?? error.message
  return Object.assign(new Error(`cannot ${verb} ${host}:${port}: ${code}`, { cause: error }), { code })
}

function listening (server: Server): Listening {
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a listening server has an address')
  return {
    host: address.address,
    port: address.port,
    // The server's own callback would wait for the accepted connections, which live on.
    close: () => new Promise((resolve) => {
      server.close()
      setImmediate(resolve)
    })
  }
}

export const realNetwork: Network = {
  listen ({ host, port, backlog }, accepted, refused) {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true })
      server.on('connection', (socket) => {
        if (!takesKeptFile(socket)) return accepted(dressed(socket))
        socket.destroy()
        refused?.(outOfFiles())
      })
      const failed = (error: Error): void => reject(refusal('listen on', host, port, error))
      server.once('error', failed)
      server.listen({ host, port, backlog }, () => {
        server.off('error', failed)
        // From now on an error is about one client, not about those who are there or who come later.
        server.on('error', (error) => refused?.(error))
        resolve(listening(server))
      })
    })
  },

  connect ({ host, port, timeoutMs }) {
    return new Promise((resolve, reject) => {
      const received: { connection: RealConnection | null } = { connection: null }
      const reads = sharesReads ? { onread: sharedReads(received) } : {}
      const socket = connect({ host, port, noDelay: true, keepAlive: true, ...reads })
      const failed = (error: Error): void => {
        clearTimeout(limit)
        reject(refusal('connect to', host, port, error))
      }
      const limit = setTimeout(() => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
      socket.once('error', failed)
      socket.once('connect', () => {
        clearTimeout(limit)
        socket.off('error', failed)
        socket.pause()
        received.connection = new RealConnection(socket, sharesReads)
        resolve(received.connection)
      })
    })
  }
}
