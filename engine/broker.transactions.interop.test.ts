// Transactions that Apache Kafka wrote: its transaction index and what we build from the records alone are
// the same bytes, its dump tool and ours print the same of either, and readers of committed records get the
// same answers from it and from us. Without Java or Maven the suite says that it was skipped.
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchKafka, missing, type PeerBroker, startKafka, toolCommand } from '../bench/peers/kafka.ts'
import { PlainClient } from './broker.directories.testing.ts'
import { temporaryFolder } from './broker.testing.ts'
import { startBroker } from './index.ts'
import { type AbortedRange } from './log/aborted-reader.ts'
import { Fetch } from './protocol/messages/01-fetch.ts'
import { eachBatch, getLastOffset } from './protocol/record-batch.ts'

const reason = missing()
if (reason !== null) console.warn(`skipped: ${reason}`)

const topic = 'orders'
const rounds = 24
const millrace = resolve(import.meta.dirname, '../cli/bin/millrace')

/** Three producers whose transactions cross; the last one stays open. */
async function produce (port: number): Promise<void> {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, retry: { retries: 20 } })
  const createPartitioner = Partitioners.DefaultPartitioner
  const producers: Producer[] = []
  for (const name of ['a', 'b', 'c']) {
    const options = { transactionalId: name, idempotent: true, maxInFlightRequests: 1, createPartitioner }
    const producer = kafka.producer(options)
    await producer.connect()
    producers.push(producer)
  }
  const value = (text: string): Buffer => Buffer.alloc(40_000, text)
  for (let round = 0; round < rounds; round++) {
    const open = await Promise.all(producers.map(producer => producer.transaction()))
    for (const [index, transaction] of open.entries()) {
      for (let part = 0; part <= (round + index) % 3; part++) {
        await transaction.send({ topic, messages: [{ partition: 0, value: value(`${round}/${index}/${part} `) }] })
      }
    }
    for (const [index, transaction] of [...open.entries()].sort(() => round % 2 - 0.5)) {
      await ((round + index) % 2 === 0 ? transaction.abort() : transaction.commit())
    }
  }
  const last = await producers[0].transaction()
  await last.send({ topic, messages: [{ partition: 0, value: 'open' }] })
  const other = await producers[1].transaction()
  await other.send({ topic, messages: [{ partition: 0, value: 'aborted behind an open one' }] })
  await other.abort()
  await Promise.all(producers.slice(1).map(producer => producer.disconnect()))
}

interface Answer {
  fields: Record<string, number>
  /** Aborted transactions that begin in the whole batches of the answer or before. */
  needed: AbortedRange[]
  /** All that it names: the range is taken somewhat larger, up to the next entry of an index. */
  named: AbortedRange[]
}

async function answersOf (port: number): Promise<Answer[]> {
  const client = await PlainClient.connect(port)
  const answers: Answer[] = []
  const end = await client.offset(topic, 0, -1) as number
  for (const partitionMaxBytes of [1, 100_000, 10_000_000]) {
    for (let fetchOffset = 0; fetchOffset <= end; fetchOffset++) {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes }]
      const fields = { isolationLevel: 1, maxWaitMs: 0, minBytes: 0, sessionEpoch: -1 }
      const answer = await client.ask(Fetch, 11, { ...fields, topics: [{ topic, partitions }] })
      const [part] = answer.responses[0].partitions
      const { errorCode, highWatermark, lastStableOffset, abortedTransactions } = part
      const records = part.records as unknown as Buffer
      let next = fetchOffset
      eachBatch(records, 0, records.length, (at) => { next = getLastOffset(records, at) + 1 })
      const named = abortedTransactions ?? []
      const { length: bytes } = records
      answers.push({
        fields: { fetchOffset, partitionMaxBytes, errorCode, highWatermark, lastStableOffset, bytes },
        needed: named.filter(({ firstOffset }) => firstOffset < next),
        named
      })
    }
  }
  client.close()
  return answers
}

async function endOrderly (pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM')
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function dumps (folder: string, ending: string): { kafka: string[], ours: string[] } {
  const files = readdirSync(folder).filter(name => name.endsWith(ending)).map(name => join(folder, name))
  const [program, ...rest] = toolCommand('DumpLogSegments', ['--files', files.join(',')])
  const theirs = spawnSync(program, rest, { encoding: 'utf8' })
  expect(theirs.status, theirs.stderr).toBe(0)
  const own = spawnSync(process.execPath, [millrace, 'dump-log', '--files', files.join(',')], { encoding: 'utf8' })
  expect(own.status, own.stderr).toBe(0)
  // Kafka keeps producers in a hash table: the order of their lines is nobody's.
  return { kafka: theirs.stdout.split('\n').sort(), ours: own.stdout.split('\n').sort() }
}

function indexesIn (folder: string): [string, string][] {
  const names = readdirSync(folder).filter(name => name.endsWith('.txnindex')).sort()
  return names.map((name): [string, string] => [name, readFileSync(join(folder, name)).toString('hex')])
    .filter(([, hex]) => hex !== '')
}

describe.skipIf(reason !== null)('transactions of Kafka', () => {
  let folder: string
  let kafka: PeerBroker
  let data: string
  let answers: Answer[]

  beforeAll(async () => {
    fetchKafka()
    folder = temporaryFolder('transactions')
    kafka = await startKafka({ dataFolder: folder })
    const client = await PlainClient.connect(kafka.port)
    const settings = { 'segment.bytes': '1048576', 'index.interval.bytes': '100000' }
    while (await client.create(topic, 1, settings) !== 'TOPIC_ALREADY_EXISTS');
    client.close()
    await produce(kafka.port)
    answers = await answersOf(kafka.port)
    await endOrderly(kafka.pid)
    data = join(folder, 'kafka')
    cpSync(kafka.dataFolder, data, { recursive: true })
    await kafka.stop()
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are indexed over several segments', () => {
    expect(indexesIn(join(data, `${topic}-0`)).length).toBeGreaterThan(2)
  })

  for (const how of ['as they are', 'without their indexes, after a kill'] as const) {
    it(`are served as by Kafka: its files ${how}`, async () => {
      const copy = join(folder, how === 'as they are' ? 'whole' : 'bare')
      cpSync(data, copy, { recursive: true })
      const own = join(copy, `${topic}-0`)
      if (how !== 'as they are') {
        rmSync(join(copy, '.kafka_cleanshutdown'), { force: true })
        rmSync(join(copy, 'recovery-point-offset-checkpoint'), { force: true })
        for (const name of readdirSync(own)) {
          if (/index$|snapshot$/.test(name)) rmSync(join(own, name))
        }
      }
      const broker = await startBroker({ dataDirectory: copy, config: { 'log.retention.ms': '-1' } })
      const ours = await answersOf(broker.port)
      await broker.close()
      expect(indexesIn(own)).toEqual(indexesIn(join(data, `${topic}-0`)))
      expect(ours.length).toBe(answers.length)
      for (const [index, { fields, needed, named }] of ours.entries()) {
        expect({ fields, needed }).toEqual({ fields: answers[index].fields, needed: answers[index].needed })
        // Kafka's search may miss an entry that fits exactly, and takes the one behind it.
        expect(answers[index].named).toEqual(expect.arrayContaining(named))
      }
      for (const ending of ['.txnindex', '.snapshot', '.log']) {
        const { kafka: theirs, ours: printed } = dumps(own, ending)
        expect(printed).toEqual(theirs)
      }
    })
  }
})
