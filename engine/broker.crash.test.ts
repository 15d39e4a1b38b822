// kill -9, again and again, under load: one producer id over all restarts retries the same batches with
// their sequences. Afterwards every acknowledged record is in the log exactly once and in order, an
// unacknowledged one at most once. The seed is printed; MILLRACE_SEED replays it, MILLRACE_KILLS sets how
// often: npm run test:nightly kills 200 times with each durability.
import { afterAll, describe, expect, it } from 'vitest'
import { rmSync } from 'node:fs'
import { realClock } from './base/clock-real.ts'
import { realNetwork } from './base/network-real.ts'
import { SeededRandom } from './base/random-seeded.ts'
import { BrokerConnection } from './client/connection.ts'
import { CreateTopics } from './protocol/messages/19-create-topics.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { InitProducerId } from './protocol/messages/22-init-producer-id.ts'
import { Produce } from './protocol/messages/00-produce.ts'
import { eachBatch } from './protocol/record-batch.ts'
import { buildBatch, decodeRecords } from './protocol/record.ts'
import { make } from './protocol/schema.ts'
import { freePort, startBrokerProcess, temporaryFolder, type BrokerProcess } from './broker.testing.ts'

/** Where acks wait for the device a kill costs more time, and most of what it may break is the same. */
const variants = [
  { durability: 'page-cache', kills: Number(process.env.MILLRACE_KILLS ?? 50) },
  { durability: 'group-commit', kills: Number(process.env.MILLRACE_KILLS ?? 8) }
]
const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
const partitions = 4
const inFlightPerPartition = 5 // what a broker remembers per producer
const topic = 'crash'

interface Batch {
  sequence: number
  records: number
  bytes: Buffer
}

/** One partition's side of the producer: what is sent and not acknowledged, in sequence order. */
class Lane {
  readonly index: number
  readonly open: Batch[] = []
  acknowledged = 0 // records; all before it are in the log
  next = 0 // the sequence of the next batch
  /** Base offsets as first acknowledged, by sequence: a retry must get the same. */
  readonly offsets = new Map<number, number>()
  constructor (index: number) {
    this.index = index
  }
}

class Producer {
  readonly lanes = Array.from({ length: partitions }, (_, index) => new Lane(index))
  readonly random: SeededRandom
  readonly producerId: number
  acks = 0
  #watch: { at: number; reached: () => void } | null = null
  constructor (producerId: number, random: SeededRandom) {
    this.producerId = producerId
    this.random = random
  }

  /** Resolves after that many more acknowledgements. */
  acknowledgements (count: number): Promise<void> {
    return new Promise(resolve => {
      this.#watch = { at: this.acks + count, reached: resolve }
    })
  }

  /** Sends until the connection breaks: first again, in order, what was not acknowledged. */
  async run (connection: BrokerConnection): Promise<void> {
    await Promise.all(this.lanes.map(lane => this.#runLane(connection, lane)))
  }

  async #runLane (connection: BrokerConnection, lane: Lane): Promise<void> {
    const sent: Promise<void>[] = lane.open.map(batch => this.#send(connection, lane, batch))
    try {
      while (true) {
        while (sent.length < inFlightPerPartition) {
          const batch = this.#newBatch(lane)
          lane.open.push(batch)
          sent.push(this.#send(connection, lane, batch))
        }
        await sent[0]
        sent.shift()
      }
    } catch (error) {
      await Promise.allSettled(sent)
      if (!/closed|broke|connection/.test(String(error))) throw error
    }
  }

  #newBatch (lane: Lane): Batch {
    const records = 1 + this.random.below(20)
    const sequence = lane.next
    lane.next += records
    const bytes = buildBatch(
      { producerId: this.producerId, producerEpoch: 0, baseSequence: sequence },
      Array.from({ length: records }, (_, n) => ({
        value: Buffer.from(`${lane.index}:${sequence + n}:${'p'.repeat(this.random.below(300))}`),
        timestamp: Date.now()
      }))
    )
    return { sequence, records, bytes }
  }

  async #send (connection: BrokerConnection, lane: Lane, batch: Batch): Promise<void> {
    const answer = await connection.request(
      Produce,
      9,
      make(Produce.request, {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: lane.index, records: batch.bytes }] }]
      })
    )
    const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
    if (errorCode !== 0) {
      throw new Error(`partition ${lane.index} sequence ${batch.sequence}: error ${errorCode}`)
    }
    const before = lane.offsets.get(batch.sequence)
    if (before !== undefined && before !== baseOffset) {
      throw new Error(`sequence ${batch.sequence} moved from ${before} to ${baseOffset}`)
    }
    lane.offsets.set(batch.sequence, baseOffset)
    lane.open.splice(lane.open.indexOf(batch), 1)
    lane.acknowledged = Math.max(lane.acknowledged, batch.sequence + batch.records)
    this.acks++
    if (this.#watch !== null && this.acks >= this.#watch.at) this.#watch.reached()
  }
}

