// How soon a small message comes back at a given rate when the other end only sends back what it gets: what
// the machine's wake-ups cost an open loop, whatever a broker does in between. A record from end to end goes
// the same way there and back, and through a broker's threads besides.

import { Worker } from 'node:worker_threads'
import { type Connection } from '../../engine/base/network.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import type { EchoTask, EchoTimes } from './echo-peer.ts' // of the types alone: importing the file would run it

export interface EchoOptions {
  readonly seconds: number
  readonly warmupSeconds: number
}

function echo (connection: Connection): void {
  connection.start({
    // The chunk is only lent.
    data: chunk => connection.write([Buffer.from(chunk)]),
    drained () {},
    closed () {}
  })
}

export async function measureEcho (perSecond: number, options: EchoOptions): Promise<EchoTimes> {
  const listening = await realNetwork.listen({ host: '127.0.0.1', port: 0, backlog: 5 }, echo)
  const workerData: EchoTask = { port: listening.port, perSecond, ...options }
  const peer = new Worker(new URL('./echo-peer.ts', import.meta.url), { workerData })
  try {
    return await new Promise<EchoTimes>((resolve, reject) => {
      peer.once('message', resolve)
      peer.once('error', reject)
    })
  } finally {
    await peer.terminate()
    await listening.close()
  }
}
