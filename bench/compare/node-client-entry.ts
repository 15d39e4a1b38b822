// One of npm's clients at work, in a process of its own: produces so many records from several loops at
// once, reads them back in a group, prints what it took.
//
//   node bench/compare/node-client-entry.ts kafkajs|platformatic HOST:PORT TOPIC RECORDS RECORD_BYTES
import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import kafkajs from 'kafkajs'

interface Client {
  connect (): Promise<void>
  send (values: readonly Buffer[]): Promise<unknown>
  /** Reads from the start; `each` is told how many came. Resolves when the consumer runs. */
  consume (each: (records: number) => void): Promise<unknown>
  close (): Promise<void>
}

const perRequest = 200
const loops = 5

const [name, server, topic, recordsText, bytesText] = process.argv.slice(2)
const records = Number(recordsText)
const value = Buffer.alloc(Number(bytesText), 'x')

function kafkajsClient (): Client {
  const kafka = new kafkajs.Kafka({ clientId: 'bench', brokers: [server], logLevel: kafkajs.logLevel.ERROR })
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  const consumer = kafka.consumer({ groupId: `${topic}-group` })
  return {
    connect: () => producer.connect(),
    send: values => producer.send({ topic, acks: -1, messages: values.map(value => ({ value })) }),
    async consume (each) {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ eachBatch: async ({ batch }) => each(batch.messages.length) })
    },
    async close () {
      await producer.disconnect()
      await consumer.disconnect()
    }
  }
}

function platformaticClient (): Client {
  const base = { clientId: 'bench', bootstrapBrokers: [server] }
  const producer = new Producer({ ...base, acks: -1 })
  const consumer = new Consumer({ ...base, groupId: `${topic}-group` })
  return {
    async connect () { await producer.metadata({ topics: [topic] }) },
    send: values => producer.send({ messages: values.map(value => ({ topic, value })) }),
    async consume (each) {
      const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST })
      stream.on('data', () => each(1))
    },
    async close () {
      await producer.close()
      await consumer.close(true)
    }
  }
}

const times: number[] = []

async function produce (client: Client): Promise<number> {
  let left = records
  const loop = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(perRequest, left)
      left -= count
      const sentMs = performance.now()
      await client.send(new Array<Buffer>(count).fill(value))
      times.push(performance.now() - sentMs)
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: loops }, loop))
  return records / (performance.now() - startedMs) * 1000
}

/** From the first record on: what comes before is the group's affair. */
async function consume (client: Client): Promise<number> {
  let seen = 0
  let first = 0
  let firstMs = 0
  await new Promise<void>((resolve, reject) => {
    client.consume(count => {
      if (seen === 0) {
        firstMs = performance.now()
        first = count
      }
      seen += count
      if (seen >= records) resolve()
    }).catch(reject)
  })
  return (seen - first) / (performance.now() - firstMs) * 1000
}

const client = name === 'kafkajs' ? kafkajsClient() : platformaticClient()
await client.connect()
const recordsPerSecond = await produce(client)
const consumedRecordsPerSecond = await consume(client)
await client.close()
times.sort((a, b) => a - b)
const quantile = (share: number) => times[Math.floor((times.length - 1) * share)]
process.stdout.write(JSON.stringify({
  recordsPerSecond,
  consumedRecordsPerSecond,
  p50Ms: quantile(0.5),
  p99Ms: quantile(0.99),
  p999Ms: quantile(0.999)
}) + '\n')
process.exit(0) // a client that keeps a timer does not keep the figures waiting
