// A small producer: batches per partition, several requests in flight, retries in order, one producer id
// with sequences when idempotent. No transactions, no interceptors; a batch that is too large is not split.
//
//   const producer = new Producer(cluster, { acks: -1 })
//   await producer.prepare('orders')
//   if (!producer.append('orders', null, null, value)) await producer.room()
//   await producer.flush()
import { type Timer } from '../base/clock.ts'
import { errorCodes, errorRetriable } from '../protocol/errors.ts'
import { InitProducerId } from '../protocol/messages/22-init-producer-id.ts'
import { Produce, type ProduceResponse } from '../protocol/messages/00-produce.ts'
import { type RecordHeader } from '../protocol/record.ts'
import { make } from '../protocol/schema.ts'
import { type RecordsPieces } from '../protocol/wire.ts'
import { BrokerError, type Cluster } from './cluster.ts'
import { type BrokerConnection } from './connection.ts'
import { partitionOfKey } from './partitioner.ts'
import { type Batch, type Delivered, ProduceQueue } from './produce-queue.ts'
import { type ProducerOptions, producerDefaults, produceVersionMax } from './producer-options.ts'

export { type ProducerOptions } from './producer-options.ts'

/** Another broker may lead the partition now. */
const leaderErrors = new Set<number>([
  errorCodes.NOT_LEADER_OR_FOLLOWER, errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.FENCED_LEADER_EPOCH, errorCodes.KAFKA_STORAGE_ERROR
])

interface Sending {
  readonly queue: ProduceQueue
  readonly batch: Batch
}

interface Node {
  connection: BrokerConnection | null
  opening: boolean
  inFlight: number
}

export class Producer {
  readonly #cluster: Cluster
  readonly #options: Required<ProducerOptions>
  readonly #queues = new Map<string, ProduceQueue[]>() // by topic, one per partition
  readonly #nodes = new Map<number, Node>()
  readonly #spares: Buffer[] = [] // buffers of batches that are done
  readonly #sparesMax: number
  readonly #takeSpare = (): Buffer | undefined => this.#spares.pop()
  readonly #sticky = new Map<string, number>() // where records without a key go until that batch is full
  #producerId = -1
  #producerEpoch = -1
  #initializing = false
  #refreshing = false
  #bufferedBytes = 0
  #flushing = false
  #pumpPlanned = false
  #timer: Timer | null = null
  #waitingForRoom: (() => void)[] = []
  #waitingForIdle: (() => void)[] = []
  #fatal: Error | null = null

  constructor (cluster: Cluster, options: ProducerOptions = {}) {
    this.#cluster = cluster
    const acks = options.acks ?? producerDefaults.acks
    this.#options = { ...producerDefaults, idempotent: acks === -1, ...options, acks }
    this.#sparesMax = Math.ceil(this.#options.bufferBytes / this.#options.batchBytes)
  }

  /**
   * Learns the topic's partitions, before the first append() to it. Throws BrokerError when there is no
   * such topic.
   */
  async prepare (topic: string, options: { create?: boolean, deadlineMs?: number } = {}): Promise<number> {
    const { partitions } = await this.#cluster.topic(topic, options)
    const queues = this.#queues.get(topic) ?? []
    while (queues.length < partitions.length) queues.push(new ProduceQueue(topic, queues.length))
    this.#queues.set(topic, queues)
    return partitions.length
  }

