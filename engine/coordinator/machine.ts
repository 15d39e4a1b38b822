// What a state machine of one partition of an internal topic owes the runtime: steps that say what to
// write, what to answer and when to wake it, and do none of it themselves.
//
// A machine's lasting state changes when its records are below the high watermark (`settled(0)`), never
// before: so readers see only what is committed, and an append that fails leaves nothing behind. What a
// machine changes at once is what a restart may forget (who waits for a join, say); `settled(code)` takes
// that back.

/** One record of the internal topic; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** An answer to the request that came with an event, in this step or in an earlier one. */
export interface Reply {
  readonly request: number
  readonly answer: unknown
}

/** Wakes the machine with `event`; a timer of the same key is replaced. A negative delay cancels it. */
export interface TimerChange<E> {
  readonly key: string
  readonly afterMs: number
  readonly event: E | null
}

export interface Step<E> {
  /** Appended together with those of other steps of the same tick, in one batch. */
  readonly records: readonly CoordinatorRecord[]
  /** Sent when the records are committed, at once when there are none. */
  readonly replies: readonly Reply[]
  readonly timers: readonly TimerChange<E>[]
  /** For the operator's log. */
  readonly notes: readonly string[]
  /**
   * Called once when the records are committed (0) or could not be written (the code to answer with).
   * Newest first  when several steps fail together. What it returns is carried out as any step.
   */
  readonly settled: ((errorCode: number, nowMs: number) => Step<E>) | null
}

export interface Machine<E> {
  step (event: E, nowMs: number): Step<E>
  /** A record found while loading, in the order of the log. */
  replay (record: CoordinatorRecord): void
  /** Everything is replayed: sets the timers. */
  loaded (nowMs: number): Step<E>
  /**
   * Must nothing else be under way while the event's records are? So for what deletes: it looks at all
   * there is.
   */
  exclusive (event: E): boolean
}

/** Gathers a step. */
export class Outcome<E> implements Step<E> {
  readonly records: CoordinatorRecord[] = []
  readonly replies: Reply[] = []
  readonly timers: TimerChange<E>[] = []
  readonly notes: string[] = []
  settled: ((errorCode: number, nowMs: number) => Step<E>) | null = null

  reply (request: number, answer: unknown): this {
    this.replies.push({ request, answer })
    return this
  }

  wake (key: string, afterMs: number, event: E): void {
    this.timers.push({ key, afterMs, event })
  }

  cancel (key: string): void {
    this.timers.push({ key, afterMs: -1, event: null })
  }

  note (text: string): void {
    this.notes.push(text)
  }
}

/**
 * A request that ends without its own kind of answer: the partition is not here (any more), or the write
 * failed.
 */
export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError'
  readonly code: number
  constructor (code: number) {
    super(`coordinator error ${code}`)
    this.code = code
  }
}
