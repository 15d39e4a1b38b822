// A connection that reads into one buffer, again and again, so that reading costs the generator little.
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

const readBytes = 262_144

/** The chunk that `data` is given is valid only while it runs. */
export async function connected (
  { host, port }: { readonly host: string, readonly port: number }, data: (chunk: Buffer) => void
): Promise<Socket> {
  const buffer = Buffer.allocUnsafeSlow(readBytes)
  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer,
      callback (bytes) {
        data(buffer.subarray(0, bytes))
        return true
      }
    }
  })
  await once(socket, 'connect')
  return socket
}
