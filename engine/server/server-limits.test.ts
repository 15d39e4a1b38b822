// What a client can cost us: connections, silence, answers that nobody reads, frames that never end.
import { afterEach, describe, expect, it } from 'vitest'
import { serve } from '../apis/context.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { type ArenaPiece, type Piece } from '../threads/pieces.ts'
import { fetchAnswer, frameOf, RawClient, startTestServer, type TestServer } from './server.testing.ts'
import { aheadBytesMax, rangeBytesMax } from './writer.ts'

let open: TestServer | null = null
let clients: RawClient[] = []

async function start (options: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  open = await startTestServer(options)
  return open
}

async function client (): Promise<RawClient> {
  const one = await RawClient.connect(open!.port)
  clients.push(one)
  return one
}

afterEach(async () => {
  for (const one of clients) one.end()
  clients = []
  await open?.close()
  expect(open?.arena.heldCells ?? 0).toBe(0)
  open = null
})

const soon = () => new Promise(resolve => setImmediate(resolve))
const names = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }

/** A file whose ranges are counted while they are held. */
class CountedFile {
  held = 0
  heldMost = 0
  reads = 0
  released = 0
  failAt = Infinity

  piece (length: number): Piece {
    return {
      kind: 'file',
      length,
      read: (offset, count, done, failed) => {
        this.reads++
        expect(count).toBeLessThanOrEqual(rangeBytesMax)
        setImmediate(() => {
          if (offset >= this.failAt) return failed(new Error('the disk is gone'))
          this.held += count
          this.heldMost = Math.max(this.heldMost, this.held)
          const bytes = Buffer.alloc(count)
          for (let at = 0; at < count; at++) bytes[at] = (offset + at) & 255
          const part: ArenaPiece = { kind: 'arena', bytes, release: () => { this.held -= count } }
          done(part)
        })
      },
      release: () => { this.released++ }
    }
  }
}

