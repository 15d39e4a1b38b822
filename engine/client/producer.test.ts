// Producer, consumer and group member against a real broker in this process.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realClock } from '../base/clock-real.ts'
import { realNetwork } from '../base/network-real.ts'
import { type RunningBroker, startBroker } from '../index.ts'
import { decodeRecords } from '../protocol/record.ts'
import { freePort } from '../broker.testing.ts'
import { BrokerError, Cluster, parseAddresses } from './cluster.ts'
import { Consumer } from './consumer.ts'
import { type Committed, GroupMember } from './group-member.ts'
import { listOffsets, specialTimes } from './offsets.ts'
import { Producer } from './producer.ts'

let broker: RunningBroker
let cluster: Cluster
const open = (port = broker.port) =>
  new Cluster(realNetwork, realClock, { bootstrap: [{ host: '127.0.0.1', port }], retryBackoffMs: 5 })

beforeAll(async () => {
  broker = await startBroker({ config: { 'num.partitions': '3' } })
  cluster = open()
})
afterAll(async () => {
  cluster.close()
  await broker.close()
})

async function produce (
  producer: Producer, topic: string, values: string[], partition: number | null = 0
): Promise<number[]> {
  await producer.prepare(topic, { create: true })
  const offsets: number[] = []
  values.forEach((value, index) => {
    producer.append(topic, partition, null, Buffer.from(value), (error, offset) => {
      if (error !== null) throw error
      offsets[index] = offset
    })
  })
  await producer.flush()
  return offsets
}

async function read (topic: string, partition: number, count: number): Promise<string[]> {
  const consumer = new Consumer(cluster)
  consumer.assign([{ topic, partition, offset: 'earliest' }])
  const values: string[] = []
  while (values.length < count) {
    for (const { batches } of await consumer.poll(5000)) {
      for (const batch of batches) values.push(...decodeRecords(batch).map(({ value }) => String(value)))
    }
  }
  consumer.close()
  return values
}

describe('producing', () => {
  it('delivers every record once, in order, and tells its offset', async () => {
    const values = Array.from({ length: 5000 }, (_, n) => `${n}`)
    const offsets = await produce(new Producer(cluster, { batchBytes: 2000 }), 'ordered', values)
    expect(offsets).toEqual(values.map((_, n) => n))
    expect(await read('ordered', 0, values.length)).toEqual(values)
  })

  it('spreads records without a key over partitions, batch by batch', async () => {
    const values = Array.from({ length: 3000 }, (_, n) => `${n}`)
    await produce(new Producer(cluster, { batchBytes: 500 }), 'spread', values, null)
    const ends = await listOffsets(cluster, [0, 1, 2].map(partition => ({ topic: 'spread', partition })), specialTimes.latest)
    expect(ends.reduce((sum, { offset }) => sum + offset, 0)).toBe(values.length)
    expect(ends.every(({ offset }) => offset > 300)).toBe(true)
  })

  it('says no when its buffer is full, and goes on when there is room', async () => {
    const producer = new Producer(cluster, { bufferBytes: 1000, batchBytes: 300 })
    await producer.prepare('full', { create: true })
    let refused = 0
    for (let n = 0; n < 100; n++) {
      while (!producer.append('full', 0, null, Buffer.alloc(100))) {
        refused++
        await producer.room()
      }
    }
    await producer.flush()
    expect(refused).toBeGreaterThan(5)
    expect((await listOffsets(cluster, [{ topic: 'full', partition: 0 }], specialTimes.latest))[0].offset).toBe(100)
  })

  it('fails a record that the broker will not have, and no other', async () => {
    const producer = new Producer(cluster, { batchBytes: 100 })
    await producer.prepare('limits', { create: true })
    const outcome: (string | number)[] = []
    const note = (error: Error | null, offset: number) =>
      outcome.push(error instanceof BrokerError ? error.errorName : offset)
    producer.append('limits', 0, null, Buffer.from('a'), note)
    producer.append('limits', 0, null, Buffer.alloc(2_000_000), note)
    producer.append('limits', 0, null, Buffer.from('b'), note)
    await producer.flush()
    expect(outcome.sort()).toEqual([0, 1, 'MESSAGE_TOO_LARGE'])
  })

  it('survives a broker that goes away and comes back, without losing or doubling', async () => {
    const port = await freePort()
    const { mkdtempSync, rmSync } = await import('node:fs')
    const { tmpdir } = await import('node:os')
    const { join } = await import('node:path')
    const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-producer-'))
    let other = await startBroker({ port, dataDirectory })
    const far = open(port)
    try {
      const producer = new Producer(far, { batchBytes: 200 })
      const values = Array.from({ length: 300 }, (_, n) => `${n}`)
      const first = produce(producer, 'restarted', values)
      await first
      await other.close()
      const second = produce(producer, 'restarted', values) // begins while nobody is there
      other = await startBroker({ port, dataDirectory })
      const offsets = await second
      expect(offsets).toEqual(values.map((_, n) => 300 + n))
    } finally {
      far.close()
      await other.close()
      rmSync(dataDirectory, { recursive: true })
    }
  })
})

