// The connection against a broker of paper: what is sent, how answers find their requests, what ends it.
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { type Connection, type ConnectionEvents, type Network } from '../base/network.ts'
import { decodeRequest } from '../protocol/compile.ts'
import { decodeRequestHeader, encodeResponseFrame } from '../protocol/frame.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { apiOfKey } from '../protocol/messages/index.ts'
import { make } from '../protocol/schema.ts'
import { Reader } from '../protocol/wire.ts'
import { BrokerConnection, ConnectionError } from './connection.ts'

class PaperBroker implements Network {
  events!: ConnectionEvents
  readonly received: { key: number, version: number, correlationId: number, value: any }[] = []
  ended = false

  listen (): never { throw new Error('not here') }

  async connect (): Promise<Connection> {
    const fake = {
      remoteAddress: '127.0.0.1',
      remotePort: 9092,
      localPort: 1,
      pendingBytes: 0,
      start: (events: ConnectionEvents) => { this.events = events },
      write: (slices: readonly Uint8Array[]) => this.#take(Buffer.concat(slices)),
      writeNow: () => 0,
      pause: () => {},
      resume: () => {},
      end: () => { this.ended = true },
      destroy: () => { this.ended = true }
    }
    return fake
  }

  #take (bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += 4 + bytes.readInt32BE(at)) {
      const reader = new Reader(bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at)))
      const { apiKey, apiVersion, correlationId } = decodeRequestHeader(reader, apiOfKey)
      const value = decodeRequest(apiOfKey(apiKey)!, apiVersion, reader)
      this.received.push({ key: apiKey, version: apiVersion, correlationId, value })
    }
  }
}

function frame (api: any, version: number, correlationId: number, value: object): Buffer {
  const whole = make(api.response, value as never)
  const { pieces } = encodeResponseFrame(api, version, correlationId, whole as never)
  return Buffer.concat(pieces as Buffer[])
}

async function connected (options: { timeoutMs?: number, answerBytesMax?: number } = {}) {
  const broker = new PaperBroker()
  const clock = new FakeClock()
  const connection = await BrokerConnection.connect(broker, clock, { host: 'b', port: 9092, clientId: 'c', ...options })
  return { broker, clock, connection }
}

const beat = (generationId: number) => make(Heartbeat.request, { groupId: 'g', generationId, memberId: 'm' })
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