describe('limits', () => {
  it('N6 sends home who comes over max.connections.per.ip', async () => {
    const overrides = { 'max.connections.per.ip': '1', 'max.connections.per.ip.overrides': '127.0.0.1:3' }
    const { server, lines } = await start({ overrides })
    const good = [await client(), await client(), await client()]
    for (const one of good) {
      one.send(frameOf(ApiVersions, 0, 1))
      await one.answer(ApiVersions, 0)
    }
    const refused = await client()
    await refused.untilClosed()
    expect(server.connections).toBe(3)
    expect(lines.join('\n')).toContain('max.connections.per.ip (3) is reached')
    good[0].end()
    while (server.connections > 2) await soon()
    const late = await client()
    late.send(frameOf(ApiVersions, 0, 1))
    await late.answer(ApiVersions, 0)
  })

  it('N6 lets who comes over max.connections wait, until another leaves', async () => {
    const { server, lines } = await start({ overrides: { 'max.connections': '2' } })
    const [first, second] = [await client(), await client()]
    while (server.connections < 2) await soon()
    const third = await client()
    third.send(frameOf(ApiVersions, 0, 1))
    first.send(frameOf(ApiVersions, 0, 1))
    await first.answer(ApiVersions, 0)
    expect(server.connections).toBe(2)
    expect(third.receivedBytes).toBe(0)
    expect(lines.join('\n')).toContain('max.connections (2)')
    second.end()
    await third.answer(ApiVersions, 0)
    expect(server.connections).toBe(2)
  })

  it('N7 ends connections that say nothing, but not one whose request is in work', async () => {
    let answer: (() => void) | null = null
    const slow = serve(Heartbeat, () => new Promise(resolve => {
      answer = () => resolve({ throttleTimeMs: 0, errorCode: 0 })
    }))
    const { server } = await start({ served: [slow], overrides: { 'connections.max.idle.ms': '80' } })
    const working = await client()
    working.send(frameOf(Heartbeat, 3, 1))
    const silent = await client()
    await silent.untilClosed()
    while (server.connections > 1) await soon()
    expect(working.closed).toBe(false)
    expect(answer).not.toBe(null)
    answer!()
    expect((await working.answer(Heartbeat, 3)).correlationId).toBe(1)
    await working.untilClosed()
  })

  it('N7 lets go of what is on its way when the client has gone', async () => {
    const file = new CountedFile()
    const big = serve(Fetch, () => fetchAnswer([file.piece(30_000_000)], 30_000_000))
    const { server } = await start({ served: [big] })
    const one = await client()
    one.socket.pause()
    one.send(frameOf(Fetch, 11, 1))
    while (file.reads < 2) await soon()
    one.end()
    while (server.connections > 0 || file.held > 0 || file.released < 1) await soon()
    expect(file.released).toBe(1)
  })

  it('N8 reads little ahead for a client that does not read, and nothing more from it', async () => {
    const file = new CountedFile()
    let fetches = 0
    const answerBytes = 5_000_000
    const big = serve(Fetch, () => {
      fetches++
      return fetchAnswer([file.piece(answerBytes)], answerBytes)
    })
    await start({ served: [big] })
    const one = await client()
    one.socket.pause()
    for (let n = 0; n < 20; n++) one.send(frameOf(Fetch, 11, n))
    let reads = -1
    while (reads !== file.reads) {
      reads = file.reads
      for (let turn = 0; turn < 50; turn++) await soon()
    }
    // The system's socket buffers took some answers; beyond them next to nothing was read.
    expect(fetches).toBeLessThan(20)
    expect(file.heldMost).toBeLessThanOrEqual(2 * aheadBytesMax)
    one.socket.resume()
    for (let n = 0; n < 20; n++) {
      const { correlationId, value } = await one.answer(Fetch, 11)
      expect(correlationId).toBe(n)
      const records = value.responses[0].partitions[0].records as Buffer
      expect(records.length).toBe(answerBytes)
      expect(records[answerBytes - 1]).toBe((answerBytes - 1) & 255)
    }
    expect(file.released).toBe(20)
    expect(file.held).toBe(0)
  })

  it('closes when a range can no longer be read', async () => {
    const file = new CountedFile()
    file.failAt = rangeBytesMax
    const big = serve(Fetch, () => fetchAnswer([file.piece(1_000_000)], 1_000_000))
    const { lines } = await start({ served: [big] })
    const one = await client()
    one.send(frameOf(Fetch, 11, 1))
    await one.untilClosed()
    expect(lines.join('\n')).toContain('the disk is gone')
    while (file.released < 1) await soon()
  })

  it('puts pieces of all kinds together in one answer', async () => {
    const file = new CountedFile()
    const leases = { released: 0 }
    const text = (bytes: string): Piece => ({ kind: 'bytes', bytes: Buffer.from(bytes) })
    const leased: Piece = { kind: 'arena', bytes: Buffer.from('leased'), release: () => { leases.released++ } }
    const pieces = () => [text('first '), leased, text(' '), file.piece(300_000), text('last')]
    const bytes = 6 + 6 + 1 + 300_000 + 4
    await start({ served: [serve(Fetch, () => fetchAnswer(pieces(), bytes))] })
    const one = await client()
    one.send(frameOf(Fetch, 11, 1), frameOf(ApiVersions, 3, 2, names))
    const { value } = await one.answer(Fetch, 11)
    const records = value.responses[0].partitions[0].records as Buffer
    expect(records.subarray(0, 13).toString()).toBe('first leased ')
    expect(records.subarray(bytes - 4).toString()).toBe('last')
    expect((await one.answer(ApiVersions, 3)).correlationId).toBe(2)
    while (leases.released < 1 || file.released < 1 || file.held > 0) await soon()
  })

  it('holds producers back when the arena is short, and goes on when there is room', async () => {
    const waiting: (() => void)[] = []
    const slow = serve(Produce, () => new Promise(resolve => {
      waiting.push(() => resolve({ responses: [], throttleTimeMs: 0, nodeEndpoints: [] }))
    }))
    const { arena } = await start({ served: [slow], arenaBytes: 1024 * 1024 })
    const frame = (n: number) => frameOf(Produce, 9, n, {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(200_000) }] }]
    })
    const producers = await Promise.all(Array.from({ length: 12 }, async () => await client()))
    producers.forEach((one, n) => one.send(frame(n)))
    let answered = 0
    const done = Promise.all(producers.map(async one => { await one.answer(Produce, 9); answered++ }))
    while (answered < producers.length) {
      expect(arena.usedBytes).toBeLessThanOrEqual(arena.budgetBytes + 2 * arena.cellBytes)
      waiting.shift()?.()
      await soon()
    }
    await done
  })
})
