import { describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { type Connection } from '../base/network.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { Entrance, type Guest } from './entrance.ts'
import { linesLogger } from './server.testing.ts'
import { WindowedRate } from './windowed-rate.ts'

class Caller {
  readonly remoteAddress: string
  closed = false
  constructor (remoteAddress: string) { this.remoteAddress = remoteAddress }
  start (): void {}
  destroy (): void { this.closed = true }
}

class Visit implements Guest {
  readonly caller: Caller
  readonly listener: string
  lastActiveMs: number
  closing = false

  constructor (caller: Caller, listener: string, nowMs: number) {
    this.caller = caller
    this.listener = listener
    this.lastActiveMs = nowMs
  }

  destroy (): void {
    this.closing = true
    this.caller.closed = true
  }
}

function open (overrides: Record<string, string>, ...listeners: string[]) {
  const clock = new FakeClock()
  const lines: string[] = []
  const config = loadBrokerConfig({ overrides })
  const guests = new Set<Visit>()
  const entrance = new Entrance({
    clock,
    logger: linesLogger(lines),
    config,
    guests,
    letIn: (connection, listener) => {
      guests.add(new Visit(connection as unknown as Caller, listener, clock.monotonicMs()))
    }
  })
  for (const listener of listeners) entrance.addListener(listener)
  const come = (listener: string, address = '10.0.0.1') => {
    const caller = new Caller(address)
    entrance.arrived(caller as unknown as Connection, listener)
    return caller
  }
  const isIn = (caller: Caller) => [...guests].some(guest => guest.caller === caller)
  const leave = (caller: Caller) => {
    const visit = [...guests].find(guest => guest.caller === caller)!
    guests.delete(visit)
    entrance.left(caller.remoteAddress, visit.listener)
  }
  return { clock, lines, config, guests, entrance, come, isIn, leave }
}

describe('the entrance', () => {
  it('N6 lets in one after the other when connections come faster than their rate', () => {
    const { clock, come, isIn, lines } = open({ 'max.connection.creation.rate': '5' }, 'A')
    // After a quiet time ten seconds' worth may come at once.
    const burst = Array.from({ length: 50 }, () => come('A'))
    expect(burst.every(isIn)).toBe(true)
    const more = Array.from({ length: 3 }, () => come('A'))
    expect(more.some(isIn)).toBe(false)
    expect(lines.join('\n')).toContain('max.connection.creation.rate')
    clock.advance(199)
    expect(more.map(isIn)).toEqual([false, false, false])
    clock.advance(1)
    expect(more.map(isIn)).toEqual([true, false, false])
    clock.advance(20_000)
    expect(more.every(isIn)).toBe(true)
    expect(more.some(({ closed }) => closed)).toBe(false)
    expect(isIn(come('A'))).toBe(true)
  })

  it('N6 keeps the rate of one listener from the others', () => {
    const overrides = { 'listener.name.a.max.connection.creation.rate': '1' }
    const { come, isIn } = open(overrides, 'A', 'B')
    for (let n = 0; n < 20; n++) come('A')
    const late = come('A')
    const other = Array.from({ length: 100 }, () => come('B'))
    expect(isIn(late)).toBe(false)
    expect(other.every(isIn)).toBe(true)
  })

  it('N6 holds back at listener.name.X.max.connections, and no other listener', () => {
    const { come, isIn, leave } = open({ 'listener.name.a.max.connections': '1' }, 'A', 'B')
    const [first, second, elsewhere] = [come('A'), come('A'), come('B')]
    expect([first, second, elsewhere].map(isIn)).toEqual([true, false, true])
    leave(elsewhere)
    expect(isIn(second)).toBe(false)
    leave(first)
    expect(isIn(second)).toBe(true)
  })

  it('N6 lets brokers in over max.connections: the client that was silent longest goes', () => {
    const overrides = { 'max.connections': '3', 'security.inter.broker.protocol': 'PLAINTEXT' }
    const { clock, come, guests, isIn, leave } = open(overrides, 'PLAINTEXT', 'CLIENTS')
    const clients = [1, 2, 3].map(() => {
      clock.advance(10)
      return come('CLIENTS')
    })
    ;[...guests][0].lastActiveMs = clock.monotonicMs() + 5
    const waiting = come('CLIENTS')
    const broker = come('PLAINTEXT')
    expect(isIn(broker)).toBe(true)
    expect(clients.map(({ closed }) => closed)).toEqual([false, true, false])
    leave(clients[1])
    expect(isIn(waiting)).toBe(false)
    leave(clients[0])
    expect(isIn(waiting)).toBe(true)
  })

  it('N6 closes the most silent when max.connections is lowered, and lets in when it is raised', () => {
    const { come, config, isIn } = open({ 'max.connections': '2' }, 'A')
    const [first, second, third] = [come('A'), come('A'), come('A')]
    expect(isIn(third)).toBe(false)
    config.setDynamic(new Map([['max.connections', '3']]), new Map())
    expect(isIn(third)).toBe(true)
    config.setDynamic(new Map([['max.connections', '1']]), new Map())
    expect([first, second, third].filter(({ closed }) => closed).length).toBe(2)
    config.setDynamic(new Map([['listener.name.a.max.connections', '9'], ['max.connections', '9']]), new Map())
    expect(isIn(come('A'))).toBe(true)
  })

  it('N6 bounds who waits by the backlog, and what is written about it', () => {
    const { come, entrance, lines } = open({ 'max.connections': '1', 'socket.listen.backlog.size': '5' }, 'A')
    const callers = Array.from({ length: 1000 }, () => come('A'))
    expect(callers.filter(({ closed }) => closed).length).toBe(1000 - 1 - 5)
    expect(lines.length).toBe(2)
    entrance.close()
    expect(callers.filter(({ closed }) => closed).length).toBe(1000 - 1)
  })

  it('N6 closes at once over max.connections.per.ip, with overrides', () => {
    const { come, isIn, leave, lines, clock } = open({
      'max.connections.per.ip': '2', 'max.connections.per.ip.overrides': '10.0.0.9:1,fe80::1:0'
    }, 'A')
    const callers = [1, 2, 3].map(() => come('A'))
    expect(callers.map(isIn)).toEqual([true, true, false])
    expect(callers[2].closed).toBe(true)
    expect(lines.at(-1)).toContain('max.connections.per.ip (2) is reached')
    expect([come('A', '10.0.0.9'), come('A', '10.0.0.9'), come('A', 'fe80::1')].map(isIn)).toEqual([true, false, false])
    leave(callers[0])
    expect(isIn(come('A'))).toBe(true)
    clock.advance(1000)
    for (let n = 0; n < 5; n++) come('A')
    clock.advance(1000)
    come('A')
    expect(lines.at(-1)).toContain('"alsoRefused":4')
  })
})

describe('a rate in windows', () => {
  it('forgets what lies behind all of its samples', () => {
    const rate = new WindowedRate(3, 1000)
    rate.record(20, 0)
    expect(rate.throttleMs(10, 0)).toBe(0)
    rate.record(1, 0)
    expect(rate.throttleMs(10, 0)).toBe(100)
    rate.record(0, 1500)
    expect(rate.throttleMs(10, 1500)).toBe(0)
    rate.record(20, 3000)
    expect(rate.throttleMs(10, 3000)).toBe(0)
    expect(rate.throttleMs(0, 3000)).toBe(1000)
  })
})
