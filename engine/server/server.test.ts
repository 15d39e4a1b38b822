import { afterEach, describe, expect, it } from 'vitest'
import { AssertionError } from '../base/assert.ts'
import { noAnswer, CloseConnection, serve } from '../apis/context.ts'
import { errorCodes } from '../protocol/errors.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { type Piece } from '../threads/pieces.ts'
import { fetchAnswer, frameOf, RawClient, startTestServer, type TestServer } from './server.testing.ts'

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

const names = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
const produceAnswer = { responses: [], throttleTimeMs: 0, nodeEndpoints: [] }

/** Produce handlers that are answered when the test says so. */
function producesByHand () {
  const waiting: (() => void)[] = []
  const seen: number[] = []
  const served = serve(Produce, (request, { log }) => {
    seen.push(request.timeoutMs)
    const records = request.topicData[0]?.partitionData[0]?.records ?? null
    if (records !== null && records.length > 0) expect(log.arena.holds(records)).toBe(true)
    return new Promise(resolve => { waiting.push(() => resolve(produceAnswer)) })
  }, { listedFrom: 0 })
  return { served, waiting, seen }
}

function produceFrame (correlationId: number, bytes: number, timeoutMs = correlationId): Buffer {
  return frameOf(Produce, 9, correlationId, {
    acks: 1,
    timeoutMs,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(bytes, correlationId & 255) }] }]
  })
}

const soon = () => new Promise(resolve => setImmediate(resolve))

