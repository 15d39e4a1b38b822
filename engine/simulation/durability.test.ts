// What an acknowledged record survives: the power goes, all that was not synced is lost.
import { describe, expect, it } from 'vitest'
import { TestClient } from '../broker-client.testing.ts'
import { BrokerConnection } from '../client/connection.ts'
import { eachBatch } from '../protocol/record-batch.ts'
import { buildBatch, decodeRecords } from '../protocol/record.ts'
import { World } from './world.testing.ts'

const segmentBytes = '20000'

async function connect (world: World): Promise<TestClient> {
  const { network, clock, address } = world
  const connection = BrokerConnection.connect(network, clock, { ...address, clientId: 'sim' })
  return new TestClient(await world.run(connection))
}

function batchOf (world: World, value: string): Buffer {
  return buildBatch({}, [{ value: Buffer.from(value), timestamp: world.clock.nowMs() }])
}

/** By offset: a power cut that takes the end of a segment and spares the next one leaves a gap. */
async function valuesIn (world: World, client: TestClient): Promise<Map<number, string>> {
  const values = new Map<number, string>()
  for (let next = 0; ;) {
    const { records, highWatermark } = await world.run(client.fetch('t', next))
    const bytes = records as Buffer
    eachBatch(bytes, 0, bytes.length, (at, length) => {
      for (const { offset, value } of decodeRecords(bytes.subarray(at, at + length))) {
        values.set(offset, String(value))
        next = offset + 1
      }
    })
    if (next >= highWatermark) return values
  }
}

/** The power goes with several batches in flight. Returns how many acknowledged ones are then missing. */
async function lossOf (
  seed: number, configs: Record<string, string>, overrides: Record<string, string> = {}, acks = -1
): Promise<number> {
  const world = new World(seed)
  await world.boot({ ...overrides, 'log.initial.task.delay.ms': '0' })
  const client = await connect(world)
  const topic = { 'internal.segment.bytes': segmentBytes, ...configs }
  expect(await world.run(client.createTopic('t', 1, topic))).toBe(0)
  const acked = new Map<number, string>()
  const produce = async (n: number): Promise<void> => {
    const value = `${n}:${'x'.repeat(world.random.below(6000))}`
    const { errorCode, baseOffset } = await client.produce('t', 0, batchOf(world, value), acks)
    expect(errorCode).toBe(0)
    acked.set(baseOffset, value)
  }
  const stopAt = 5 + world.random.below(30)
  for (let n = 0; acked.size < stopAt; n += 4) {
    const four = [n, n + 1, n + 2, n + 3].map(produce)
    four.forEach(one => one.catch(() => {})) // those that are cut off
    await world.run<unknown>(acked.size + 4 < stopAt ? Promise.all(four) : Promise.race(four))
  }
  await world.crash()
  await world.boot()
  const found = await valuesIn(world, await connect(world))
  let lost = 0
  for (const [offset, value] of acked) {
    const left = found.get(offset)
    if (left === undefined) lost++
    else expect(left.slice(0, 20)).toBe(value.slice(0, 20))
  }
  await world.run(world.broker!.close())
  return lost
}

const seeds = Array.from({ length: 12 }, (_, n) => n + 1)

async function lossesOf (
  configs: Record<string, string>, overrides: Record<string, string> = {}, acks = -1
): Promise<number> {
  let lost = 0
  for (const seed of seeds) lost += await lossOf(seed, configs, overrides, acks)
  return lost
}

