// What it costs to ask another thread and hear back: by the rings of the log workers, and by messages.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Doorbell, Wake } from '../../engine/threads/doorbell.ts'
import { ringMemory, RingReader, RingWriter } from '../../engine/threads/ring.ts'
import { type BenchTask, type Suite } from '../suite.ts'

/** What the other thread is given. */
export interface HopSetup {
  readonly requests: SharedArrayBuffer
  readonly replies: SharedArrayBuffer
  readonly doorbell: SharedArrayBuffer
  readonly wake: SharedArrayBuffer
}

class RingHop {
  readonly worker: Worker
  readonly #requests: RingWriter
  readonly #replies: RingReader
  readonly #doorbell = new Doorbell()
  readonly #wake = new Wake()
  #waiting = 0
  #answered: (() => void) | null = null

  constructor () {
    const requests = ringMemory()
    const replies = ringMemory()
    const { memory: doorbell } = this.#doorbell
    const { memory: wake } = this.#wake
    const workerData: HopSetup = { requests, replies, doorbell, wake }
    this.#requests = new RingWriter(requests)
    this.#replies = new RingReader(replies)
    this.worker = new Worker(new URL('./thread-hop-entry.ts', import.meta.url), { workerData })
    this.worker.on('message', () => this.#drain())
  }

  /** Sends so many records and resolves when all are answered. */
  ask (count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#requests.words[this.#requests.next()] = index
      this.#requests.publish()
    }
    this.#doorbell.ring()
    this.#waiting = count
    return new Promise((resolve) => { this.#answered = resolve })
  }

  #drain (): void {
    this.#wake.taken()
    while (this.#replies.filled()) {
      this.#replies.advance()
      this.#waiting--
    }
    this.#replies.commit()
    if (this.#waiting === 0) this.#answered?.()
  }
}

class MessageHop {
  readonly worker = new Worker(`
    const { parentPort } = require('node:worker_threads')
    parentPort.on('message', (value) => parentPort.postMessage(value))
  `, { eval: true })

  #waiting = 0
  #answered: (() => void) | null = null

  constructor () {
    this.worker.on('message', () => { if (--this.#waiting === 0) this.#answered?.() })
  }

  ask (count: number): Promise<void> {
    this.#waiting = count
    for (let index = 0; index < count; index++) this.worker.postMessage(index)
    return new Promise((resolve) => { this.#answered = resolve })
  }
}

function hopTask (name: string, hop: RingHop | MessageHop, count: number): BenchTask {
  const handles = { count, unit: 'message' } as const
  return { name: `${name}, ${count} at once`, run: () => hop.ask(count), async: true, handles }
}

export async function suite (): Promise<Suite> {
  const ring = new RingHop()
  const message = new MessageHop()
  await Promise.all([once(ring.worker, 'online'), once(message.worker, 'online')])
  return {
    tasks: [1, 16, 256].flatMap((count) => [
      hopTask('ring, doorbell and wake', ring, count),
      hopTask('messages', message, count)
    ]),
    async close () {
      await Promise.all([ring.worker.terminate(), message.worker.terminate()])
    }
  }
}
