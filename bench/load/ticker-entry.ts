// Says when requests of an open loop are due: first the time at which the schedule began, then a message at
// every tick, when the next of them is. A thread of its own that sleeps to within some 50 us; the timers of
// an event loop are a millisecond late, which is more than many an answer takes.
//
// With `pauseMs` it also says, as [from, to], when it was late by more than that: a thread that goes before
// all others and does nearly nothing is late when the machine stood still.
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'

/** Requests that fall due within it are said at once. */
const shortestMs = 0.25

const { perSecond, pauseMs } = workerData as { perSecond: number, pauseMs: number }
const everyMs = Math.max(1000 / perSecond, shortestMs)
const never = new Int32Array(new SharedArrayBuffer(4))
const startedMs = performance.now()
// On the clock that all threads share: performance.now() begins anew in each.
const clockMs = Number(process.hrtime.bigint()) / 1e6 - startedMs
parentPort?.postMessage(clockMs + startedMs)
if (pauseMs < Infinity) goFirst()

for (let tick = 1; ; tick++) {
  const leftMs = startedMs + tick * everyMs - performance.now()
  if (leftMs > 0) Atomics.wait(never, 0, 0, leftMs)
  const dueMs = startedMs + tick * everyMs
  const nowMs = performance.now()
  if (nowMs - dueMs > pauseMs) parentPort?.postMessage([clockMs + dueMs, clockMs + nowMs])
  parentPort?.postMessage(null)
}

/** Of this thread alone, where a system knows that; it may refuse. */
function goFirst (): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(-20)
  } catch {}
}
