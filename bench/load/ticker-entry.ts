// Says when requests of an open loop are due: first the time at which the schedule began, then a message at
// every tick, when the next of them is. A thread of its own that sleeps to within some 50 us; the timers of
// an event loop are a millisecond late, which is more than many an answer takes.
import { parentPort, workerData } from 'node:worker_threads'

/** Requests that fall due within it are said at once. */
const shortestMs = 0.25

const { perSecond } = workerData as { perSecond: number }
const everyMs = Math.max(1000 / perSecond, shortestMs)
const never = new Int32Array(new SharedArrayBuffer(4))
const startedMs = performance.now()
// On the clock that all threads share: performance.now() begins anew in each.
parentPort?.postMessage(Number(process.hrtime.bigint()) / 1e6)

for (let tick = 1; ; tick++) {
  const leftMs = startedMs + tick * everyMs - performance.now()
  if (leftMs > 0) Atomics.wait(never, 0, 0, leftMs)
  parentPort?.postMessage(null)
}
