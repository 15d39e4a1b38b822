// How a sleeping worker learns that a ring has something for it. Ringing costs a system call only when it
// sleeps.

const awake = 0
const sleeping = 1

export class Doorbell {
  readonly memory: SharedArrayBuffer
  readonly #state: Int32Array

  constructor (memory: SharedArrayBuffer = new SharedArrayBuffer(64)) {
    this.memory = memory
    this.#state = new Int32Array(memory)
  }

  /** After something was published. */
  ring (): void {
    if (Atomics.load(this.#state, 0) === sleeping &&
      Atomics.compareExchange(this.#state, 0, sleeping, awake) === sleeping) Atomics.notify(this.#state, 0)
  }

  /** Sleeps until rung, or so long. `idle` looks once more after the sleep was announced: what was published
   *  before that is seen by it, what is published after it rings. */
  sleep (idle: () => boolean, timeoutMs: number): void {
    Atomics.store(this.#state, 0, sleeping)
    if (idle()) Atomics.wait(this.#state, 0, sleeping, timeoutMs)
    Atomics.store(this.#state, 0, awake)
  }
}

/** The way back: main has an event loop, so a worker posts one message when main does not know yet that
 *  replies wait. */
export class Wake {
  readonly memory: SharedArrayBuffer
  readonly #state: Int32Array

  constructor (memory: SharedArrayBuffer = new SharedArrayBuffer(64)) {
    this.memory = memory
    this.#state = new Int32Array(memory)
  }

  /** True when the caller must post the message. */
  needed (): boolean {
    return Atomics.exchange(this.#state, 0, 1) === 0
  }

  /** Before the ring is drained: what is published from here on posts again. */
  taken (): void {
    Atomics.store(this.#state, 0, 0)
  }
}
