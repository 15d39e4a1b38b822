// One run: connections are made, the warm-up passes, the clock runs, what happened meanwhile is the result.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster } from '../../engine/client/cluster.ts'
import { Arrivals } from './arrivals.ts'
import { createTopic, deleteTopic, offsets, openCluster, resetPeak, type Usage, usageOf } from './broker.ts'
import { LoadConsumer } from './consumer.ts'
import { buildRecords, type BuiltBatch, produceFrame } from './frames.ts'
import { Histogram } from './histogram.ts'
import { type LoadOptions } from './options.ts'
import { LoadProducer } from './producer.ts'
import { startSchedule } from './schedule.ts'

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
  /** Mixed: from when a request should have left to when a consumer had its records. */
  readonly endToEndMs: Times | null
  readonly brokerBefore: Usage
  readonly brokerAfter: Usage
  readonly generatorCpuSeconds: number
}

interface AllTimes {
  readonly intended: Histogram
  readonly service: Histogram
  readonly fetch: Histogram
  readonly endToEnd: Histogram
}

/** How often it is looked whether enough bytes have passed. */
const lookMs = 10
/** Of what may be written in all, this much before the clock runs. */
const warmupShare = 1 / 3

export async function run (options: LoadOptions): Promise<Result> {
  const cluster = openCluster(options.host, options.port)
  try {
    const isNew = await createTopic(cluster, options.topic, options.partitions)
    const batch = buildRecords(options)
    const producing = options.mode !== 'consume'
    if (!producing && isNew && options.fillBytes > 0) await fill(options, batch)
    const times = {
      intended: new Histogram(), service: new Histogram(), fetch: new Histogram(), endToEnd: new Histogram()
    }
    const arrivals = await arrivalsOf(options, cluster, batch, times)
    const producers = producing ? await connectProducers(options, batch, times, arrivals) : []
    const consumers = await connectConsumers(options, cluster, times.fetch, arrivals)
    const before = await recordsIn(cluster, options)
    const result = await measured(options, batch, producers, consumers, times)
    if (options.acks !== 0) {
      const { partitionsPerRequest } = options
      const batches = sum(producers.map(({ answered, errors }) => answered * partitionsPerRequest - errors))
      const acknowledged = batches * batch.records
      const there = await recordsIn(cluster, options) - before
      if (there < acknowledged) throw new Error(`${acknowledged} records were acknowledged, ${there} are there`)
    }
    if (options.deletes) await deleteTopic(cluster, options.topic)
    return result
  } finally {
    cluster.close()
  }
}

/** What the broker says, so that a figure is not taken from answers alone. */
async function recordsIn (cluster: Cluster, { topic, partitions }: LoadOptions): Promise<number> {
  return sum([...(await offsets(cluster, topic, numbersTo(partitions), 'latest')).values()])
}

/** Null where nobody reads what is written, or where several connections write to one partition. */
async function arrivalsOf (
  options: LoadOptions, cluster: Cluster, batch: BuiltBatch, times: AllTimes
): Promise<Arrivals | null> {
  const { mode, connections, partitions, topic } = options
  if (mode !== 'mixed' || connections > partitions) return null
  const ends = await offsets(cluster, topic, numbersTo(partitions), 'latest')
  return new Arrivals(ends, batch.records, times.endToEnd)
}

async function measured (
  options: LoadOptions, batch: BuiltBatch, producers: LoadProducer[], consumers: LoadConsumer[],
  times: AllTimes
): Promise<Result> {
  const { bytesMax, pid } = options
  const requestBytes = batch.bytes.length * options.partitionsPerRequest
  const counts = () => ({
    produced: sum(producers.map(({ answered }) => answered)),
    fetches: sum(consumers.map(({ answered }) => answered)),
    records: sum(consumers.map(({ records }) => records)),
    bytes: sum(consumers.map(({ bytes }) => bytes))
  })
  const writtenMost = (bytes: number) => () => counts().produced * requestBytes >= bytes
  resetPeak(pid)
  for (const consumer of consumers) consumer.start()
  const stopSchedule = startProducers(options, producers)
  await pass(options.warmupSeconds, writtenMost(bytesMax * warmupShare))
  for (const histogram of Object.values(times)) histogram.reset()
  const before = counts()
  const brokerBefore = usageOf(pid)
  const cpuBefore = process.cpuUsage()
  const startedMs = performance.now()
  await pass(options.seconds, writtenMost(bytesMax))
  const seconds = (performance.now() - startedMs) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  const brokerAfter = usageOf(pid)
  const after = counts()
  stopSchedule()
  for (const connection of [...producers, ...consumers]) connection.close()
  const requests = after.produced - before.produced
  const produced = {
    requests,
    records: requests * batch.records * options.partitionsPerRequest,
    bytes: requests * requestBytes,
    ...errorsOf(producers),
    latencyMs: quantiles(times.intended),
    serviceMs: options.rate > 0 ? quantiles(times.service) : null
  }
  const consumed = {
    requests: after.fetches - before.fetches,
    records: after.records - before.records,
    bytes: after.bytes - before.bytes,
    ...errorsOf(consumers),
    latencyMs: quantiles(times.fetch),
    serviceMs: null
  }
  return {
    seconds,
    produced: producers.length === 0 ? null : produced,
    consumed: consumers.length === 0 ? null : consumed,
    endToEndMs: times.endToEnd.count === 0 ? null : quantiles(times.endToEnd),
    brokerBefore,
    brokerAfter,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6
  }
}

