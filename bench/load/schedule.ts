// An open loop: requests leave when they are due, whatever became of those before.
import { Worker } from 'node:worker_threads'

/** Sends a request that was due then, by performance.now(). */
export interface Due {
  due (dueMs: number, requests: number): void
}

export interface Pauses {
  /** Shorter ones are not worth a word. */
  readonly pauseMs: number
  /** The machine stood still from .. to, by performance.now(). */
  paused (fromMs: number, toMs: number): void
}

/** So many requests a second from now on, the connections in turn. Returns what ends it. */
export function startSchedule (
  perSecond: number, producers: readonly Due[], pauses?: Pauses
): () => void {
  let startMs = NaN
  let sent = 0
  let turn = 0
  const workerData = { perSecond, pauseMs: pauses?.pauseMs ?? Infinity }
  const ticker = new Worker(new URL('./ticker-entry.ts', import.meta.url), { workerData })
  /** From the clock that all threads share to this one's. */
  const here = (sharedMs: number): number =>
    sharedMs - Number(process.hrtime.bigint()) / 1e6 + performance.now()
  // Everything that has fallen due since the last tick, each with the time at which it should have left. The
  // schedule is the ticker's: on another it would be late by what the two are apart.
  ticker.on('message', (said: number | readonly [fromMs: number, toMs: number] | null) => {
    if (typeof said === 'number') startMs = here(said)
    else if (said !== null) return pauses?.paused(here(said[0]), here(said[1]))
    const passed = performance.now() - startMs
    for (let dueMs = sent / perSecond * 1000; dueMs <= passed; dueMs = ++sent / perSecond * 1000) {
      producers[turn].due(startMs + dueMs, 1)
      turn = (turn + 1) % producers.length
    }
  })
  return () => { ticker.terminate() }
}
