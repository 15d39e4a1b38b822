// One contract, two networks: bytes arrive whole and in order, memory is given back, ends are told once.

import { describe, expect, test } from 'vitest'
import { type Connection, type ConnectionEvents, type Network } from './network.ts'
import { FakeNetwork } from './network-fake.ts'
import { realNetwork } from './network-real.ts'
import { SeededRandom } from './random-seeded.ts'

/** Lets the network work until `ready`, for as long as it takes (the test's own limit ends it). */
type Until = (ready: () => boolean) => Promise<void>

interface Kit { network: Network, until: Until }

function realKit (): Kit {
  return {
    network: realNetwork,
    async until (ready) { while (!ready()) await new Promise((resolve) => setImmediate(resolve)) }
  }
}

function fakeKit (): Kit {
  const network = new FakeNetwork(new SeededRandom(7))
  return {
    network,
    async until (ready) {
      while (!ready()) {
        await Promise.resolve()
        network.step()
      }
    }
  }
}

class Side implements ConnectionEvents {
  received: Buffer[] = []
  drains = 0
  endings: (Error | null)[] = []
  connection: Connection
  constructor (connection: Connection) {
    this.connection = connection
    connection.start(this)
  }

  data (chunk: Buffer): void { this.received.push(Buffer.from(chunk)) }
  drained (): void { this.drains++ }
  closed (reason: Error | null): void { this.endings.push(reason) }
  get bytes (): Buffer { return Buffer.concat(this.received) }
}

interface Pair { client: Side, server: Side, stop: () => Promise<void> }

async function pair ({ network, until }: Kit): Promise<Pair> {
  let server: Side | undefined
  const listening = await network.listen({ host: '127.0.0.1', port: 0, backlog: 5 }, (connection) => {
    server = new Side(connection)
  })
  const address = { host: '127.0.0.1', port: listening.port, timeoutMs: 5000 }
  const client = new Side(await network.connect(address))
  await until(() => server !== undefined)
  return { client, server: server!, stop: () => listening.close() }
}