describe('consuming', () => {
  it('starts at the end when told, and gets what comes then', async () => {
    const producer = new Producer(cluster)
    await produce(producer, 'tail', ['old'])
    const consumer = new Consumer(cluster)
    consumer.assign([{ topic: 'tail', partition: 0, offset: 'latest' }])
    expect(await consumer.poll(100)).toEqual([])
    await produce(producer, 'tail', ['new'])
    const [{ batches, fetchedFrom, nextOffset }] = await consumer.poll(5000)
    expect(decodeRecords(batches[0]).map(({ value }) => String(value))).toEqual(['new'])
    expect([fetchedFrom, nextOffset]).toEqual([1, 2])
    consumer.close()
  })

  it('goes on where the reset says when an offset is not there', async () => {
    await produce(new Producer(cluster), 'beyond', ['a', 'b'])
    const strict = new Consumer(cluster, { reset: 'none' })
    strict.assign([{ topic: 'beyond', partition: 0, offset: 99 }])
    await expect(strict.poll(5000)).rejects.toMatchObject({ errorName: 'OFFSET_OUT_OF_RANGE' })
    strict.close()
    const consumer = new Consumer(cluster, { reset: 'earliest' })
    consumer.assign([{ topic: 'beyond', partition: 0, offset: 99 }])
    expect((await consumer.poll(5000))[0].fetchedFrom).toBe(0)
    consumer.close()
  })
})

describe('a group', () => {
  class Owner {
    assigned: readonly Committed[] = []
    readonly member: GroupMember
    #heard: (() => void)[] = []

    constructor (groupId: string, commit: (owner: Owner) => readonly Committed[] = () => []) {
      this.member = new GroupMember(cluster, {
        groupId,
        topics: ['shared'],
        heartbeatMs: 20,
        sessionTimeoutMs: 6000,
        assigned: partitions => { this.assigned = partitions; this.#tell() },
        revoked: () => this.member.commit(commit(this)),
        failed: error => { throw error }
      })
    }

    #tell (): void { for (const heard of this.#heard.splice(0)) heard() }
    async until (condition: () => boolean): Promise<void> {
      while (!condition()) await new Promise<void>(resolve => this.#heard.push(resolve))
    }
  }

  it('shares partitions, hands over what was read, and goes on with those that stay', async () => {
    await produce(new Producer(cluster), 'shared', ['x'])
    const one = new Owner('team', ({ assigned }) => assigned.map(partition => ({ ...partition, offset: 1 })))
    await one.member.join()
    const first = one.assigned.map(({ partition, offset }) => [partition, offset])
    expect(first).toEqual([[0, -1], [1, -1], [2, -1]])
    const two = new Owner('team')
    await two.member.join()
    await one.until(() => one.assigned.length + two.assigned.length === 3)
    const all = [...one.assigned, ...two.assigned]
    expect(all.map(({ partition }) => partition).sort()).toEqual([0, 1, 2])
    expect(all.every(({ offset }) => offset === 1)).toBe(true)
    await one.member.close()
    await two.until(() => two.assigned.length === 3)
    await two.member.close()
  })

  it('refuses a commit of a generation that is over', async () => {
    const one = new Owner('strict')
    await one.member.join()
    await one.member.close()
    const late = one.member.commit([{ topic: 'shared', partition: 0, offset: 1 }])
    await expect(late).rejects.toBeInstanceOf(BrokerError)
  })
})

it('reads lists of addresses', () => {
  expect(parseAddresses('a:1, [::1]:2,PLAINTEXT://b:3')).toEqual([
    { host: 'a', port: 1 }, { host: '::1', port: 2 }, { host: 'b', port: 3 }
  ])
  for (const wrong of ['a', 'a:b', '', 'a:70000', 'a b:1']) expect(() => parseAddresses(wrong)).toThrow()
})
