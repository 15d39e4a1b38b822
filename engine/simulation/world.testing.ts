// A whole broker in one thread on a fake clock, a faulty disk and a fake network, driven step by step from
// one seed. What crosses the network, what is logged and what clients note makes the trace: the same seed
// gives the same trace, byte for byte.
import { type Clock, type Timer } from '../base/clock.ts'
import { FakeClock } from '../base/clock-fake.ts'
import { crc32c } from '../base/crc32c.ts'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { type Logger } from '../base/logger.ts'
import { type Connection, type ConnectionEvents, type Network } from '../base/network.ts'
import { FakeNetwork } from '../base/network-fake.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { type Broker, startEngine } from '../broker.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'

const port = 9092

/** One machine's view of the clock: its timers die with it. */
class MachineClock implements Clock {
  readonly #clock: FakeClock
  dead = false
  constructor (clock: FakeClock) {
    this.#clock = clock
  }

  nowMs (): number {
    return this.#clock.nowMs()
  }

  monotonicMs (): number {
    return this.#clock.monotonicMs()
  }

  after (delayMs: number, due: () => void): Timer {
    return this.#clock.after(delayMs, () => {
      if (!this.dead) due()
    })
  }

  soon (due: () => void): void {
    this.#clock.soon(() => {
      if (!this.dead) due()
    })
  }
}

export class World {
  readonly clock = new FakeClock()
  readonly random: SeededRandom
  readonly network: FakeNetwork
  readonly disk = new FaultyDisk()
  readonly trace: string[] = []
  broker: Broker | null = null
  #machine: MachineClock | null = null
  #connections = 0

  constructor (seed: number) {
    this.random = new SeededRandom(seed)
    this.network = new FakeNetwork(this.random)
  }

  note (line: string): void {
    this.trace.push(`${this.clock.monotonicMs()} ${line}`)
  }

  /** Starts a broker on what the disk holds. */
  async boot (overrides: Record<string, string> = {}): Promise<void> {
    const machine = new MachineClock(this.clock)
    const logger = this.#logger()
    const config = loadBrokerConfig({
      overrides: {
        listeners: `PLAINTEXT://127.0.0.1:${port}`,
        'log.dirs': '/data',
        'group.initial.rebalance.delay.ms': '0',
        'offsets.topic.num.partitions': '2',
        'millrace.log.workers': '0',
        'millrace.memory.bytes': String(16 * 1024 * 1024),
        ...overrides
      },
      logger
    })
    this.#machine = machine
    this.broker = await this.run(
      startEngine({
        config,
        directories: ['/data'],
        disk: this.disk,
        network: this.#traced(),
        clock: machine,
        random: this.random,
        logger,
        workers: 0,
        locked: false
      })
    )
    this.note('booted')
  }

  /**
   * The power goes: nothing of the broker runs again, the disk loses what was not synced (some or all of
   * it).
   */
  async crash (): Promise<void> {
    this.#machine!.dead = true
    this.broker = null
    this.network.crash()
    this.disk.crash(this.random)
    this.note('crashed')
    await this.settle()
  }

  /** Drives everything until the promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    for (let steps = 0; ; steps++) {
      await turn()
      if (settled) return promise
      if (steps > 5_000_000) throw new Error('this takes for ever')
      if (this.network.step()) continue
      if (this.clock.runSoon() > 0) continue
      const next = this.clock.nextDueMs
      if (next === null) throw new Error('nothing will ever happen again')
      this.clock.advance(next - this.clock.monotonicMs())
    }
  }

  /** Carries what is under way, without letting time pass. */
  async settle (): Promise<void> {
    for (;;) {
      await turn()
      if (!this.network.step() && this.clock.runSoon() === 0) return
    }
  }

  get address (): { host: string; port: number; timeoutMs: number } {
    return { host: '127.0.0.1', port, timeoutMs: 30_000 }
  }

  #logger (): Logger {
    const line = (level: string) => (fields: object | string, message?: string) => {
      this.note(`${level} ${typeof fields === 'string' ? fields : `${message} ${JSON.stringify(fields)}`}`)
    }
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  }

  #traced (): Network {
    const { network } = this
    return {
      connect: address => network.connect(address),
      listen: (address, accepted) =>
        network.listen(address, connection => {
          accepted(new TracedConnection(connection, ++this.#connections, line => this.note(line)))
        })
    }
  }
}

/** All microtasks, and what they put off, have run. */
function turn (): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

class TracedConnection implements Connection {
  readonly #inner: Connection
  readonly #id: number
  readonly #note: (line: string) => void
  constructor (inner: Connection, id: number, note: (line: string) => void) {
    this.#inner = inner
    this.#id = id
    this.#note = note
  }

  get remoteAddress (): string {
    return this.#inner.remoteAddress
  }

  get remotePort (): number {
    return this.#inner.remotePort
  }

  get localPort (): number {
    return this.#inner.localPort
  }

  get pendingBytes (): number {
    return this.#inner.pendingBytes
  }

  start (events: ConnectionEvents): void {
    this.#inner.start({
      data: chunk => {
        this.#note(`${this.#id} in ${chunk.length} ${crc32c(chunk).toString(16)}`)
        events.data(chunk)
      },
      drained: () => events.drained(),
      closed: reason => {
        this.#note(`${this.#id} closed`)
        events.closed(reason)
      }
    })
  }

  write (slices: readonly Uint8Array[], written?: () => void): void {
    for (const slice of slices) this.#note(`${this.#id} out ${slice.length} ${crc32c(slice).toString(16)}`)
    this.#inner.write(slices, written)
  }

  writeNow (slices: readonly Uint8Array[]): number {
    const bytes = this.#inner.writeNow(slices)
    const taken = Buffer.concat(slices).subarray(0, bytes)
    if (bytes > 0) this.#note(`${this.#id} left ${bytes} ${crc32c(taken).toString(16)}`)
    return bytes
  }

  pause (): void {
    this.#inner.pause()
  }

  resume (): void {
    this.#inner.resume()
  }

  end (): void {
    this.#inner.end()
  }

  destroy (): void {
    this.#inner.destroy()
  }
}