describe('a power cut', () => {
  it('takes acknowledged records from the page cache, as with Kafka', async () => {
    expect(await lossesOf({})).toBeGreaterThan(0)
  })

  it.each(['group-commit', 'always'])('takes none with millrace.durability=%s of the topic', async (durability) => {
    expect(await lossesOf({ 'millrace.durability': durability })).toBe(0)
  })

  it.each(['group-commit', 'always'])('takes none with millrace.durability=%s of the broker', async (durability) => {
    expect(await lossesOf({}, { 'millrace.durability': durability })).toBe(0)
  })

  it('takes what one topic leaves to the page cache though the broker would not', async () => {
    const overrides = { 'millrace.durability': 'always' }
    expect(await lossesOf({ 'millrace.durability': 'page-cache' }, overrides)).toBeGreaterThan(0)
  })

  it('takes none that only the leader acknowledged when every write is synced', async () => {
    expect(await lossesOf({ 'millrace.durability': 'always' }, {}, 1)).toBe(0)
  })

  it('takes none with flush.messages=1', async () => {
    expect(await lossesOf({ 'flush.messages': '1' })).toBe(0)
    expect(await lossesOf({}, { 'log.flush.interval.messages': '1' })).toBe(0)
  })

  it('takes fewer than flush.messages, and none that flush.ms was waited for', async () => {
    const world = new World(7)
    await world.boot({ 'log.initial.task.delay.ms': '0' })
    const client = await connect(world)
    const configs = { 'flush.messages': '10', 'flush.ms': '5000' }
    expect(await world.run(client.createTopic('t', 1, configs))).toBe(0)
    const produce = async (count: number) => {
      for (let n = 0; n < count; n++) await world.run(client.produce('t', 0, batchOf(world, 'v')))
    }
    const survivors = async () => {
      // All that is not synced goes.
      world.disk.crash()
      await world.crash()
      await world.boot({ 'log.initial.task.delay.ms': '0' })
      return (await valuesIn(world, await connect(world))).size
    }
    await produce(13)
    expect(await survivors()).toBe(10)
    const again = await connect(world)
    for (let n = 0; n < 3; n++) await world.run(again.produce('t', 0, batchOf(world, 'v')))
    await world.run(new Promise<void>(resolve => world.clock.after(6000, resolve)))
    expect(await survivors()).toBe(13)
    await world.run(world.broker!.close())
  })
})

describe('millrace.durability', () => {
  it('changes while the broker runs, for a topic and for all', async () => {
    for (const [type, name] of [[2, 't'], [4, '']] as const) {
      const world = new World(3)
      await world.boot()
      const client = await connect(world)
      expect(await world.run(client.createTopic('t'))).toBe(0)
      await world.run(client.produce('t', 0, batchOf(world, 'before')))
      expect(await world.run(client.alter(type, name, { 'millrace.durability': 'always' }))).toBe(0)
      for (let n = 0; n < 5; n++) await world.run(client.produce('t', 0, batchOf(world, `after ${n}`)))
      world.disk.crash()
      await world.crash()
      await world.boot()
      const again = await connect(world)
      expect((await valuesIn(world, again)).size).toBe(6)
      expect(await world.run(again.alter(type, name, { 'millrace.durability': null }))).toBe(0)
      for (let n = 0; n < 5; n++) await world.run(again.produce('t', 0, batchOf(world, `lost ${n}`)))
      world.disk.crash()
      await world.crash()
      await world.boot()
      expect((await valuesIn(world, await connect(world))).size).toBe(6)
      await world.run(world.broker!.close())
    }
  })

  it('set back to the page cache, what waited for the device is acknowledged', async () => {
    const world = new World(5)
    await world.boot()
    const client = await connect(world)
    expect(await world.run(client.createTopic('t', 1, { 'millrace.durability': 'group-commit' }))).toBe(0)
    const one = client.produce('t', 0, batchOf(world, 'x'))
    const altered = client.alter(2, 't', { 'millrace.durability': 'page-cache' })
    expect((await world.run(one)).errorCode).toBe(0)
    expect(await world.run(altered)).toBe(0)
    await world.run(world.broker!.close())
  })

  it('is a setting of topics that is shown when it is asked for, or set', async () => {
    const world = new World(9)
    await world.boot({ 'millrace.durability': 'group-commit' })
    const client = await connect(world)
    expect(await world.run(client.createTopic('t'))).toBe(0)
    expect(await world.run(client.createTopic('u', 1, { 'millrace.durability': 'always' }))).toBe(0)
    expect(await world.run(client.createTopic('v', 1, { 'millrace.durability': 'sometimes' }))).toBe(40)
    expect(await world.run(client.describe(2, 't'))).not.toHaveProperty('millrace.durability')
    expect(await world.run(client.describe(2, 't', ['millrace.durability'])))
      .toEqual({ 'millrace.durability': 'group-commit' })
    expect(await world.run(client.describe(2, 'u'))).toHaveProperty('millrace.durability', 'always')
    expect(await world.run(client.alter(2, 't', { 'millrace.durability': 'never' }))).toBe(40)
    await world.run(world.broker!.close())
  })
})
