// The other end of the echo: a thread that sends a message whenever one is due, as the generator does in its
// open loop, and says how long they took to come back, counted from when they were due.

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { Histogram } from '../load/histogram.ts'
import { startSchedule } from '../load/schedule.ts'

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
const waiting: number[] = [] // when those under way were due

let rest = 0
const socket = connect({ port, host: '127.0.0.1', noDelay: true })
socket.on('data', chunk => {
  rest += chunk.length
  for (; rest >= message.length; rest -= message.length) times.record(performance.now() - waiting.shift()!)
})
socket.on('connect', async () => {
  const end = startSchedule(perSecond, [{
    due (dueMs) {
      waiting.push(dueMs)
      socket.write(message)
    }
  }])
  await sleep(warmupSeconds * 1000)
  times.reset()
  await sleep(seconds * 1000)
  end()
  const answer: EchoTimes = { p50Ms: times.quantileMs(0.5), p99Ms: times.quantileMs(0.99) }
  parentPort?.postMessage(answer)
})
