// The other end of the plain loops: a thread that only sends, only receives, or asks and waits for answers,
// as fast as sockets let it.

import { connect, type Socket } from 'node:net'
import { workerData } from 'node:worker_threads'

export interface PeerTask {
  readonly task: 'send' | 'receive' | 'ask'
  readonly port: number
  readonly connections: number
  /** ask: size of a request and of its answer, and how many are in flight on a connection. */
  readonly requestBytes?: number
  readonly answerBytes?: number
  readonly inFlight?: number
}

const chunkBytes = 262_144
const { task, port, connections, requestBytes = 0, answerBytes = 1, inFlight = 0 } = workerData as PeerTask
const chunk = Buffer.alloc(task === 'ask' ? requestBytes : chunkBytes, 'x')

function open (received: (bytes: number) => void): Socket {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes)
  const callback = (bytes: number): boolean => {
    received(bytes)
    return true
  }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } })
  socket.on('error', () => {})
  return socket
}

function ask (): void {
  let rest = 0
  const send = (count: number): void => {
    socket.cork()
    for (let sent = 0; sent < count; sent++) socket.write(chunk)
    socket.uncork()
  }
  const socket = open((bytes) => {
    rest += bytes
    send(Math.floor(rest / answerBytes))
    rest %= answerBytes
  })
  socket.on('connect', () => send(inFlight))
}

for (let index = 0; index < connections; index++) {
  if (task === 'ask') {
    ask()
    continue
  }
  const socket = open(() => {})
  if (task === 'receive') continue
  const send = (): void => { while (socket.write(chunk)); }
  socket.on('connect', send)
  socket.on('drain', send)
}
