// A broker as a process of its own: how it ends, and how it lives with few descriptors.
import { existsSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { batchOf, fetchFields, TestClient } from './broker-client.testing.ts'
import {
  type BrokerProcess, type BrokerProcessOptions, startBrokerProcess, temporaryFolder
} from './broker.testing.ts'
import { errorCodes } from './protocol/errors.ts'
import { Produce } from './protocol/messages/00-produce.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { ApiVersions } from './protocol/messages/18-api-versions.ts'
import { frameOf, RawClient } from './server/server.testing.ts'

let brokers: BrokerProcess[] = []
const clients: { close (): void }[] = []

async function start (options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
  const broker = await startBrokerProcess(options)
  brokers.push(broker)
  return broker
}

async function client (broker: BrokerProcess): Promise<TestClient> {
  const one = await TestClient.connect(broker.port)
  clients.push(one)
  return one
}

async function raw (broker: BrokerProcess): Promise<RawClient> {
  const one = await RawClient.connect(broker.port)
  clients.push({ close: () => one.end() })
  return one
}

afterEach(async () => {
  for (const one of clients.splice(0)) one.close()
  for (const broker of brokers) await broker.dispose()
  brokers = []
})

function isRefused (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => { socket.destroy(); resolve(false) })
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code === 'ECONNREFUSED'))
  })
}

const cleanMarker = (broker: BrokerProcess) => join(broker.folder, '.kafka_cleanshutdown')

describe('a signal', () => {
  it('ends a broker in order: what was begun is answered, what was answered is there, nothing is recovered', async () => {
    const broker = await start()
    await (await client(broker)).createTopic('a')
    const producer = await raw(broker)
    const records = batchOf('x'.repeat(10_000))
    for (let n = 0; n < 5_000; n++) {
      producer.send(frameOf(Produce, 7, n, {
        acks: -1, timeoutMs: 30_000, topicData: [{ name: 'a', partitionData: [{ index: 0, records }] }]
      }))
    }
    let answered = 0
    let ending = Promise.resolve<unknown>(null)
    for (let frame = await producer.frame(); frame !== null; frame = await producer.frame()) {
      expect(frame.readInt32BE(0)).toBe(answered++)
      if (answered === 50) ending = broker.stop('SIGTERM')
    }
    expect(await ending).toEqual({ code: 0, signal: null })
    expect(answered).toBeLessThan(5_000)
    expect(existsSync(cleanMarker(broker))).toBe(true)
    expect(await isRefused(broker.port)).toBe(true)
    const again = await start({ folder: broker.folder })
    const { highWatermark } = await (await client(again)).fetch('a')
    // And nothing else: all that was begun is answered, while thousands of requests are on their way.
    expect(highWatermark).toBe(answered)
    expect(again.output()).not.toContain('recovering')
  })

  it('the second of which ends it at once', async () => {
    const broker = await start()
    const producer = await client(broker)
    await producer.createTopic('a')
    for (let n = 0; n < 20; n++) await producer.produce('a', 0, batchOf('x'.repeat(900_000)))
    // An answer that nobody reads: the broker gives it a second.
    const deaf = await raw(broker)
    const topics = [{ topic: 'a', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }] }]
    deaf.send(frameOf(Fetch, 11, 1, { ...fetchFields, topics }))
    await deaf.until(() => deaf.receivedBytes > 0)
    deaf.socket.pause()
    const ended = broker.stop('SIGTERM')
    while (!await isRefused(broker.port));
    process.kill(broker.pid, 'SIGTERM')
    expect(await ended).toEqual({ code: 143, signal: null })
    expect(existsSync(cleanMarker(broker))).toBe(false)
    const again = await start({ folder: broker.folder })
    expect((await (await client(again)).fetch('a')).highWatermark).toBe(20)
    expect(again.output()).toContain('recovering')
  })

  it('is not waited for by a second broker on the same folder, which names the first', async () => {
    const broker = await start()
    await expect(startBrokerProcess({ folder: broker.folder })).rejects.toThrow(`in use by process ${broker.pid}`)
    expect((await (await client(broker)).createTopic('a'))).toBe(0)
  })
})