/** Lets time pass, less of it when enough was written. */
async function pass (seconds: number, enough: () => boolean): Promise<void> {
  const untilMs = performance.now() + seconds * 1000
  for (let left = seconds * 1000; left > 0 && !enough(); left = untilMs - performance.now()) {
    await sleep(Math.min(left, lookMs))
  }
}

function startProducers ({ rate }: LoadOptions, producers: LoadProducer[]): () => void {
  for (const producer of producers) {
    if (rate > 0) producer.startOpenLoop()
    else producer.startClosedLoop()
  }
  if (rate === 0 || producers.length === 0) return () => {}
  return startSchedule(rate, producers)
}

async function connectProducers (
  options: LoadOptions, batch: BuiltBatch, times: AllTimes, arrivals: Arrivals | null
): Promise<LoadProducer[]> {
  const { host, port, topic, acks, partitions, connections, inFlight, partitionsPerRequest } = options
  const { intended, service } = times
  return Promise.all(Array.from({ length: connections }, (_, index) => {
    const groups = groupsOf(shareOf(index, connections, partitions), partitionsPerRequest)
    // Request n of a connection goes to the n-th group of its partitions.
    const targets = Array.from({ length: Math.ceil(inFlight / groups.length) }, () => groups).flat()
    const frames = targets.map(target => produceFrame(topic, target, acks, batch))
    const sent = arrivals === null
      ? undefined
      : (frame: number, intendedMs: number) => {
          for (const partition of targets[frame]) arrivals.sent(partition, intendedMs)
        }
    return LoadProducer.connect({
      host, port, topic, acks, frames, inFlight, intended, service, sent, partitionsPerRequest
    })
  }))
}

/** All partitions as often as each other, so many of them at a time. */
function groupsOf (partitions: readonly number[], each: number): number[][] {
  if (each > partitions.length) {
    throw new Error(`a request to ${each} partitions needs as many on a connection; it has ${partitions.length}`)
  }
  const groups: number[][] = []
  let at = 0
  do {
    groups.push(Array.from({ length: each }, (_, n) => partitions[(at + n) % partitions.length]))
    at = (at + each) % partitions.length
  } while (at !== 0)
  return groups
}

function numbersTo (count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

async function connectConsumers (
  options: LoadOptions, cluster: Cluster, times: Histogram, arrivals: Arrivals | null
): Promise<LoadConsumer[]> {
  const { host, port, topic, partitions, consumers, fetchBytes, mode } = options
  if (consumers === 0) return []
  const tail = mode === 'mixed'
  const starts = await offsets(cluster, topic, numbersTo(partitions), tail ? 'latest' : 'earliest')
  return Promise.all(Array.from({ length: consumers }, (_, index) => {
    const lanes = shareOf(index, consumers, partitions)
      .map(partition => ({ partition, start: starts.get(partition)! }))
    // Where several read the same, the first of them is listened to.
    const arrived = arrivals === null || index >= partitions
      ? undefined
      : (partition: number, nextOffset: number) => arrivals.arrived(partition, nextOffset, performance.now())
    return LoadConsumer.connect({ host, port, topic, partitions: lanes, fetchBytes, tail, times, arrived })
  }))
}

/** The partitions of one of several connections: each has a share, or several share one. */
function shareOf (connection: number, connections: number, partitions: number): number[] {
  return numbersTo(partitions).filter(partition => connections >= partitions
    ? partition === connection % partitions
    : partition % connections === connection)
}

/** Something to read. */
async function fill (options: LoadOptions, batch: BuiltBatch): Promise<void> {
  const ignored = new Histogram()
  const times = { intended: ignored, service: ignored, fetch: ignored, endToEnd: ignored }
  const connections = Math.min(options.partitions, 4)
  const filling = { ...options, acks: -1, connections, inFlight: 8, partitionsPerRequest: 1 }
  const producers = await connectProducers(filling, batch, times, null)
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
