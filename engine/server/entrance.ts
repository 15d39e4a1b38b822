// Who may come in, by Kafka's rules. Each listener lets them in one after the other, in the order they came:
//
//   max.connection.creation.rate   the first waits, up to a second, until the rate of its listener and of the
//                                  broker allows it; who stands behind waits too
//   max.connections                the first waits until somebody leaves; at the listener of brokers only for
//                                  its own limit: who was silent longest elsewhere must go
//   max.connections.per.ip         closed at once
//
// Kafka leaves those who wait in the system's backlog. Node accepts by itself, so they wait here, unread, as
// many as the backlog holds; more are closed.
import { type Clock, type Timer } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type Connection } from '../base/network.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { WindowedRate } from './windowed-rate.ts'

/** Someone who is in. */
export interface Guest {
  readonly listener: string
  readonly lastActiveMs: number
  readonly closing: boolean
  destroy (): void
}

export interface EntranceParts {
  clock: Clock
  logger: Logger
  config: BrokerConfig
  guests: ReadonlySet<Guest>
  letIn (connection: Connection, listener: string): void
}

interface Gate {
  readonly listener: string
  readonly waiting: Connection[]
  inside: number
  readonly rate: WindowedRate
  /** When the first of those who wait may enter; -1: it is not counted yet. */
  mayEnterMs: number
  timer: Timer | null
  /** It was said that they wait; again only when nobody waits any more. */
  reported: boolean
}

const deaf = { data () {}, drained () {}, closed () {} }
/** Of refusals for one reason one line a second: a flood must not fill the disk with lines. */
const repeatMs = 1000

export class Entrance {
  readonly #parts: EntranceParts
  readonly #gates = new Map<string, Gate>()
  readonly #rate: WindowedRate
  readonly #perAddress = new Map<string, number>()
  readonly #refusals = new Map<string, { toldMs: number, untold: number }>()
  #inside = 0
  #overridesText = ''
  #overrides = new Map<string, number>()
  #closed = false