describe.skipIf(process.platform === 'win32')('a write that does not go through', () => {
  it('L18 L20 takes its directory offline, not the others; what was acknowledged is there after a repair', async () => {
    const folders = [temporaryFolder('first'), temporaryFolder('second')]
    const overrides = { 'log.dirs': folders.join(',') }
    const broker = await start({ folder: folders[0], overrides, fileBytesMax: 2_000_000 })
    const producer = await client(broker)
    expect(await producer.createTopic('a', 2)).toBe(0)
    const acked = [0, 0]
    const produce = async (partition: number): Promise<number> => {
      const { errorCode } = await producer.produce('a', partition, batchOf('x'.repeat(100_000)))
      if (errorCode === 0) acked[partition]++
      return errorCode
    }
    await produce(1)
    let errorCode = 0
    while (errorCode === 0) errorCode = await produce(0)
    expect(acked[0]).toBeGreaterThan(5)
    expect(errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(broker.output()).toContain('a log directory has failed')
    expect(await produce(0)).not.toBe(0)
    expect(await produce(1)).toBe(0)
    producer.close()
    expect(await broker.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    const again = await start({ folder: folders[0], overrides })
    const reader = await client(again)
    for (const [partition, count] of acked.entries()) {
      expect((await reader.fetch('a', 0, partition, 1000)).highWatermark).toBe(count)
    }
    reader.close()
    await again.stop('SIGTERM')
    rmSync(folders[1], { recursive: true, force: true })
  })
})

describe.skipIf(process.platform === 'win32')('few descriptors', () => {
  it('L19 keep new connections out, not those who are there, and not the log', async () => {
    const broker = await start({ openFilesMax: 96 })
    await expect.poll(broker.output, { timeout: 20_000 }).toContain('few files and sockets may be open at a time')
    const producer = await client(broker)
    await producer.createTopic('first', 5)
    const flood = await Promise.all(Array.from({ length: 200 }, () => raw(broker)))
    for (const one of flood) one.send(frameOf(ApiVersions, 0, 1))
    const open: RawClient[] = []
    for (const one of flood) {
      if (await one.frame() !== null) open.push(one)
    }
    expect(open.length).toBeGreaterThan(0)
    expect(open.length).toBeLessThan(72)
    expect(broker.output()).toContain('too many files and sockets are open')
    expect(broker.output().split('connection refused').length).toBeLessThan(20)
    for (let partition = 0; partition < 5; partition++) {
      expect(await producer.produce('first', partition, batchOf('x'))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    }
    for (const one of open) one.end()
    let late = await raw(broker)
    late.send(frameOf(ApiVersions, 0, 1))
    while (await late.frame() === null) {
      late = await raw(broker)
      late.send(frameOf(ApiVersions, 0, 1))
    }
  })

  it('L19 refuse the partitions that find none, take no directory offline, and are forgotten', async () => {
    const broker = await start({ openFilesMax: 96, overrides: { 'file.delete.delay.ms': '0' } })
    const producer = await client(broker)
    expect(await producer.createTopic('first')).toBe(0)
    expect(await producer.createTopic('many', 100)).toBe(0)
    const codes: number[] = []
    for (let partition = 0; partition < 100; partition++) {
      codes.push((await producer.produce('many', partition, batchOf('x'))).errorCode)
    }
    const refused = codes.indexOf(errorCodes.KAFKA_STORAGE_ERROR)
    expect(refused).toBeGreaterThan(0)
    expect(new Set(codes)).toEqual(new Set([errorCodes.NONE, errorCodes.KAFKA_STORAGE_ERROR]))
    expect((await producer.produce('many', 0, batchOf('y'))).errorCode).toBe(0)
    expect(broker.output()).not.toContain('a log directory has failed')
    expect((await producer.fetch('many', 0, 0)).highWatermark).toBe(2)
    // Room for others: partitions go, and with them their files.
    expect(await producer.deleteTopic('many')).toBe(0)
    expect(await producer.produce('first', 0, batchOf('z'))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    producer.close()
    expect(await broker.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(existsSync(cleanMarker(broker))).toBe(true)
  })
})