describe('server', () => {
  it('answers ApiVersions in every version', async () => {
    await start()
    const one = await client()
    for (let version = 0; version <= 5; version++) {
      one.send(frameOf(ApiVersions, version, version + 7, names))
      const { correlationId, value } = await one.answer(ApiVersions, version)
      expect(correlationId).toBe(version + 7)
      expect(value.errorCode).toBe(errorCodes.NONE)
      expect(value.apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 5 }])
    }
  })

  it('checks cluster and node of ApiVersions v5', async () => {
    await start()
    const one = await client()
    const ask = async (fields: object) => {
      one.send(frameOf(ApiVersions, 5, 1, { ...names, ...fields }))
      return (await one.answer(ApiVersions, 5)).value.errorCode
    }
    expect(await ask({ clusterId: 'the-cluster', nodeId: 1 })).toBe(errorCodes.NONE)
    expect(await ask({ clusterId: 'another' })).toBe(errorCodes.INVALID_REQUEST)
    expect(await ask({ nodeId: 7 })).toBe(errorCodes.REBOOTSTRAP_REQUIRED)
    expect(await ask({ clientSoftwareName: '-x' })).toBe(errorCodes.INVALID_REQUEST)
  })

  it('N1 closes for sizes that cannot be, before it takes memory for them', async () => {
    const { lines } = await start({ overrides: { 'socket.request.max.bytes': '1000000' } })
    const before = process.memoryUsage().rss
    for (const size of [-1, 0, 7, -2147483648, 2147483647, 1_000_001]) {
      const one = await client()
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(size)
      one.send(bytes)
      await one.untilClosed()
    }
    expect(lines.filter(line => line.includes('connection closed'))).toHaveLength(6)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  it('N1 says in plain words who knocks', async () => {
    const { lines } = await start()
    const hello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', hello, 'SSH-2.0-x\r\n', 'PROXY TCP4']) {
      const one = await client()
      one.send(Buffer.from(bytes))
      await one.untilClosed()
    }
    const text = lines.join('\n')
    for (const word of ['HTTP', 'TLS', 'SSH', 'PROXY']) expect(text).toContain(word)
  })

  it('N3 takes memory for what has arrived, not for what was announced', async () => {
    const { arena } = await start({ served: [producesByHand().served] })
    const before = process.memoryUsage()
    const drips = await Promise.all(Array.from({ length: 200 }, async () => await client()))
    for (const one of drips) {
      const head = Buffer.alloc(40)
      head.writeInt32BE(100_000_000)
      one.send(head)
    }
    for (let round = 0; round < 3; round++) {
      for (const one of drips) one.send(Buffer.from([0]))
      await soon()
    }
    const probe = await client()
    probe.send(frameOf(ApiVersions, 0, 1))
    await probe.answer(ApiVersions, 0)
    expect(arena.usedBytes).toBeLessThan(4_000_000)
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(150_000_000)
  })

  it('N4 closes for unknown APIs and versions, but not for an unknown version of ApiVersions', async () => {
    await start({ served: [serve(Heartbeat, () => ({ throttleTimeMs: 0, errorCode: 0 }))] })
    for (const [key, version] of [[999, 0], [-1, 0], [12, 5], [12, -1], [4, 0]]) {
      const one = await client()
      const head = Buffer.alloc(50)
      head.writeInt32BE(46)
      head.writeInt16BE(key, 4)
      head.writeInt16BE(version, 6)
      one.send(head)
      await one.untilClosed()
    }
    const one = await client()
    for (const version of [6, 99, 32767, -1]) {
      const frame = frameOf(ApiVersions, 3, 5, names)
      frame.writeInt16BE(version, 6)
      one.send(frame)
      const { value } = await one.answer(ApiVersions, 0)
      expect(value.errorCode).toBe(errorCodes.UNSUPPORTED_VERSION)
      expect(value.apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 5 }])
    }
    one.send(frameOf(ApiVersions, 3, 5, names))
    expect((await one.answer(ApiVersions, 3)).value.errorCode).toBe(errorCodes.NONE)
  })

  it('N5 closes with one line when lengths and counts within a frame lie', async () => {
    const { lines, server } = await start({
      served: [serve(Heartbeat, () => ({ throttleTimeMs: 0, errorCode: 0 })), producesByHand().served]
    })
    const heartbeat = frameOf(Heartbeat, 4, 1, { groupId: 'g', memberId: 'm' })
    const short = Buffer.from(heartbeat.subarray(0, heartbeat.length - 4))
    short.writeInt32BE(short.length - 4)
    const text = Buffer.from(heartbeat)
    text[4 + 10 + 4 + 1] = 0x7f
    const many = Buffer.alloc(60)
    many.writeInt32BE(56)
    many.writeInt16BE(3, 6) // Produce 3
    many.writeInt16BE(-1, 12)
    many.writeInt16BE(-1, 14)
    many.writeInt32BE(0x7fffffff, 22)
    for (const bytes of [short, text, many]) {
      const one = await client()
      one.send(bytes)
      await one.untilClosed()
    }
    expect(lines.filter(line => line.includes('connection closed'))).toHaveLength(3)
    expect(server.connections).toBe(0)
  })

  it('takes a frame in two parts, cut at every byte, behind another and before another', async () => {
    const byHand = producesByHand()
    await start({ served: [byHand.served] })
    const first = frameOf(ApiVersions, 3, 1, names)
    const second = produceFrame(2, 40)
    const third = frameOf(ApiVersions, 3, 3, names)
    const whole = Buffer.concat([first, second, third])
    for (let cut = 1; cut < whole.length; cut++) {
      const one = await client()
      one.send(whole.subarray(0, cut))
      await soon()
      one.send(whole.subarray(cut))
      expect((await one.answer(ApiVersions, 3)).correlationId).toBe(1)
      while (byHand.waiting.length === 0) await soon()
      byHand.waiting.shift()!()
      expect((await one.answer(Produce, 9)).correlationId).toBe(2)
      expect((await one.answer(ApiVersions, 3)).correlationId).toBe(3)
      one.end()
    }
  })

  it('takes bytes one by one', async () => {
    const byHand = producesByHand()
    await start({ served: [byHand.served] })
    const one = await client()
    for (const byte of Buffer.concat([frameOf(ApiVersions, 3, 1, names), produceFrame(2, 10)])) {
      one.send(Buffer.from([byte]))
      await soon()
    }
    expect((await one.answer(ApiVersions, 3)).correlationId).toBe(1)
    while (byHand.waiting.length === 0) await soon()
    byHand.waiting.shift()!()
    expect((await one.answer(Produce, 9)).correlationId).toBe(2)
  })

  it('lets a large Produce frame grow in cells of its own', async () => {
    const byHand = producesByHand()
    await start({ served: [byHand.served] })
    const one = await client()
    one.send(produceFrame(5, 3_000_000))
    while (byHand.waiting.length === 0) await soon()
    byHand.waiting.shift()!()
    expect((await one.answer(Produce, 9)).correlationId).toBe(5)
  })

  it('lets Produce follow Produce, up to the bounds, and answers in order', async () => {
    const byHand = producesByHand()
    await start({ served: [byHand.served], overrides: { 'millrace.produce.requests.max': '4' } })
    const one = await client()
    for (let n = 1; n <= 6; n++) one.send(produceFrame(n, 100))
    one.send(frameOf(ApiVersions, 0, 7))
    while (byHand.seen.length < 4) await soon()
    await soon()
    expect(byHand.seen).toEqual([1, 2, 3, 4])
    const [a, b, c, d] = byHand.waiting.splice(0)
    d()
    c()
    b()
    await soon()
    expect(one.receivedBytes).toBe(0)
    a()
    for (let n = 1; n <= 4; n++) expect((await one.answer(Produce, 9)).correlationId).toBe(n)
    expect(byHand.seen).toEqual([1, 2, 3, 4, 5, 6])
    for (const answer of byHand.waiting.splice(0)) answer()
    expect((await one.answer(Produce, 9)).correlationId).toBe(5)
    expect((await one.answer(Produce, 9)).correlationId).toBe(6)
    expect((await one.answer(ApiVersions, 0)).correlationId).toBe(7)
  })

  it('begins nothing behind another request until it is answered', async () => {
    const waiting: (() => void)[] = []
    const byHand = producesByHand()
    const heartbeat = serve(Heartbeat, () => new Promise(resolve => {
      waiting.push(() => resolve({ throttleTimeMs: 0, errorCode: 0 }))
    }))
    await start({ served: [byHand.served, heartbeat] })
    const one = await client()
    one.send(frameOf(Heartbeat, 3, 1), produceFrame(2, 10), frameOf(Heartbeat, 3, 3))
    while (waiting.length === 0) await soon()
    await soon()
    expect(byHand.seen).toEqual([])
    waiting.shift()!()
    expect((await one.answer(Heartbeat, 3)).correlationId).toBe(1)
    while (byHand.waiting.length === 0) await soon()
    expect(waiting).toEqual([])
    byHand.waiting.shift()!()
    expect((await one.answer(Produce, 9)).correlationId).toBe(2)
    while (waiting.length === 0) await soon()
    waiting.shift()!()
    expect((await one.answer(Heartbeat, 3)).correlationId).toBe(3)
  })

  it('stamps each request with the times of its stages', async () => {
    const waiting: (() => void)[] = []
    const file: Piece = {
      kind: 'file',
      length: 3_000_000,
      read: (_, length, done) => { setImmediate(() => done({ kind: 'bytes', bytes: Buffer.alloc(length) })) },
      release () {}
    }
    const slow = serve(Fetch, () => new Promise(resolve => {
      waiting.push(() => resolve(fetchAnswer([file], 3_000_000)))
    }))
    const quiet = serve(Heartbeat, () => noAnswer)
    const { done } = await start({ served: [slow, quiet] })
    const one = await client()
    one.socket.pause()
    one.send(frameOf(ApiVersions, 0, 1), frameOf(Fetch, 11, 2))
    one.send(frameOf(Heartbeat, 3, 3), frameOf(ApiVersions, 0, 4))
    while (waiting.length === 0 || done.length < 1) await soon()
    waiting[0]()
    one.socket.resume()
    await one.answer(ApiVersions, 0)
    await one.answer(Fetch, 11)
    await one.answer(ApiVersions, 0)
    while (done.length < 4) await soon()
    // What wants no answer is done when it is, even before what leaves slowly.
    expect(done.map(({ correlationId }) => correlationId).sort()).toEqual([1, 2, 3, 4])
    for (const { receivedMs, startedMs, waitsMs, answeredMs, sentMs, answer } of done) {
      const times = [receivedMs, startedMs, waitsMs, answeredMs, sentMs]
      expect(times.every(time => time > 0)).toBe(true)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(answer).toBe(null)
    }
    const [first, second, , last] = [1, 2, 3, 4].map(id => done.find(one => one.correlationId === id)!)
    expect(last.startedMs).toBeGreaterThanOrEqual(second.answeredMs)
    expect(first.endsAt).toBeLessThan(last.endsAt)
  })

  it('tells of a quota in the answer, and rests before it begins anything else', async () => {
    const greedy = serve(Heartbeat, (_, context) => {
      Object.assign(context, { throttleMs: 70 })
      return { throttleTimeMs: 0, errorCode: 0 }
    })
    const { done } = await start({ served: [greedy] })
    const one = await client()
    one.send(frameOf(Heartbeat, 3, 1), frameOf(ApiVersions, 0, 2))
    expect((await one.answer(Heartbeat, 3)).value.throttleTimeMs).toBe(70)
    await one.answer(ApiVersions, 0)
    while (done.length < 2) await soon()
    expect(done[1].startedMs - done[0].answeredMs).toBeGreaterThanOrEqual(70)
  })

  it('N9 answers 10,000 requests of one burst in order', async () => {
    await start()
    const one = await client()
    const frames = Array.from({ length: 10_000 }, (_, n) => frameOf(ApiVersions, 0, n))
    one.send(...frames)
    for (let n = 0; n < 10_000; n++) expect((await one.answer(ApiVersions, 0)).correlationId).toBe(n)
  })

  it('does not answer what wants no answer, and closes when a handler says so', async () => {
    const quiet = serve(Heartbeat, request => {
      if (request.generationId === 9) throw new CloseConnection('nine')
      return request.generationId === 1 ? noAnswer : { throttleTimeMs: 0, errorCode: request.generationId }
    })
    const { lines } = await start({ served: [quiet] })
    const one = await client()
    one.send(frameOf(Heartbeat, 3, 1, { generationId: 1 }), frameOf(Heartbeat, 3, 2, { generationId: 25 }))
    const { correlationId, value } = await one.answer(Heartbeat, 3)
    expect([correlationId, value.errorCode]).toEqual([2, 25])
    one.send(frameOf(Heartbeat, 3, 3, { generationId: 9 }))
    await one.untilClosed()
    expect(lines.join('\n')).toContain('nine')
  })

  it('tells the broker when an assertion of ours fails, and closes for other errors too', async () => {
    const wrong = serve(Heartbeat, request => {
      if (request.generationId === 1) throw new AssertionError('two and two')
      throw new TypeError('undefined is no function')
    })
    const { broken, lines } = await start({ served: [wrong] })
    for (const generationId of [2, 1]) {
      const one = await client()
      one.send(frameOf(Heartbeat, 3, 1, { generationId }))
      await one.untilClosed()
    }
    expect(broken.map(error => error.message)).toEqual(['two and two'])
    expect(lines.join('\n')).toContain('undefined is no function')
  })
})
