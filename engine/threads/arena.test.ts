import { describe, expect, it } from 'vitest'
import { type Clock, type Timer } from '../base/clock.ts'
import { Arena, cellBytes, smallFrameBytesMax } from './arena.ts'
import { type UnfinishedFrame } from './unfinished-frame.ts'
import { overdueMs } from './shortage.ts'

/** Time moves when told; what was due soon runs when told. */
class HandClock implements Clock {
  now = 0
  soons: (() => void)[] = []
  timers: { at: number, due: () => void }[] = []
  nowMs (): number { return this.now }
  monotonicMs (): number { return this.now }
  soon (due: () => void): void { this.soons.push(due) }
  after (delayMs: number, due: () => void): Timer {
    const timer = { at: this.now + delayMs, due }
    this.timers.push(timer)
    return { cancel: () => { this.timers = this.timers.filter(other => other !== timer) } }
  }

  turn (): void { while (this.soons.length > 0) this.soons.shift()!() }

  pass (ms: number): void {
    this.now += ms
    for (const timer of this.timers.filter(({ at }) => at <= this.now)) {
      this.timers = this.timers.filter(other => other !== timer)
      timer.due()
    }
  }
}

function fill (bytes: number, value: number): Buffer {
  return Buffer.alloc(bytes, value)
}

/** A connection that offers what it has whenever it is told to. */
class Sender {
  frame: UnfinishedFrame
  sent = 0
  overdue = false
  readonly #bytes: Buffer
  constructor (arena: Arena, bytes: Buffer) {
    this.#bytes = bytes
    this.frame = arena.begin(bytes.length, {
      resume: () => this.send(this.#bytes.length),
      overdue: () => { this.overdue = true }
    })!
  }

  send (upTo: number): boolean {
    if (!this.frame.complete) this.sent += this.frame.take(this.#bytes, this.sent, upTo)
    return this.frame.complete
  }
}

describe('the arena', () => {
  const clock = new HandClock()
  const small = (budgetCells: number) => new Arena(budgetCells * cellBytes, clock)

  it('copies small frames side by side into the current cell and counts their holders', () => {
    const arena = small(8)
    const first = arena.place(fill(1000, 1), 0, 1000)
    const second = arena.place(fill(1000, 2), 500, 1000)
    expect([first, second]).toEqual([0, 1000])
    expect(arena.slice(second, 500).equals(fill(500, 2))).toBe(true)
    expect(arena.heldCells).toBe(1)
    arena.release(first, 1000)
    arena.release(second, 500)
    arena.close()
    expect([arena.heldCells, arena.usedBytes]).toEqual([0, 0])
  })

  it('takes cells lowest first and gives the freed ones out again', () => {
    const arena = small(8)
    const frame = fill(smallFrameBytesMax, 3)
    const places: number[] = []
    for (let index = 0; index < 12; index++) places.push(arena.place(frame, 0, frame.length))
    expect(places[11]).toBe(11 * smallFrameBytesMax)
    for (const at of places.slice(0, 4)) arena.release(at, frame.length)
    for (let index = 0; index < 2; index++) places.push(arena.place(frame, 0, frame.length))
    expect(places[12]).toBe(0)
    expect(() => arena.release(places[12], 4 * cellBytes)).toThrow('released more often')
  })

  it('places a large frame into neighbouring cells, whatever the chunks', () => {
    const arena = small(8)
    const bytes = Buffer.from(Array.from({ length: 3 * cellBytes - 7 }, (_, at) => at * 31 % 251))
    const sender = new Sender(arena, bytes)
    for (let at = 1; !sender.send(Math.min(at, bytes.length)); at += 65_535);
    expect(arena.slice(sender.frame.address, bytes.length).equals(bytes)).toBe(true)
    expect(arena.usedBytes).toBe(3 * cellBytes)
    arena.release(sender.frame.address, bytes.length)
    expect([arena.heldCells, arena.usedBytes]).toEqual([0, 0])
  })

  it('collects a small frame byte by byte and then puts it beside the others', () => {
    const arena = small(8)
    const bytes = fill(5000, 9)
    const sender = new Sender(arena, bytes)
    for (let at = 1; !sender.send(at); at++) expect(arena.usedBytes).toBe(at)
    expect(arena.usedBytes).toBe(cellBytes)
    expect(arena.slice(sender.frame.address, 5000).equals(bytes)).toBe(true)
  })

  it('gives a small frame its place at once when a good part of it is there', () => {
    const arena = small(8)
    const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, at) => at * 31 % 251))
    const cut = new Sender(arena, bytes)
    cut.send(6_000)
    expect(arena.usedBytes).toBe(cellBytes)
    const whole = arena.place(fill(1000, 7), 0, 1000)
    expect(whole).toBe(40_000)
    expect(cut.send(40_000)).toBe(true)
    expect(cut.frame.address).toBe(0)
    expect(arena.slice(0, 40_000).equals(bytes)).toBe(true)
    const given = new Sender(arena, bytes)
    given.send(20_000)
    given.frame.abandon()
    for (const [address, length] of [[0, 40_000], [whole, 1000]]) arena.release(address, length)
    arena.close()
    expect([arena.heldCells, arena.usedBytes]).toEqual([0, 0])
  })

