// An open loop: requests leave when they are due, whatever became of those before.
import { Worker } from 'node:worker_threads'
import { type LoadProducer } from './producer.ts'

/** So many requests a second from now on, the connections in turn. Returns what ends it. */
export function startSchedule (perSecond: number, producers: readonly LoadProducer[]): () => void {
  let startMs = NaN
  let sent = 0
  let turn = 0
  const ticker = new Worker(new URL('./ticker-entry.ts', import.meta.url), { workerData: { perSecond } })
  // Everything that has fallen due since the last tick, each with the time at which it should have left. The
  // schedule is the ticker's: on another it would be late by what the two are apart.
  ticker.on('message', (beganMs: number | null) => {
    if (beganMs !== null) startMs = beganMs - Number(process.hrtime.bigint()) / 1e6 + performance.now()
    const passed = performance.now() - startMs
    for (let dueMs = sent / perSecond * 1000; dueMs <= passed; dueMs = ++sent / perSecond * 1000) {
      producers[turn].due(startMs + dueMs, 1)
      turn = (turn + 1) % producers.length
    }
  })
  return () => { ticker.terminate() }
}
