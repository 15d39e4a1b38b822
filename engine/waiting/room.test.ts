import { describe, expect, it } from 'vitest'
import { type Clock } from '../base/clock.ts'
import { createWaitingRoom } from './room.ts'

/** Time that stands still until it is told to go on. */
function handClock (): Clock & { advance (ms: number): void } {
  let nowMs = 1000.5
  let timers: { atMs: number, due: () => void }[] = []
  const soon: (() => void)[] = []
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after (delayMs, due) {
      const timer = { atMs: nowMs + delayMs, due }
      timers.push(timer)
      return { cancel () { timers = timers.filter(one => one !== timer) } }
    },
    soon (due) { soon.push(due) },
    advance (ms) {
      const endMs = nowMs + ms
      for (;;) {
        while (soon.length > 0) soon.shift()!()
        timers.sort((a, b) => a.atMs - b.atMs)
        const next = timers[0]
        if (next === undefined || next.atMs > endMs) break
        timers.shift()
        nowMs = Math.max(nowMs, next.atMs)
        next.due()
      }
      nowMs = endMs
    }
  }
}

function waiter (seen: string[], name: string, done: () => boolean = () => true) {
  return {
    check () { seen.push(`check ${name}`); return done() },
    expire () { seen.push(`expire ${name}`) }
  }
}

describe('waiting room', () => {
  it('wakes those of a row, keeps them until their check holds', () => {
    const room = createWaitingRoom(handClock())
    const seen: string[] = []
    let enough = false
    room.park([1, 2], 500, waiter(seen, 'a', () => enough))
    room.park([2], 500, waiter(seen, 'b'))
    room.advanced(7)
    room.advanced(1)
    room.advanced(2)
    expect(seen).toEqual(['check a', 'check a', 'check b'])
    expect(room.size).toBe(1)
    enough = true
    room.advanced(2)
    room.advanced(1)
    expect(seen.slice(3)).toEqual(['check a'])
    expect(room.size).toBe(0)
  })

  it('meets deadlines never early and within 4 ms, whatever the round', () => {
    for (const waitMs of [0, 1, 3.7, 4, 500, 4095, 4096, 4097, 45_000, 600_001]) {
      const clock = handClock()
      const room = createWaitingRoom(clock)
      clock.advance(3)
      const startMs = clock.monotonicMs()
      let expiredMs = 0
      room.after(waitMs, () => { expiredMs = clock.monotonicMs() })
      clock.advance(700_000)
      expect(expiredMs - startMs).toBeGreaterThanOrEqual(waitMs)
      expect(expiredMs - startMs).toBeLessThanOrEqual(waitMs + 8)
      expect(room.size).toBe(0)
    }
  })

  it('keeps to the order of many deadlines, and forgets who left', () => {
    const clock = handClock()
    const room = createWaitingRoom(clock)
    const seen: number[] = []
    const tickets = []
    for (let n = 0; n < 3000; n++) {
      const waitMs = (n * 7919) % 9000
      const ticket = room.after(waitMs, () => { seen.push(waitMs) })
      if (n % 3 === 0) tickets.push(ticket)
    }
    for (const ticket of tickets) ticket.leave()
    for (const ticket of tickets) ticket.leave()
    expect(room.size).toBe(2000)
    clock.advance(10_000)
    expect(seen).toHaveLength(2000)
    for (let n = 1; n < seen.length; n++) expect(seen[n]).toBeGreaterThan(seen[n - 1] - 4)
    expect(room.size).toBe(0)
  })

  it('may be entered and left by those whom it wakes', () => {
    const clock = handClock()
    const room = createWaitingRoom(clock)
    const seen: string[] = []
    const again = { check () { seen.push('check'); room.park([1], 10, again); return true }, expire () { seen.push('expire') } }
    room.park([1], 10, again)
    room.advanced(1)
    room.advanced(1)
    expect(seen).toEqual(['check', 'check'])
    const second = room.after(20, () => { seen.push('never') })
    room.after(20, () => { second.leave() })
    room.after(12, () => { second.leave() })
    clock.advance(100)
    expect(seen).toEqual(['check', 'check', 'expire'])
    expect(room.size).toBe(0)
  })

  it('expires everyone when it closes, and whoever comes later', () => {
    const clock = handClock()
    const room = createWaitingRoom(clock)
    const seen: string[] = []
    room.park([1], 60_000, waiter(seen, 'a'))
    room.close()
    room.park([1], 60_000, waiter(seen, 'b'))
    expect(seen).toEqual(['expire a'])
    clock.advance(0)
    expect(seen).toEqual(['expire a', 'expire b'])
  })
})