  it('lets nobody hold a cell for a few bytes of a small frame', () => {
    const arena = small(8)
    const [short, early] = [8_000, 65_000].map(bytes => new Sender(arena, fill(bytes, 1)))
    short.send(7_000)
    early.send(8_000)
    expect([arena.usedBytes, arena.heldCells]).toEqual([15_000, 0])
    for (const { frame } of [short, early]) frame.abandon()
    expect(arena.usedBytes).toBe(0)
  })

  it('charges what arrived, not what was announced', () => {
    const arena = small(8)
    const sender = new Sender(arena, fill(20 * cellBytes, 1))
    sender.send(10)
    expect(arena.usedBytes).toBe(10)
    sender.send(smallFrameBytesMax + 1)
    expect(arena.usedBytes).toBe(cellBytes)
    sender.frame.abandon()
    expect([arena.heldCells, arena.usedBytes]).toEqual([0, 0])
  })

  it('refuses what can never fit', () => {
    expect(small(8).begin(2 ** 31 - 1, { resume () {}, overdue () {} })).toBe(null)
  })

  it('gives tail cells back oldest first, and the tail notices', () => {
    const arena = small(4)
    const frame = fill(smallFrameBytesMax, 5)
    const kept: { at: number, generation: number }[] = []
    for (let index = 0; index < 12; index++) {
      const at = arena.place(frame, 0, frame.length)
      kept.push({ at, generation: arena.generation })
      arena.keep(at, frame.length)
      arena.release(at, frame.length)
    }
    const there = () => kept
      .map(({ at, generation }) => arena.intact(at, frame.length, generation) ? 1 : 0).join('')
    expect(there()).toBe('111111111111')
    for (let index = 0; index < 8; index++) arena.place(frame, 0, frame.length)
    expect(there()).toBe('000011111111')
    const leased = kept[4]
    arena.retain(leased.at, frame.length)
    for (let index = 0; index < 4; index++) arena.place(frame, 0, frame.length)
    expect(there()).toBe('000000000000')
    expect(arena.slice(leased.at, frame.length).equals(frame)).toBe(true)
  })
})