  constructor (parts: EntranceParts) {
    this.#parts = parts
    this.#rate = this.#newRate()
    parts.config.onChange(() => this.#limitsChanged())
  }

  addListener (listener: string): void {
    const rate = this.#newRate()
    this.#gates.set(listener, {
      listener, rate, waiting: [], inside: 0, mayEnterMs: -1, timer: null, reported: false
    })
  }

  arrived (connection: Connection, listener: string): void {
    if (this.#closed) return this.refuse(connection, listener, 'the broker is closing')
    const gate = this.#gates.get(listener)!
    if (gate.waiting.length >= this.#parts.config.number('socket.listen.backlog.size')) {
      return this.refuse(connection, listener, 'too many wait to be let in (socket.listen.backlog.size)')
    }
    gate.waiting.push(connection)
    this.#admit(gate)
  }

  left (address: string, listener: string): void {
    const left = this.#perAddress.get(address)! - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
    this.#inside--
    this.#gates.get(listener)!.inside--
    this.#admitAll()
  }

  refuse (connection: Connection, listener: string, reason: string): void {
    const { remoteAddress } = connection
    connection.start(deaf)
    connection.destroy()
    this.tellRefused(reason, { client: remoteAddress, listener })
  }

  tellRefused (reason: string, fields: object): void {
    const nowMs = this.#parts.clock.monotonicMs()
    const told = this.#refusals.get(reason)
    if (told !== undefined && nowMs - told.toldMs < repeatMs) {
      told.untold++
      return
    }
    const before = told === undefined || told.untold === 0 ? {} : { alsoRefused: told.untold }
    this.#parts.logger.info({ ...fields, reason, ...before }, 'connection refused')
    this.#refusals.set(reason, { toldMs: nowMs, untold: 0 })
  }

  /** Whoever waits is sent away. */
  close (): void {
    this.#closed = true
    for (const gate of this.#gates.values()) {
      gate.timer?.cancel()
      for (const connection of gate.waiting.splice(0)) {
        connection.start(deaf)
        connection.destroy()
      }
    }
  }

  #newRate (): WindowedRate {
    const { config } = this.#parts
    return new WindowedRate(config.number('quota.window.num'), config.number('quota.window.size.seconds') * 1000)
  }

  #limitsChanged (): void {
    this.#closeExcess()
    this.#admitAll()
  }

  #admitAll (): void {
    for (const gate of this.#gates.values()) this.#admit(gate)
  }

  #admit (gate: Gate): void {
    while (!this.#closed && gate.waiting.length > 0 && this.#mayEnter(gate)) {
      const connection = gate.waiting.shift()!
      gate.mayEnterMs = -1
      this.#enter(connection, gate)
    }
    if (gate.waiting.length === 0) gate.reported = false
  }

  #mayEnter (gate: Gate): boolean {
    const { clock } = this.#parts
    const nowMs = clock.monotonicMs()
    if (gate.mayEnterMs < 0) gate.mayEnterMs = nowMs + this.#throttleMs(gate, nowMs)
    if (nowMs < gate.mayEnterMs) {
      gate.timer ??= clock.after(gate.mayEnterMs - nowMs, () => {
        gate.timer = null
        this.#admit(gate)
      })
      return this.#waits(gate, 'max.connection.creation.rate is reached')
    }
    const { listener } = gate
    const own = this.#parts.config.listenerNumber(listener, 'max.connections')
    if (gate.inside >= own) return this.#waits(gate, `max.connections (${own}) of the listener is reached`)
    if (this.#isProtected(listener)) return true
    const all = this.#parts.config.number('max.connections')
    return this.#inside < all || this.#waits(gate, `max.connections (${all}) is reached`)
  }

  #waits (gate: Gate, reason: string): false {
    const { listener } = gate
    if (!gate.reported) this.#parts.logger.info({ listener, reason }, 'new connections wait')
    gate.reported = true
    return false
  }

  /** Counts it. As in Kafka a listener without settings of its own has those of the broker. */
  #throttleMs (gate: Gate, nowMs: number): number {
    const { config } = this.#parts
    const key = 'max.connection.creation.rate'
    gate.rate.record(1, nowMs)
    const ownMs = gate.rate.throttleMs(config.listenerNumber(gate.listener, key), nowMs)
    if (this.#isProtected(gate.listener)) return ownMs
    this.#rate.record(1, nowMs)
    return Math.max(ownMs, this.#rate.throttleMs(config.number(key), nowMs))
  }

  #enter (connection: Connection, gate: Gate): void {
    const address = connection.remoteAddress
    const present = this.#perAddress.get(address) ?? 0
    const limit = this.#limitOf(address)
    if (present >= limit) {
      return this.refuse(connection, gate.listener, `max.connections.per.ip (${limit}) is reached`)
    }
    this.#perAddress.set(address, present + 1)
    this.#inside++
    gate.inside++
    this.#parts.letIn(connection, gate.listener)
    this.#closeExcess()
  }

  /** The listener that brokers use among themselves stays open while clients take all the room there is. */
  #isProtected (listener: string): boolean {
    const { config } = this.#parts
    const name = config.text('inter.broker.listener.name') ?? config.string('security.inter.broker.protocol')
    return this.#gates.size > 1 && name.toUpperCase() === listener
  }

  /** The limit was lowered, or a broker came although it was reached: others go, the most silent first. */
  #closeExcess (): void {
    const most = this.#parts.config.number('max.connections')
    if (this.#inside <= most) return
    const staying = [...this.#parts.guests].filter(guest => !guest.closing)
    const leaving = staying.filter(({ listener }) => !this.#isProtected(listener))
      .sort((a, b) => a.lastActiveMs - b.lastActiveMs)
      .slice(0, Math.max(0, staying.length - most))
    for (const guest of leaving) guest.destroy()
    if (leaving.length === 0) return
    this.#parts.logger.info({ closed: leaving.length, most }, 'connections closed: more than max.connections')
  }

  /** From "127.0.0.1:5,10.0.0.1:100"; the address may be one of IPv6, so the last colon counts. */
  #limitOf (address: string): number {
    const text = this.#parts.config.string('max.connections.per.ip.overrides')
    if (text !== this.#overridesText) {
      this.#overridesText = text
      this.#overrides = new Map(text.split(',').filter(part => part.includes(':')).map(part => {
        const at = part.lastIndexOf(':')
        return [part.slice(0, at).trim(), Number(part.slice(at + 1))]
      }))
    }
    return this.#overrides.get(address) ?? this.#parts.config.number('max.connections.per.ip')
  }
}
