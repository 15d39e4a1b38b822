// Puts records into partitions: one batch a request, the partitions of a topic in turn.
import { setTimeout as sleep } from 'node:timers/promises'
import { type BuiltBatch, produceFrame } from './load/frames.ts'
import { Histogram } from './load/histogram.ts'
import { LoadProducer } from './load/producer.ts'

export interface Filling {
  readonly port: number
  readonly topic: string
  readonly partitions: number
  readonly connections?: number
  readonly inFlight?: number
  readonly batch: BuiltBatch
}

export const host = '127.0.0.1'

/** Each connection has its share of the partitions. */
export function producersFor (filling: Filling, times = new Histogram()): Promise<LoadProducer[]> {
  const { port, topic, partitions, batch, inFlight = 5 } = filling
  const connections = Math.min(filling.connections ?? 4, partitions)
  return Promise.all(Array.from({ length: connections }, (_, index) => {
    const own = Array.from({ length: partitions }, (_, partition) => partition)
      .filter(partition => partition % connections === index)
    const frames = Array.from({ length: Math.max(inFlight, own.length) }, (_, n) =>
      produceFrame(topic, [own[n % own.length]], -1, batch))
    return LoadProducer.connect({
      host, port, topic, acks: -1, frames, inFlight, partitionsPerRequest: 1, intended: times, service: times
    })
  }))
}

/** At least one batch into every partition, and so many bytes in all. */
export async function fill (filling: Filling, bytes: number): Promise<void> {
  const producers = await producersFor(filling)
  for (const producer of producers) producer.startClosedLoop()
  const each = Math.max(
    Math.ceil(filling.partitions / producers.length), bytes / filling.batch.bytes.length / producers.length)
  while (producers.some(producer => producer.answered < each)) await sleep(5)
  for (const producer of producers) producer.stop()
  while (producers.some(producer => producer.inFlight > 0)) await sleep(5)
  for (const producer of producers) producer.close()
  const failed = producers.find(producer => producer.errors > 0)
  if (failed !== undefined) throw new Error(`a batch was refused with ${failed.firstErrorCode}`)
}
