// One run: connections are made, the warm-up passes, the clock runs, what happened meanwhile is the result.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster } from '../../engine/client/cluster.ts'
import { createTopic, offsets, openCluster, type Usage, usageOf } from './broker.ts'
import { LoadConsumer } from './consumer.ts'
import { buildRecords, type BuiltBatch, produceFrame } from './frames.ts'
import { Histogram } from './histogram.ts'
import { type LoadOptions } from './options.ts'
import { LoadProducer } from './producer.ts'

export interface Times {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface Flow {
  readonly requests: number
  readonly records: number
  readonly bytes: number
  readonly errors: number
  readonly errorCode: number
  readonly latencyMs: Times
  /** Open loop: without the time a request left too late. */
  readonly serviceMs: Times | null
}

export interface Result {
  readonly seconds: number
  readonly produced: Flow | null
  readonly consumed: Flow | null
  readonly brokerBefore: Usage
  readonly brokerAfter: Usage
  readonly generatorCpuSeconds: number
}

/** The schedule of an open loop is kept by a timer; it groups what falls into the same tick. */
const tickMs = 1

export async function run (options: LoadOptions): Promise<Result> {
  const cluster = openCluster(options.host, options.port)
  try {
    const isNew = await createTopic(cluster, options.topic, options.partitions)
    const batch = buildRecords(options)
    const producing = options.mode !== 'consume'
    if (!producing && isNew && options.fillBytes > 0) await fill(options, batch)
    const times = { intended: new Histogram(), service: new Histogram(), fetch: new Histogram() }
    const producers = producing ? await connectProducers(options, batch, times.intended, times.service) : []
    const consumers = await connectConsumers(options, cluster, times.fetch)
    const before = await recordsIn(cluster, options)
    const result = await measured(options, batch, producers, consumers, times)
    if (options.acks !== 0) {
      const acknowledged = sum(producers.map(({ answered, errors }) => answered - errors)) * batch.records
      const there = await recordsIn(cluster, options) - before
      if (there < acknowledged) throw new Error(`${acknowledged} records were acknowledged, ${there} are there`)
    }
    return result
  } finally {
    cluster.close()
  }
}

/** What the broker says, so that a figure is not taken from answers alone. */
async function recordsIn (cluster: Cluster, { topic, partitions }: LoadOptions): Promise<number> {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return sum([...(await offsets(cluster, topic, all, 'latest')).values()])
}

interface AllTimes {
  readonly intended: Histogram
  readonly service: Histogram
  readonly fetch: Histogram
}

async function measured (
  options: LoadOptions, batch: BuiltBatch, producers: LoadProducer[], consumers: LoadConsumer[],
  times: AllTimes
): Promise<Result> {
  for (const consumer of consumers) consumer.start()
  const stopSchedule = startProducers(options, producers)
  await sleep(options.warmupSeconds * 1000)
  for (const histogram of Object.values(times)) histogram.reset()
  const counts = () => ({
    produced: sum(producers.map(({ answered }) => answered)),
    fetches: sum(consumers.map(({ answered }) => answered)),
    records: sum(consumers.map(({ records }) => records)),
    bytes: sum(consumers.map(({ bytes }) => bytes))
  })
  const before = counts()
  const brokerBefore = usageOf(options.pid)
  const cpuBefore = process.cpuUsage()
  const startedMs = performance.now()
  await sleep(options.seconds * 1000)
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  const brokerAfter = usageOf(options.pid)
  const after = counts()
  stopSchedule()
  for (const connection of [...producers, ...consumers]) connection.close()
  const requests = after.produced - before.produced
  const open = options.rate > 0
  return {
    seconds,
    produced: producers.length === 0
      ? null
      : {
          requests,
          records: requests * batch.records,
          bytes: requests * batch.bytes.length,
          ...errorsOf(producers),
          latencyMs: quantiles(times.intended),
          serviceMs: open ? quantiles(times.service) : null
        },
    consumed: consumers.length === 0
      ? null
      : {
          requests: after.fetches - before.fetches,
          records: after.records - before.records,
          bytes: after.bytes - before.bytes,
          ...errorsOf(consumers),
          latencyMs: quantiles(times.fetch),
          serviceMs: null
        },
    brokerBefore,
    brokerAfter,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6
  }
}

function startProducers ({ rate }: LoadOptions, producers: LoadProducer[]): () => void {
  for (const producer of producers) {
    if (rate > 0) producer.startOpenLoop()
    else producer.startClosedLoop()
  }
  if (rate === 0 || producers.length === 0) return () => {}
  const startMs = performance.now()
  let sent = 0
  let turn = 0
  // Everything that has fallen due since the last tick, each with the tick in which it should have left.
  const timer = setInterval(() => {
    const passed = performance.now() - startMs
    while (true) {
      const dueMs = Math.floor(sent / rate * 1000 / tickMs) * tickMs
      if (dueMs > passed) break
      producers[turn].due(startMs + dueMs, 1)
      turn = (turn + 1) % producers.length
      sent++
    }
  }, tickMs)
  return () => clearInterval(timer)
}

async function connectProducers (
  options: LoadOptions, batch: BuiltBatch, intended: Histogram, service: Histogram
): Promise<LoadProducer[]> {
  const { host, port, topic, acks, partitions, connections, inFlight } = options
  return Promise.all(Array.from({ length: connections }, (_, index) => {
    // Request n of a connection goes to the n-th of its partitions.
    const own = shareOf(index, connections, partitions)
    const frames = Array.from({ length: Math.max(inFlight, own.length) }, (_, n) =>
      produceFrame(topic, own[n % own.length], acks, batch))
    return LoadProducer.connect({ host, port, topic, acks, frames, inFlight, intended, service })
  }))
}

async function connectConsumers (
  options: LoadOptions, cluster: Cluster, times: Histogram
): Promise<LoadConsumer[]> {
  const { host, port, topic, partitions, consumers, fetchBytes, mode } = options
  if (consumers === 0) return []
  const tail = mode === 'mixed'
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const starts = await offsets(cluster, topic, all, tail ? 'latest' : 'earliest')
  return Promise.all(Array.from({ length: consumers }, (_, index) => {
    const lanes = shareOf(index, consumers, partitions)
      .map(partition => ({ partition, start: starts.get(partition)! }))
    return LoadConsumer.connect({ host, port, topic, partitions: lanes, fetchBytes, tail, times })
  }))
}

/** The partitions of one of several connections: each has a share, or several share one. */
function shareOf (connection: number, connections: number, partitions: number): number[] {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return all.filter(partition => connections >= partitions
    ? partition === connection % partitions
    : partition % connections === connection)
}

/** Something to read. */
async function fill (options: LoadOptions, batch: BuiltBatch): Promise<void> {
  const histogram = new Histogram()
  const connections = Math.min(options.partitions, 4)
  const filling = { ...options, acks: -1, connections, inFlight: 8 }
  const producers = await connectProducers(filling, batch, histogram, histogram)
  const wanted = Math.ceil(options.fillBytes / batch.bytes.length)
  for (const producer of producers) producer.startClosedLoop()
  while (sum(producers.map(({ answered }) => answered)) < wanted) await sleep(20)
  for (const producer of producers) producer.stop()
  while (producers.some(({ inFlight }) => inFlight > 0)) await sleep(20)
  for (const producer of producers) producer.close()
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function errorsOf (connections: readonly { errors: number, firstErrorCode: number }[]) {
  return {
    errors: sum(connections.map(({ errors }) => errors)),
    errorCode: connections.find(({ firstErrorCode }) => firstErrorCode !== 0)?.firstErrorCode ?? 0
  }
}

function quantiles (histogram: Histogram): Times {
  return {
    p50: histogram.quantileMs(0.5),
    p99: histogram.quantileMs(0.99),
    p999: histogram.quantileMs(0.999),
    max: histogram.maxMs
  }
}
