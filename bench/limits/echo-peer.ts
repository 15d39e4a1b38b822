// The other end of the echo: a thread that sends a message whenever one is due, as the generator does in its
// open loop, and says how long they took to come back, counted from when they were due.

import { connect } from 'node:net'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { Histogram } from '../load/histogram.ts'

export interface EchoTask {
  readonly port: number
  readonly perSecond: number
  readonly seconds: number
  readonly warmupSeconds: number
}

export interface EchoTimes {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** About what a record of 100 bytes needs. */
const message = Buffer.alloc(200, 'x')
const { port, perSecond, seconds, warmupSeconds } = workerData as EchoTask
const times = new Histogram()
const due: number[] = []
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

let rest = 0
let warmMs = Infinity
const socket = connect({ port, host: '127.0.0.1', noDelay: true })
socket.on('data', chunk => {
  rest += chunk.length
  for (; rest >= message.length; rest -= message.length) {
    const dueMs = due.shift() ?? NaN
    if (dueMs >= warmMs) times.record(nowMs() - dueMs)
  }
})
socket.on('connect', () => {
  const ticker = new Worker(new URL('../load/ticker-entry.ts', import.meta.url), { workerData: { perSecond } })
  let startMs = NaN
  let sent = 0
  ticker.on('message', (beganMs: number | null) => {
    if (beganMs !== null) {
      startMs = beganMs
      warmMs = beganMs + warmupSeconds * 1000
    }
    const passedMs = nowMs() - startMs
    for (let dueMs = 0; (dueMs = sent / perSecond * 1000) <= passedMs; sent++) {
      due.push(startMs + dueMs)
      socket.write(message)
    }
    if (passedMs < (warmupSeconds + seconds) * 1000) return
    ticker.terminate()
    const answer: EchoTimes = { p50Ms: times.quantileMs(0.5), p99Ms: times.quantileMs(0.99) }
    parentPort?.postMessage(answer)
  })
})
