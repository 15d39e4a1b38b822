// How connections end with the broker: nothing that was answered is lost, and nobody is waited for long.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { type Connection, type Network } from '../base/network.ts'
import { FakeNetwork } from '../base/network-fake.ts'
import { realNetwork } from '../base/network-real.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { serve } from '../apis/context.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { frameOf, RawClient, startTestServer, type TestServer } from './server.testing.ts'

let open: TestServer
let clock: FakeClock
let waiting: (() => void)[]

async function start (network: Network): Promise<void> {
  clock = new FakeClock()
  waiting = []
  const answer = { responses: [], throttleTimeMs: 0, nodeEndpoints: [] }
  const served = serve(Produce, () => new Promise(resolve => { waiting.push(() => resolve(answer)) }))
  open = await startTestServer({ served: [served], clock, network })
}

/** What a broker does that closes; tells when it is done. */
async function close (): Promise<{ done: boolean }> {
  const state = { done: false }
  await open.server.drain(1000)
  open.server.closeConnections(true).then(() => { state.done = true })
  return state
}

const turn = () => new Promise(resolve => setImmediate(resolve))

afterEach(async () => {
  await open.close()
})

describe('a server that ends', () => {
  it('gives all answers to a client that has hundreds of requests on their way and reads late', async () => {
    await start(realNetwork)
    const records = Buffer.alloc(100_000, 'x')
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const client = await RawClient.connect(open.port)
    client.socket.pause()
    for (let n = 0; n < 500; n++) client.send(frameOf(Produce, 9, n, { acks: 1, timeoutMs: 1000, topicData }))
    while (waiting.length < 32) await turn()
    for (const answer of waiting) answer()
    const state = await close()
    while (client.socket.writableLength > 0 && !client.closed) await turn()
    client.socket.resume()
    let answers = 0
    for (let frame = await client.frame(); frame !== null; frame = await client.frame()) {
      expect(frame.readInt32BE(0)).toBe(answers++)
    }
    expect(answers).toBe(waiting.length)
    while (!state.done) await turn()
  })

  describe('with clients who', () => {
    let network: FakeNetwork
    const more = [Buffer.from('more')]

    /** One that does not read does not notice that the server ends, as long as it likes. */
    async function client (reads: boolean): Promise<Connection> {
      const one = await network.connect({ host: '127.0.0.1', port: open.port })
      one.start({ data () {}, drained () {}, closed () {} })
      if (!reads) one.pause()
      network.pump()
      return one
    }

    async function left (): Promise<number> {
      network.pump()
      await turn()
      return open.server.connections
    }

    beforeEach(async () => {
      network = new FakeNetwork(new SeededRandom(1))
      await start(network)
    })

    afterEach(() => { network.pump() })

    it('end when it does: no time passes', async () => {
      for (let n = 0; n < 10; n++) await client(true)
      const state = await close()
      expect(await left()).toBe(0)
      expect(state.done).toBe(true)
    })

    it('do not: it waits a moment, and longer for who goes on sending, until that one is silent', async () => {
      await client(false)
      const busy = await client(false)
      const state = await close()
      expect(await left()).toBe(2)
      busy.write(more)
      network.pump()
      clock.advance(99)
      expect(await left()).toBe(2)
      clock.advance(1)
      expect(await left()).toBe(1)
      busy.write(more)
      network.pump()
      clock.advance(999)
      expect(await left()).toBe(1)
      clock.advance(1)
      expect(await left()).toBe(0)
      expect(state.done).toBe(true)
    })

    it('never stop sending: it waits no longer than for an answer that nobody reads', async () => {
      const endless = await client(false)
      const state = await close()
      for (let ms = 0; ms < 5000; ms += 500) {
        expect(await left()).toBe(1)
        endless.write(more)
        network.pump()
        clock.advance(500)
      }
      expect(await left()).toBe(0)
      expect(state.done).toBe(true)
    })

    it('do not read their answer: it ends them as soon as it has waited for that', async () => {
      const deaf = await client(false)
      // Some of them the system takes: all others wait behind the first that it does not take whole.
      for (let n = 0; n < 10; n++) {
        deaf.write([frameOf(Produce, 9, n, { acks: 1, timeoutMs: 1000, topicData: [] })])
        network.pump()
        waiting[n]()
        await turn()
      }
      let drained = false
      open.server.drain(1000).then(() => { drained = true })
      await turn()
      expect(drained).toBe(false)
      clock.advance(1000)
      await turn()
      expect(drained).toBe(true)
      open.server.closeConnections(true)
      expect(await left()).toBe(0)
    })
  })
})
