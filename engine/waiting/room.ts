// The waiting room: one timer wheel for all deadlines, one set of waiters per partition row.
//
//   slot   0    1    2    …  1023     a deadline lies in slot (due / 4 ms) mod 1024, whatever its round;
//         [ ]  [x]  [ ]      [x y]    one timer of the clock is armed, for the next slot that holds any
import { type Clock, type Timer } from '../base/clock.ts'
import { type Row } from '../threads/log-client.ts'
import { type Parked, type Ticket, type WaitingRoom } from './waiting-room.ts'

/** Deadlines are met up to this much late, never early. A fetch waits 500 ms as a rule: below 1 %. */
const slotMs = 4
/** 4 s a round: longer deadlines (group sessions) are looked at once a round, which costs next to nothing. */
const slots = 1024

class Waiter implements Ticket {
  readonly #room: Room
  readonly rows: readonly Row[]
  parked: Parked | null
  due: (() => void) | null
  /** The tick at which it is over: never before its deadline. */
  readonly tick: number
  // Neighbours in the slot's ring; null when it has left.
  next: Waiter | null = null
  previous: Waiter | null = null

  constructor (
    room: Room, rows: readonly Row[], tick: number, parked: Parked | null, due: (() => void) | null
  ) {
    this.#room = room
    this.rows = rows
    this.tick = tick
    this.parked = parked
    this.due = due
  }

  leave (): void {
    this.#room.forget(this)
  }
}

const noRows: readonly Row[] = []

class Room implements WaitingRoom {
  readonly #clock: Clock
  readonly #startMs: number
  readonly #slots: (Waiter | null)[] = new Array(slots).fill(null)
  readonly #byRow: (Set<Waiter> | undefined)[] = []
  #size = 0
  #timer: Timer | null = null
  #armedTick = Infinity // of #timer; Infinity when there is none
  #doneTick = 0 // all slots up to this tick were looked at
  #closed = false

  constructor (clock: Clock) {
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
  }

  get size (): number { return this.#size }

  park (rows: readonly Row[], waitMs: number, parked: Parked): Ticket {
    const waiter = this.#enter(rows, waitMs, parked, null)
    for (const row of rows) {
      const waiters = this.#byRow[row]
      if (waiters === undefined) this.#byRow[row] = new Set([waiter])
      else waiters.add(waiter)
    }
    return waiter
  }

  after (waitMs: number, due: () => void): Ticket {
    return this.#enter(noRows, waitMs, null, due)
  }

  advanced (row: Row): void {
    const waiters = this.#byRow[row]
    if (waiters === undefined || waiters.size === 0) return
    // A copy: who is woken often parks again at once, and would be met again.
    for (const waiter of [...waiters]) {
      if (waiter.parked !== null && waiter.parked.check()) this.forget(waiter)
    }
  }

  close (): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = null
    for (let slot = 0; slot < slots; slot++) {
      for (let waiter = this.#slots[slot]; waiter !== null; waiter = this.#slots[slot]) this.#expire(waiter)
    }
  }

  forget (waiter: Waiter): void {
    if (waiter.next === null) return
    const slot = waiter.tick % slots
    if (waiter.next === waiter) {
      this.#slots[slot] = null
    } else {
      waiter.previous!.next = waiter.next
      waiter.next.previous = waiter.previous
      if (this.#slots[slot] === waiter) this.#slots[slot] = waiter.next
    }
    waiter.next = null
    waiter.previous = null
    waiter.parked = null
    waiter.due = null
    for (const row of waiter.rows) this.#byRow[row]?.delete(waiter)
    this.#size--
  }

  #now (): number {
    return this.#clock.monotonicMs() - this.#startMs
  }

  #enter (rows: readonly Row[], waitMs: number, parked: Parked | null, due: (() => void) | null): Waiter {
    const tick = Math.ceil((this.#now() + Math.max(0, waitMs)) / slotMs)
    const waiter = new Waiter(this, rows, Math.max(tick, this.#doneTick + 1), parked, due)
    const slot = waiter.tick % slots
    const first = this.#slots[slot]
    if (first === null) {
      this.#slots[slot] = waiter.next = waiter.previous = waiter
    } else {
      waiter.next = first
      waiter.previous = first.previous
      first.previous!.next = waiter
      first.previous = waiter
    }
    this.#size++
    // A closed room keeps nobody: it expires them, but not within their own call.
    if (this.#closed) this.#clock.soon(() => { if (waiter.next !== null) this.#expire(waiter) })
    else if (waiter.tick < this.#armedTick) this.#arm(waiter.tick)
    return waiter
  }

  #arm (tick: number): void {
    this.#timer?.cancel()
    this.#armedTick = tick
    this.#timer = this.#clock.after(Math.max(0, tick * slotMs - this.#now()), () => this.#turn())
  }

  #turn (): void {
    this.#timer = null
    this.#armedTick = Infinity
    const nowTick = Math.floor(this.#now() / slotMs)
    const from = Math.max(this.#doneTick + 1, nowTick - slots + 1)
    this.#doneTick = Math.max(this.#doneTick, nowTick)
    for (let tick = from; tick <= nowTick; tick++) this.#look(tick % slots, nowTick)
    if (this.#size > 0 && !this.#closed && this.#armedTick === Infinity) this.#armNext()
  }

  /** Gathers first: who expires may make others leave or park. */
  #look (slot: number, nowTick: number): void {
    const first = this.#slots[slot]
    if (first === null) return
    const due: Waiter[] = []
    let waiter = first
    do {
      if (waiter.tick <= nowTick) due.push(waiter)
      waiter = waiter.next!
    } while (waiter !== first)
    for (const one of due) {
      if (one.next !== null) this.#expire(one)
    }
  }

  #expire (waiter: Waiter): void {
    const { parked, due } = waiter
    this.forget(waiter)
    if (parked !== null) parked.expire()
    else due!()
  }

  /** The next slot that holds anyone; a round later at the latest. */
  #armNext (): void {
    const start = this.#doneTick + 1
    for (let tick = start; tick < start + slots; tick++) {
      if (this.#slots[tick % slots] !== null) return this.#arm(tick)
    }
  }
}

export function createWaitingRoom (clock: Clock): WaitingRoom {
  return new Room(clock)
}
