// TCP by node:net. Small answers leave at once (no Nagle); the slices of one write leave by one writev.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { assert } from './assert.ts'
import { type Connection, type ConnectionEvents, type Listening, type Network } from './network.ts'

const nothing = new Uint8Array(0)

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

  constructor (socket: Socket) {
    this.#socket = socket
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
    socket.on('data', (chunk: Buffer) => events.data(chunk))
    if (socket.destroyed) setImmediate(() => events.closed(this.#reason))
    else socket.on('close', () => events.closed(this.#reason))
    socket.resume()
  }

  write (slices: readonly Uint8Array[], written?: () => void): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) {
      if (written !== undefined) process.nextTick(written)
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
  listen ({ host, port, backlog }, accepted) {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true })
      server.on('connection', (socket) => accepted(new RealConnection(socket)))
      server.once('error', (error) => reject(refusal('listen on', host, port, error)))
      server.listen({ host, port, backlog }, () => resolve(listening(server)))
    })
  },

  connect ({ host, port, timeoutMs }) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true })
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
        resolve(new RealConnection(socket))
      })
    })
  }
}
