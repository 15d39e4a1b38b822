// The other end of the plain loops: a thread that only sends, or only receives, as fast as sockets let it.

import { connect } from 'node:net'
import { workerData } from 'node:worker_threads'

export interface PeerTask {
  readonly task: 'send' | 'receive'
  readonly port: number
  readonly connections: number
}

const chunkBytes = 262_144
const { task, port, connections } = workerData as PeerTask
const chunk = Buffer.alloc(chunkBytes, 'x')

for (let index = 0; index < connections; index++) {
  const socket = connect({
    port,
    host: '127.0.0.1',
    onread: { buffer: Buffer.allocUnsafeSlow(chunkBytes), callback: () => true }
  })
  socket.on('error', () => {})
  if (task === 'receive') continue
  const send = (): void => { while (socket.write(chunk)); }
  socket.on('connect', send)
  socket.on('drain', send)
}
