// A network inside one program. Nothing moves by itself: step() carries one thing (a chunk, an end, a written
// callback) chosen by chance among all connections, so that a seed replays every split and every order. Per
// direction of a connection bytes stay in order.

import { assert } from './assert.ts'
import { type Connection, type ConnectionEvents, type Listening, type Network } from './network.ts'
import { type Random } from './random.ts'

/** Chunks are up to this long, like those of a real socket. */
const chunkBytesMax = 65_536
const firstFreePort = 40_000

interface Outgoing {
  readonly bytes: Buffer
  /** The system has it, the peer does not yet. */
  readonly left: boolean
  sent: number
  readonly written: (() => void) | undefined
}

class FakeConnection implements Connection {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort: number
  readonly localPort: number
  readonly accepted: boolean
  peer!: FakeConnection
  pendingBytes = 0 // written here and not yet carried to the peer
  #network: FakeNetwork
  #events: ConnectionEvents | null = null
  #outgoing: Outgoing[] = []
  #paused = false
  #ending = false // nothing is written any more: the peer hears of it after the last byte
  #ended = false // the peer has heard of it
  #closed = false
  #silent = false // its machine is gone: nobody is called

  constructor (network: FakeNetwork, localPort: number, remotePort: number, accepted: boolean) {
    this.#network = network
    this.localPort = localPort
    this.remotePort = remotePort
    this.accepted = accepted
  }

  start (events: ConnectionEvents): void {
    assert(this.#events === null, 'a connection starts once')
    this.#events = events
  }

  write (slices: readonly Uint8Array[], written?: () => void): void {
    if (this.#closed || this.#ending || slices.length === 0) {
      if (written !== undefined) this.#network.later(written)
      return
    }
    // Not copied: as on a real network, memory that is reused too early is sent in its new state.
    slices.forEach((slice, index) => {
      const bytes = Buffer.from(slice.buffer, slice.byteOffset, slice.length)
      const isLast = index === slices.length - 1
      this.#outgoing.push({ bytes, left: false, sent: 0, written: isLast ? written : undefined })
      this.pendingBytes += slice.length
    })
  }

  writeNow (slices: readonly Uint8Array[]): number {
    if (this.#closed || this.#ending || this.pendingBytes > 0) return 0
    const bytes = this.#network.taken(Buffer.concat(slices))
    if (bytes.length > 0) this.#outgoing.push({ bytes, left: true, sent: 0, written: undefined })
    return bytes.length
  }

  pause (): void { this.#paused = true }
  resume (): void { this.#paused = false }
  end (): void { this.#ending = true }

  destroy (): void {
    if (this.#closed) return
    this.close(null)
    this.#network.later(() => this.peer.close(new Error('connection reset')))
  }

  /** Something of this side can be carried: bytes that the peer will take, or the end. */
  get canMove (): boolean {
    if (this.#closed || this.peer.#events === null || this.peer.#paused) return false
    return this.#outgoing.length > 0 || (this.#ending && !this.#ended)
  }

  /** Carries one chunk to the peer, or the end. */
  move (random: Random): void {
    const next = this.#outgoing[0]
    if (next === undefined) this.#carryEnd()
    else this.#carryChunk(next, random)
  }

  #carryEnd (): void {
    this.#ended = true
    this.peer.#ending = true
    if (!this.peer.#ended) return
    this.close(null)
    this.peer.close(null)
  }

  #carryChunk (next: Outgoing, random: Random): void {
    const left = Math.min(next.bytes.length - next.sent, chunkBytesMax)
    const length = left === 0 || random.below(4) === 0 ? left : 1 + random.below(left)
    const chunk = Buffer.from(next.bytes.subarray(next.sent, next.sent + length))
    next.sent += length
    if (!next.left) this.pendingBytes -= length
    const whole = next.sent === next.bytes.length
    if (whole) this.#outgoing.shift()
    if (length > 0) this.peer.#receive(chunk)
    if (this.#silent) return
    if (whole) next.written?.()
    if (!next.left && this.pendingBytes === 0 && !this.#closed) this.#events?.drained()
  }

  #receive (chunk: Buffer): void {
    if (this.#closed) return
    this.#events?.data(chunk)
    chunk.fill(0xdd) // valid during the call only: who keeps it notices
  }

  close (reason: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#network.forget(this)
    const unsent = this.#outgoing
    this.#outgoing = []
    this.pendingBytes = 0
    this.#network.later(() => {
      if (this.#silent) return
      for (const { written } of unsent) written?.()
      this.#events?.closed(reason)
    })
  }

  /** Its machine has crashed. */
  vanish (): void {
    this.#silent = true
    this.destroy()
  }
}

export class FakeNetwork implements Network {
  readonly #random: Random
  #listeners = new Map<number, { host: string, accepted: (connection: Connection) => void }>()
  #connections: FakeConnection[] = []
  #later: (() => void)[] = []
  #nextPort = firstFreePort

  constructor (random: Random) {
    this.#random = random
  }

  listen (
    { host, port }: { host: string, port: number }, accepted: (connection: Connection) => void
  ): Promise<Listening> {
    const chosen = port === 0 ? this.#nextPort++ : port
    if (this.#listeners.has(chosen)) {
      return Promise.reject(new Error(`cannot listen on ${host}:${chosen}: EADDRINUSE`))
    }
    this.#listeners.set(chosen, { host, accepted })
    const close = (): Promise<void> => {
      this.#listeners.delete(chosen)
      return Promise.resolve()
    }
    return Promise.resolve({ host, port: chosen, close })
  }

  connect ({ host, port }: { host: string, port: number }): Promise<Connection> {
    const listener = this.#listeners.get(port)
    if (listener === undefined) {
      return Promise.reject(new Error(`cannot connect to ${host}:${port}: ECONNREFUSED`))
    }
    const local = this.#nextPort++
    const client = new FakeConnection(this, local, port, false)
    const server = new FakeConnection(this, port, local, true)
    client.peer = server
    server.peer = client
    this.#connections.push(client, server)
    this.later(() => listener.accepted(server))
    return Promise.resolve(client)
  }

  /** Carries one thing; false when nothing can move. */
  step (): boolean {
    const due = this.#later.shift()
    if (due !== undefined) {
      due()
      return true
    }
    const movable = this.#connections.filter((connection) => connection.canMove)
    if (movable.length === 0) return false
    movable[this.#random.below(movable.length)].move(this.#random)
    return true
  }

  /** Carries everything, also what comes meanwhile. Returns how many steps that took. */
  pump (): number {
    let steps = 0
    while (this.step()) steps++
    return steps
  }

  /**
   * The machine that listens stops: it hears of nothing any more, and whoever is connected to it is cut off.
   */
  crash (): void {
    this.#listeners.clear()
    for (const connection of [...this.#connections]) {
      if (connection.accepted) connection.vanish()
    }
  }

  /** What a system takes of such bytes at once. */
  taken (bytes: Buffer): Buffer {
    const most = [0, bytes.length, bytes.length, this.#random.below(bytes.length + 1)]
    return bytes.subarray(0, most[this.#random.below(most.length)])
  }

  later (due: () => void): void {
    this.#later.push(due)
  }

  forget (connection: FakeConnection): void {
    const index = this.#connections.indexOf(connection)
    if (index >= 0) this.#connections.splice(index, 1)
  }
}