describe('a short arena', () => {
  it('lets frames wait unread, in turn, and reads only the oldest one on', () => {
    const clock = new HandClock()
    const arena = new Arena(4 * cellBytes, clock)
    const held = Array.from({ length: 4 }, () => {
      const sender = new Sender(arena, fill(cellBytes - 1, 1))
      sender.send(cellBytes - 1)
      return sender.frame.address
    })
    const [first, second, third] = [2, 3, 4].map(value => new Sender(arena, fill(2 * cellBytes, value)))
    for (const sender of [first, second, third]) sender.send(100_000)
    expect([first.sent, second.sent, third.sent]).toEqual([100_000, 0, 0])
    expect(arena.waiting).toBe(2)
    expect(first.send(2 * cellBytes)).toBe(true)
    const release = ({ frame }: Sender) => arena.release(frame.address, 2 * cellBytes)
    // The second is the oldest now, but the first one's memory is not back.
    clock.turn()
    clock.pass(2 * overdueMs)
    expect([second.frame.complete, second.overdue]).toEqual([false, false])
    release(first)
    clock.turn()
    expect(second.frame.complete).toBe(true)
    clock.turn()
    expect(third.frame.complete).toBe(false)
    release(second)
    clock.turn()
    expect(third.frame.complete).toBe(true)
    for (const at of held) arena.release(at, cellBytes - 1)
    release(third)
    expect([arena.heldCells, arena.usedBytes, arena.waiting]).toEqual([0, 0, 0])
  })

  it('stays near its budget whatever comes: memory that was touched is used again', () => {
    const clock = new HandClock()
    const arena = new Arena(16 * cellBytes, clock)
    const senders: Sender[] = []
    const done: Sender[] = []
    let highest = 0
    for (let round = 0; round < 40; round++) {
      for (let n = 0; n < 10; n++) senders.push(new Sender(arena, fill(3 * cellBytes + 100, n)))
      for (const sender of senders) {
        sender.send(3 * cellBytes + 100)
        if (!sender.frame.complete || done.includes(sender)) continue
        done.push(sender)
        highest = Math.max(highest, sender.frame.address + 4 * cellBytes)
      }
      expect(arena.usedBytes).toBeLessThanOrEqual(arena.budgetBytes + 4 * cellBytes)
      // The log answers some of them.
      for (const sender of done.splice(0, 3)) {
        arena.keep(sender.frame.address, 3 * cellBytes + 100)
        arena.release(sender.frame.address, 3 * cellBytes + 100)
        senders.splice(senders.indexOf(sender), 1)
      }
      clock.turn()
    }
    expect(highest).toBeLessThanOrEqual(4 * arena.budgetBytes)
    for (const { frame } of done) arena.release(frame.address, 3 * cellBytes + 100)
    for (const sender of senders) if (!done.includes(sender)) sender.frame.abandon()
    expect(arena.heldCells).toBe(0)
  })

  it('closes the oldest frame when others wait for it for 30 s', () => {
    const clock = new HandClock()
    const arena = new Arena(4 * cellBytes, clock)
    const drip = new Sender(arena, fill(4 * cellBytes, 1))
    drip.send(4 * cellBytes - 1)
    const other = new Sender(arena, fill(1000, 2))
    other.send(1000)
    clock.pass(overdueMs - 1)
    expect([drip.overdue, other.frame.complete]).toEqual([false, false])
    clock.pass(1)
    expect(drip.overdue).toBe(true)
    drip.frame.abandon()
    clock.turn()
    expect(other.frame.complete).toBe(true)
  })

  it('nobody is overdue while nobody waits', () => {
    const clock = new HandClock()
    const arena = new Arena(4 * cellBytes, clock)
    const slow = new Sender(arena, fill(1000, 1))
    slow.send(10)
    clock.pass(10 * overdueMs)
    expect(slow.overdue).toBe(false)
  })

  it('whole small frames queue behind those that wait', () => {
    const clock = new HandClock()
    const arena = new Arena(4 * cellBytes, clock)
    const oldest = new Sender(arena, fill(5 * cellBytes, 1))
    oldest.send(4 * cellBytes)
    expect(arena.place(fill(10, 1), 0, 10)).toBe(-1)
    const waiting = new Sender(arena, fill(10, 2))
    expect(waiting.send(10)).toBe(false)
    oldest.frame.abandon()
    expect(arena.place(fill(10, 3), 0, 10)).toBe(-1)
    clock.turn()
    expect(waiting.frame.complete).toBe(true)
  })

  it('lets what rests of history have its share beside a full tail, and no more for new frames', () => {
    const arena = new Arena(16 * cellBytes, new HandClock())
    const resting: number[] = []
    const giveBack = (): boolean => {
      const address = resting.shift()
      if (address === undefined) return false
      arena.wake(address)
      arena.release(address, 1)
      return true
    }
    arena.spare = { giveBack }
    const append = (): void => {
      const address = arena.place(fill(smallFrameBytesMax, 1), 0, smallFrameBytesMax)
      arena.keep(address, smallFrameBytesMax)
      arena.release(address, smallFrameBytesMax)
    }
    const frames = 16 * cellBytes / smallFrameBytesMax
    for (let n = 0; n < frames; n++) append()
    for (let cells = 1; cells <= 7; cells++) {
      const address = arena.takeHistoryCell()
      arena.rest(address)
      resting.push(address)
      expect(resting.length).toBe(Math.min(cells, 5))
    }
    for (let n = 0; n < frames; n++) append()
    expect([resting.length, arena.usedBytes]).toEqual([4, arena.budgetBytes])
    while (giveBack());
  })

  it('history reads may hold half of it', () => {
    const clock = new HandClock()
    const arena = new Arena(4 * cellBytes, clock)
    const cells = [arena.takeHistoryCell(), arena.takeHistoryCell()]
    expect(arena.takeHistoryCell()).toBe(-1)
    let woken = 0
    arena.whenMemory({ memoryFree: () => { woken++ } })
    arena.release(cells[0], cellBytes)
    expect(woken).toBe(0)
    clock.turn()
    expect(woken).toBe(1)
    expect(arena.takeHistoryCell()).toBe(cells[0])
  })
})