describe.each([['real', realKit], ['fake', fakeKit]])('the %s network', (_, makeKit) => {
  test('carries slices in order, also from shared memory, and gives the memory back', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    const shared = Buffer.from(new SharedArrayBuffer(300_000)).fill('s')
    const order: string[] = []
    client.connection.write([Buffer.from('a'), shared, Buffer.from('b')], () => order.push('first'))
    client.connection.write([Buffer.from('c')], () => order.push('second'))
    client.connection.write([], () => order.push('none'))
    expect(client.connection.pendingBytes).toBe(300_003)
    await kit.until(() => server.bytes.length === 300_003 && order.length === 3)
    expect(Buffer.compare(server.bytes, Buffer.concat([Buffer.from('a'), shared, Buffer.from('bc')]))).toBe(0)
    expect(order.filter((name) => name !== 'none')).toEqual(['first', 'second'])
    expect(client.connection.pendingBytes).toBe(0)
    expect(client.drains).toBeGreaterThan(0)
    expect(client.connection.remotePort).toBe(server.connection.localPort)
    expect(server.connection.remoteAddress).toBe('127.0.0.1')
    client.connection.end()
    await kit.until(() => server.endings.length === 1 && client.endings.length === 1)
    await stop()
  })

  test('ends after what was written, once, without a reason', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    server.connection.write([Buffer.alloc(500_000, 1)])
    server.connection.end()
    let late = 0
    server.connection.write([Buffer.from('too late')], () => late++)
    await kit.until(() => client.endings.length === 1 && server.endings.length === 1 && late === 1)
    expect(client.bytes.length).toBe(500_000)
    expect(client.endings).toEqual([null])
    expect(server.endings).toEqual([null])
    await stop()
  })

  test('gives memory back also when the other side goes away without reading', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    client.connection.pause()
    let returned = 0
    for (let n = 0; n < 20; n++) server.connection.write([Buffer.alloc(1_000_000)], () => returned++)
    client.connection.destroy()
    await kit.until(() => server.endings.length === 1 && returned === 20)
    await kit.until(() => client.endings.length === 1)
    await stop()
  })

  test('sends at once what the system takes, and the rest in its order', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    client.connection.pause()
    const sent = Buffer.alloc(100_000_000, 'abcdefg')
    let at = 0
    for (let slices = 1; at < sent.length; slices++) {
      const parts = Array.from({ length: slices % 3 + 1 }, (_, n) =>
        sent.subarray(at + n * 100_003, at + (n + 1) * 100_003))
      const bytes = parts.reduce((total, { length }) => total + length, 0)
      const left = server.connection.writeNow(parts)
      expect(server.connection.pendingBytes).toBe(0)
      at += left
      if (left < bytes) break
    }
    expect(at).toBeLessThan(sent.length)
    client.connection.write([Buffer.from('a')])
    expect(client.connection.writeNow([Buffer.from('b')])).toBe(0)
    let written = 0
    server.connection.write([sent.subarray(at)], () => written++)
    // While something is pending nothing may overtake it.
    expect(server.connection.writeNow([Buffer.from('no')])).toBe(0)
    client.connection.resume()
    await kit.until(() => written === 1)
    expect(server.connection.pendingBytes).toBe(0)
    server.connection.end()
    expect(server.connection.writeNow([Buffer.from('late')])).toBe(0)
    await kit.until(() => server.endings.length === 1 && client.endings.length === 1)
    expect(client.bytes.equals(sent)).toBe(true)
    await stop()
  })

  test('takes nothing at once for who has gone', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    client.connection.destroy()
    await kit.until(() => server.endings.length === 1)
    expect(server.connection.writeNow([Buffer.from('a')])).toBe(0)
    await stop()
  })

  test('holds data back while paused', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    server.connection.pause()
    client.connection.write([Buffer.from('one')])
    let rounds = 0
    await kit.until(() => rounds++ > 50)
    expect(server.bytes.length).toBe(0)
    server.connection.resume()
    await kit.until(() => server.bytes.toString() === 'one')
    client.connection.destroy()
    await kit.until(() => server.endings.length === 1)
    await stop()
  })

  test('names host and port of what cannot be had', async () => {
    const { network } = makeKit()
    const first = await network.listen({ host: '127.0.0.1', port: 0, backlog: 5 }, () => {})
    const port = first.port
    await expect(network.listen({ host: '127.0.0.1', port, backlog: 5 }, () => {})).rejects
      .toThrow(`127.0.0.1:${port}: EADDRINUSE`)
    await first.close()
    await expect(network.connect({ host: '127.0.0.1', port, timeoutMs: 5000 })).rejects
      .toThrow(`127.0.0.1:${port}: ECONNREFUSED`)
  })

  test('closing the listener leaves its connections alone', async () => {
    const kit = makeKit()
    const { client, server, stop } = await pair(kit)
    await stop()
    client.connection.write([Buffer.from('still here')])
    await kit.until(() => server.bytes.toString() === 'still here')
    server.connection.destroy()
    await kit.until(() => client.endings.length === 1)
  })
})

describe('the fake network', () => {
  async function trace (seed: number): Promise<string> {
    const network = new FakeNetwork(new SeededRandom(seed))
    const sizes: number[] = []
    const { port } = await network.listen({ host: 'a', port: 0 }, (connection) => {
      const side = new Side(connection)
      side.data = (chunk) => {
        sizes.push(chunk.length)
        connection.write([Buffer.from(chunk)])
      }
    })
    for (let n = 0; n < 3; n++) {
      const client = new Side(await network.connect({ host: 'a', port }))
      client.connection.write([Buffer.alloc(50_000, n)])
    }
    network.pump()
    return sizes.join()
  }

  test('replays a seed and differs between seeds', async () => {
    expect(await trace(1)).toBe(await trace(1))
    expect(await trace(1)).not.toBe(await trace(2))
  })

  test('after a crash the machine hears nothing, its clients of a reset', async () => {
    const kit = fakeKit()
    const { client, server } = await pair(kit)
    client.connection.write([Buffer.from('lost')]);
    (kit.network as FakeNetwork).crash()
    await kit.until(() => client.endings.length === 1)
    expect(client.endings[0]).toBeInstanceOf(Error)
    expect(server.endings).toEqual([])
    expect(server.bytes.length).toBe(0)
  })
})
