// Ports on loopback: a free one, and whether somebody listens.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

const retryMs = 2

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Tries once; a refusal is told a little later, so that it can be asked in a loop. */
export function reachable (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => setTimeout(() => resolve(false), retryMs))
  })
}