  /**
   * False: no room, nothing was taken; wait for room(). `partition` null: by key, without one wherever a
   * batch is begun.
   * Bytes are copied before it returns.
   */
  append (
    topic: string, partition: number | null, key: Uint8Array | null, value: Uint8Array | null,
    delivered: Delivered | null = null, timestamp = this.#cluster.clock.nowMs(),
    headers: readonly RecordHeader[] | null = null
  ): boolean {
    if (this.#fatal !== null) throw this.#fatal
    if (this.#bufferedBytes >= this.#options.bufferBytes) return false
    const queues = this.#queues.get(topic)
    if (queues === undefined) throw new Error(`prepare('${topic}') first`)
    const chosen = partition ??
      (key === null ? this.#stickyPartition(topic, queues) : partitionOfKey(key, queues.length))
    const queue = queues[chosen]
    if (queue === undefined) throw new BrokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    this.#bufferedBytes += (key?.length ?? 0) + (value?.length ?? 0)
    const { batchBytes, lingerMs } = this.#options
    const nowMs = this.#cluster.clock.monotonicMs()
    const begun = queue.growing === null
    const filled = queue.append(batchBytes, this.#takeSpare, nowMs, timestamp, key, value, headers, delivered)
    if (filled) {
      this.#planPump()
      if (partition === null && key === null) this.#sticky.delete(topic)
    } else if (begun) {
      if (lingerMs === 0) this.#planPump()
      else this.#wakeIn(lingerMs)
    }
    return true
  }

  /** Resolves when append() may succeed again. */
  room (): Promise<void> {
    return new Promise(resolve => this.#waitingForRoom.push(resolve))
  }

  /** Resolves when all that was appended is delivered or given up; each record's own callback says which. */
  flush (): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    this.#flushing = true
    this.#planPump()
    return new Promise(resolve => this.#waitingForIdle.push(resolve))
  }

  #stickyPartition (topic: string, queues: readonly ProduceQueue[]): number {
    const known = this.#sticky.get(topic)
    if (known !== undefined) return known
    // No chance needed: the partition with the least to do.
    let best = 0
    for (let index = 1; index < queues.length; index++) {
      if (load(queues[index]) < load(queues[best])) best = index
    }
    this.#sticky.set(topic, best)
    return best
  }

  #isIdle (): boolean {
    for (const queues of this.#queues.values()) if (queues.some(queue => !queue.isIdle)) return false
    return true
  }

  /** After what runs now: several appends make one request where they can. */
  #planPump (): void {
    if (this.#pumpPlanned) return
    this.#pumpPlanned = true
    queueMicrotask(() => {
      this.#pumpPlanned = false
      this.#pump()
    })
  }

  #wakeIn (delayMs: number): void {
    if (this.#timer !== null) return
    this.#timer = this.#cluster.clock.after(delayMs, () => {
      this.#timer = null
      this.#pump()
    })
  }

  #pump (): void {
    if (this.#options.idempotent && this.#producerId < 0) {
      if (!this.#isIdle()) this.#initialize()
      return
    }
    const nowMs = this.#cluster.clock.monotonicMs()
    let wakeMs = Infinity
    const byLeader = new Map<number, ProduceQueue[]>()
    for (const queues of this.#queues.values()) {
      for (const queue of queues) {
        wakeMs = Math.min(wakeMs, this.#closeWhenDue(queue, nowMs))
        if (queue.ready.length === 0) continue
        this.#expire(queue, nowMs)
        if (queue.ready.length === 0) continue
        if (queue.retryAtMs > nowMs || (queue.ready[0].attempts > 0 && queue.inFlight.length > 0)) {
          wakeMs = Math.min(wakeMs, Math.max(1, queue.retryAtMs - nowMs))
          continue
        }
        const leader = this.#leaderOf(queue)
        if (leader < 0) continue
        const list = byLeader.get(leader)
        if (list === undefined) byLeader.set(leader, [queue])
        else list.push(queue)
      }
    }
    for (const [leader, queues] of byLeader) this.#sendTo(leader, queues)
    if (wakeMs < Infinity) this.#wakeIn(wakeMs)
  }

  /** Returns when it will be due, if it grows. */
  #closeWhenDue (queue: ProduceQueue, nowMs: number): number {
    if (queue.growing === null) return Infinity
    const leftMs = queue.growing.createdMs + this.#options.lingerMs - nowMs
    if (leftMs > 0 && !this.#flushing) return leftMs
    queue.close()
    return Infinity
  }

  #leaderOf (queue: ProduceQueue): number {
    const known = this.#cluster.topicNow(queue.topic)?.partitions[queue.partition]
    if (known !== undefined && known.leaderId >= 0) return known.leaderId
    if (!this.#refreshing) {
      this.#refreshing = true
      this.#cluster.metadata([...this.#queues.keys()]).catch(() => {}).then(() => {
        this.#refreshing = false
        this.#wakeIn(this.#cluster.topicNow(queue.topic) === null ? this.#cluster.retryBackoffMs : 0)
      })
    }
    return -1
  }