describe('a connection', () => {
  it('sends requests of one turn together and gives answers back in order', async () => {
    const { broker, connection } = await connected()
    const answers = [1, 2, 3].map(generation => connection.request(Heartbeat, 3, beat(generation)))
    await turn()
    expect(broker.received.map(({ value }) => value.generationId)).toEqual([1, 2, 3])
    expect(connection.inFlight).toBe(3)
    const bytes = Buffer.concat([0, 27, 25].map((errorCode, index) =>
      frame(Heartbeat, 3, broker.received[index].correlationId, { errorCode })))
    for (const byte of bytes) broker.events.data(Buffer.of(byte)) // as drip-fed as it gets
    expect((await Promise.all(answers)).map(({ errorCode }) => errorCode)).toEqual([0, 27, 25])
    expect(connection.inFlight).toBe(0)
  })

  it('asks for versions once, and takes the newest in common', async () => {
    const { broker, connection } = await connected()
    const answers = [1, 2].map(n => connection.request(Heartbeat, null, beat(n)))
    await turn()
    expect(broker.received.map(({ key, version }) => [key, version])).toEqual([[ApiVersions.key, 4]])
    broker.events.data(frame(ApiVersions, 4, broker.received[0].correlationId, {
      apiKeys: [{ apiKey: Heartbeat.key, minVersion: 0, maxVersion: 2 }]
    }))
    await turn()
    expect(broker.received.slice(1).map(({ key, version }) => [key, version])).toEqual([[12, 2], [12, 2]])
    for (const { correlationId } of broker.received.slice(1)) {
      broker.events.data(frame(Heartbeat, 2, correlationId, { errorCode: 0 }))
    }
    await Promise.all(answers)
    const everything = make(Metadata.request, { topics: null })
    const failure = await connection.request(Metadata, null, everything).catch(error => error)
    expect(failure).toBeInstanceOf(ConnectionError)
    expect(failure.reason).toBe('version')
  })

  it('asks again in a version that an old broker knows', async () => {
    const { broker, connection } = await connected()
    const versions = connection.apiVersions()
    await turn()
    broker.events.data(frame(ApiVersions, 0, broker.received[0].correlationId, {
      errorCode: 35, apiKeys: [{ apiKey: ApiVersions.key, minVersion: 0, maxVersion: 2 }]
    }))
    await turn()
    expect(broker.received[1].version).toBe(2)
    broker.events.data(frame(ApiVersions, 2, broker.received[1].correlationId, {
      apiKeys: [{ apiKey: 3, minVersion: 0, maxVersion: 8 }]
    }))
    await versions
    expect(await connection.versionOf(Metadata)).toBe(8)
  })

  it('ends when an answer does not come in time, and says so to all that wait', async () => {
    const { broker, clock, connection } = await connected({ timeoutMs: 1000 })
    const closed: ConnectionError[] = []
    connection.onClosed(error => closed.push(error))
    const waiting = [beat(1), beat(2)].map(request =>
      connection.send(Heartbeat, 3, request).catch((error: ConnectionError) => error.reason))
    clock.advance(999)
    expect(connection.isOpen).toBe(true)
    clock.advance(1)
    expect(await Promise.all(waiting)).toEqual(['timeout', 'timeout'])
    expect(closed).toHaveLength(1)
    expect(broker.ended).toBe(true)
  })

  it('gives a slow request its own time', async () => {
    const { clock, connection } = await connected({ timeoutMs: 1000 })
    const slow = connection.send(Heartbeat, 3, beat(1), { timeoutMs: 5000 })
      .catch((error: ConnectionError) => error.reason)
    clock.advance(4999)
    expect(connection.isOpen).toBe(true)
    clock.advance(1)
    expect(await slow).toBe('timeout')
  })

  it('fails what is in flight when the broker goes, and all that is asked later', async () => {
    const { broker, connection } = await connected()
    const waiting = connection.send(Heartbeat, 3, beat(1))
    broker.events.closed(new Error('ECONNRESET'))
    await expect(waiting).rejects.toThrow('broke: ECONNRESET')
    await expect(connection.send(Heartbeat, 3, beat(2))).rejects.toMatchObject({ reason: 'closed' })
  })

  it.each([
    ['a size that is too large', Buffer.from([0x7f, 0, 0, 0])],
    ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['an answer to another question', frame(Heartbeat, 3, 77, { errorCode: 0 })],
    ['an answer that is cut off', Buffer.from([0, 0, 0, 5, 0, 0, 0, 1, 0])]
  ])('ends at %s', async (_what, bytes) => {
    const { broker, connection } = await connected({ answerBytesMax: 1 << 20 })
    const waiting = connection.send(Heartbeat, 3, beat(1))
    broker.events.data(bytes)
    await expect(waiting).rejects.toMatchObject({ reason: 'protocol' })
    expect(connection.isOpen).toBe(false)
    expect(broker.ended).toBe(true)
  })

  it('sends record pieces from where they lie, between the bytes around them', async () => {
    const { broker, connection } = await connected()
    const pieces = { bytes: 5, pieces: [Buffer.from('ab'), Buffer.from('cde')] }
    connection.sendUnanswered(Produce, 7, make(Produce.request, {
      transactionalId: null,
      acks: 0,
      timeoutMs: 1,
      topicData: [{
        name: 't',
        partitionData: [
          { index: 0, records: pieces as unknown as Buffer }, { index: 1, records: Buffer.from('x') }
        ]
      }]
    }))
    await turn()
    const [{ partitionData }] = broker.received[0].value.topicData
    expect(partitionData.map(({ records }: { records: Buffer }) => records.toString())).toEqual(['abcde', 'x'])
  })
})