const connectTo = (broker: BrokerProcess) =>
  BrokerConnection.connect(realNetwork, realClock, {
    host: '127.0.0.1',
    port: broker.port,
    clientId: 'crash'
  })

/** All values of a partition, in log order. */
async function readAll (
  connection: BrokerConnection,
  partition: number
): Promise<{ offset: number; value: string }[]> {
  const out: { offset: number; value: string }[] = []
  for (let offset = 0; ;) {
    const answer = await connection.request(
      Fetch,
      11,
      make(Fetch.request, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 10_000_000,
        topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1_000_000 }] }]
      })
    )
    const data = answer.responses[0].partitions[0]
    expect(data.errorCode).toBe(0)
    const records = data.records as Buffer | null
    if (records === null || records.length === 0) return out
    eachBatch(records, 0, records.length, (at, bytes) => {
      for (const record of decodeRecords(records.subarray(at, at + bytes))) {
        if (record.offset >= offset) {
          out.push({ offset: record.offset, value: String(record.value).split(':').slice(0, 2).join(':') })
        }
      }
    })
    offset = out[out.length - 1].offset + 1
  }
}

describe.each(variants)('killed under load ($durability)', ({ durability, kills }) => {
  const folder = temporaryFolder('crash')
  const overrides = { 'log.segment.bytes': '1048576', 'millrace.durability': durability }
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it(
    `keeps every acknowledged record exactly once over ${kills} times SIGKILL`,
    { timeout: 60_000 + kills * 10_000 },
    async () => {
      console.log(`seed ${seed}`)
      const random = new SeededRandom(seed)
      const port = await freePort()
      const start = () => startBrokerProcess({ folder, port, overrides })
      let broker = await start()
      let connection = await connectTo(broker)
      await connection.request(
        CreateTopics,
        5,
        make(CreateTopics.request, {
          topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1 }],
          timeoutMs: 10_000
        })
      )
      const { producerId, errorCode } = await connection.request(
        InitProducerId,
        3,
        make(InitProducerId.request, { transactionalId: null, transactionTimeoutMs: 60_000 })
      )
      expect(errorCode).toBe(0)
      const producer = new Producer(producerId, random)
      for (let kill = 0; kill < kills; kill++) {
        const enough = producer.acknowledgements(1 + random.below(400))
        const running = producer.run(connection)
        await Promise.race([enough, running])
        await broker.stop('SIGKILL')
        await running
        broker = await start()
        connection = await connectTo(broker)
      }
      for (const lane of producer.lanes) {
        const records = await readAll(connection, lane.index)
        expect(records.map(record => record.offset)).toEqual(records.map((_, index) => index))
        expect(records.map(record => record.value)).toEqual(
          records.map((_, index) => `${lane.index}:${index}`)
        )
        expect(records.length).toBeGreaterThanOrEqual(lane.acknowledged)
        expect(records.length).toBeLessThanOrEqual(lane.next)
      }
      const written = producer.lanes.reduce((sum, lane) => sum + lane.acknowledged, 0)
      console.log(`${durability}: ${kills} kills, ${producer.acks} batches acknowledged, ${written} records, all there once`)
      expect(await broker.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    }
  )
})