  #sendTo (leader: number, queues: readonly ProduceQueue[]): void {
    const node = this.#nodes.get(leader) ?? { connection: null, opening: false, inFlight: 0 }
    this.#nodes.set(leader, node)
    if (node.connection === null || !node.connection.isOpen) return this.#open(leader, node)
    const version = Math.min(node.connection.ranges!.get(Produce.key)!.max, produceVersionMax)
    while (node.inFlight < this.#options.inFlightMax) {
      const sending: Sending[] = []
      let bytes = 0
      for (const queue of queues) {
        if (queue.ready.length === 0) continue
        if (queue.ready[0].attempts > 0 && queue.inFlight.length > 0) continue
        if (bytes > 0 && bytes + queue.ready[0].builder.bytes > this.#options.requestBytesMax) break
        const batch = queue.take(this.#options.codec, this.#producerId, this.#producerEpoch)
        sending.push({ queue, batch })
        bytes += batch.bytes!.length
      }
      if (sending.length === 0) return
      this.#send(node, version, sending)
    }
  }

  #open (leader: number, node: Node): void {
    if (node.opening) return
    node.opening = true
    node.inFlight = 0
    this.#cluster.broker(leader).then(async connection => {
      await connection.versionOf(Produce, produceVersionMax)
      node.connection = connection
    }).catch(() => this.#forgetLeaders()).then(() => {
      node.opening = false
      this.#wakeIn(node.connection?.isOpen === true ? 0 : this.#cluster.retryBackoffMs)
    })
  }

  /** The broker may be gone and others lead now. */
  #forgetLeaders (): void {
    for (const topic of this.#queues.keys()) this.#cluster.forgetTopic(topic)
  }

  #send (node: Node, version: number, sending: readonly Sending[]): void {
    const { acks } = this.#options
    const connection = node.connection!
    // As pieces: the batch goes out from where it lies, and nobody touches it before it is answered.
    const byTopic = new Map<string, { index: number, records: Buffer }[]>()
    for (const { queue: { topic, partition }, batch } of sending) {
      const pieces: RecordsPieces = { bytes: batch.bytes!.length, pieces: [batch.bytes!] }
      const data = { index: partition, records: pieces as unknown as Buffer }
      const list = byTopic.get(topic)
      if (list === undefined) byTopic.set(topic, [data])
      else list.push(data)
    }
    const request = make(Produce.request, {
      transactionalId: null,
      acks,
      timeoutMs: this.#cluster.requestTimeoutMs,
      topicData: [...byTopic].map(([name, partitionData]) => ({ name, partitionData }))
    })
    if (acks === 0) return this.#sendUnanswered(connection, version, request, sending)
    node.inFlight++
    connection.send(Produce, version, request).then(
      answer => {
        node.inFlight--
        this.#answered(answer, sending)
      },
      (error: Error) => {
        // All of that connection's requests fail together: their number starts over with the next connection.
        if (node.connection === connection) node.connection = null
        this.#forgetLeaders()
        for (const { queue, batch } of sending) this.#failedOnce(queue, batch, error, true)
      }
    ).then(() => this.#pump())
  }

  #sendUnanswered (
    connection: BrokerConnection, version: number, request: Parameters<BrokerConnection['sendUnanswered']>[2],
    sending: readonly Sending[]
  ): void {
    connection.sendUnanswered(Produce, version, request)
    for (const { queue, batch } of sending) {
      queue.settle(batch)
      this.#finish(batch, null, -1, false)
    }
  }

  #answered (answer: ProduceResponse, sending: readonly Sending[]): void {
    for (const { queue, batch } of sending) {
      const topic = answer.responses.find(({ name }) => name === queue.topic)
      const result = topic?.partitionResponses.find(({ index }) => index === queue.partition)
      const errorCode = result === undefined ? errorCodes.UNKNOWN_SERVER_ERROR : result.errorCode
      if (errorCode === errorCodes.NONE || errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER) {
        queue.settle(batch)
        this.#finish(batch, null, errorCode === errorCodes.NONE ? result!.baseOffset : -1, true)
        continue
      }
      if (leaderErrors.has(errorCode)) this.#cluster.forgetTopic(queue.topic)
      // A batch before this one is to be sent again: then this one had to fail, and goes again behind it.
      const behind = errorCode === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER && isBehindRetry(queue, batch)
      const error = new BrokerError(errorCode, result?.errorMessage)
      if (behind || errorRetriable(errorCode)) this.#failedOnce(queue, batch, error, true)
      else {
        queue.settle(batch)
        if (batch.baseSequence >= 0) queue.closeGap(batch)
        this.#finish(batch, error, -1, true)
      }
    }
  }

  #failedOnce (queue: ProduceQueue, batch: Batch, error: Error, mayRetry: boolean): void {
    const nowMs = this.#cluster.clock.monotonicMs()
    const inTime = nowMs - batch.createdMs < this.#options.deliveryTimeoutMs
    if (mayRetry && inTime && batch.attempts <= this.#options.retriesMax) {
      queue.again(batch, nowMs + this.#cluster.retryBackoffMs)
      return
    }
    queue.settle(batch)
    this.#giveUp(queue, batch, error)
  }

  #giveUp (queue: ProduceQueue, batch: Batch, error: Error): void {
    this.#finish(batch, error, -1, true)
    // Its sequence will never come: what follows needs a new producer id, for that partition's sake.
    if (batch.baseSequence >= 0) this.#restart(queue)
  }

  /** Not in the middle of things: requests in flight still carry the old id. */
  #restart (queue: ProduceQueue): void {
    if (queue.inFlight.length > 0) return
    this.#producerId = -1
    for (const queues of this.#queues.values()) for (const other of queues) other.restartSequences()
  }

  #expire (queue: ProduceQueue, nowMs: number): void {
    while (queue.ready.length > 0 && nowMs - queue.ready[0].createdMs >= this.#options.deliveryTimeoutMs) {
      const batch = queue.ready.shift()!
      const { records } = batch.builder
      this.#giveUp(queue, batch, new Error(`Expiring ${records} record(s) for ${queue.topic}-${queue.partition}:` +
        `${Math.round(nowMs - batch.createdMs)} ms has passed since batch creation`))
    }
  }

  #finish (batch: Batch, error: Error | null, baseOffset: number, reusable: boolean): void {
    batch.delivered.forEach((delivered, index) =>
      delivered?.(error, error !== null || baseOffset < 0 ? -1 : baseOffset + index))
    const { buffer } = batch.builder
    this.#bufferedBytes -= batch.payloadBytes
    const fits = buffer.length === this.#options.batchBytes
    if (reusable && fits && this.#spares.length < this.#sparesMax) this.#spares.push(buffer)
    if (this.#bufferedBytes < this.#options.bufferBytes) for (const go of this.#waitingForRoom.splice(0)) go()
    if (this.#waitingForIdle.length === 0 || !this.#isIdle()) return
    this.#flushing = false
    for (const go of this.#waitingForIdle.splice(0)) go()
  }

  #initialize (): void {
    if (this.#initializing) return
    this.#initializing = true
    const request = make(InitProducerId.request, { transactionalId: null, transactionTimeoutMs: 2147483647 })
    this.#cluster.ask(InitProducerId, request).then(({ errorCode, producerId, producerEpoch }) => {
      if (errorCode !== errorCodes.NONE) throw new BrokerError(errorCode)
      this.#producerId = producerId
      this.#producerEpoch = producerEpoch
    }).catch((error: Error) => this.#failAll(error)).then(() => {
      this.#initializing = false
      this.#pump()
    })
  }

  #failAll (error: Error): void {
    this.#fatal = error
    for (const queues of this.#queues.values()) {
      for (const queue of queues) {
        queue.close()
        for (const batch of queue.ready.splice(0)) this.#finish(batch, error, -1, false)
      }
    }
  }
}

function load (queue: ProduceQueue): number {
  return queue.ready.length + queue.inFlight.length
}

function isBehindRetry (queue: ProduceQueue, batch: Batch): boolean {
  const isBefore = (other: Batch) => other.baseSequence < batch.baseSequence
  return batch.shifted || queue.inFlight.some(isBefore) ||
    queue.ready.some(other => other.attempts > 0 && isBefore(other))
}
