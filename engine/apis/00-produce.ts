// Produce, v3–v13. Appends record batches; answered when they count as written: acks=1 when this broker has
// them, acks=-1 when the high watermark is above them. acks=0 is not answered, and an error then closes the
// connection.
//   v8  which records were refused, and why      v10 the new leader in the answer      v13 topics by id
//
// Life of a request: every partition's records go to the log with this request as their waiter; where a
// ring is full the rest waits, and with it what comes behind on the connection, so that order holds. The
// last result makes the answer.
import { errorCodes, errorName } from '../protocol/errors.ts'
import { type Produce, type ProduceRequest, type ProduceResponse } from '../protocol/messages/00-produce.ts'
import { type AppendResult } from '../log/types.ts'
import { type PartitionInfo, type TopicInfo } from '../catalog/catalog.ts'
import { type HostedPartition } from '../replication/partitions.ts'
import { type AppendOrigin, type AppendWaiter } from '../threads/log-client.ts'
import { type Parked } from '../waiting/waiting-room.ts'
import { CloseConnection, type Handler, noAnswer, type NoAnswer, type RequestContext } from './context.ts'

type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number]

const topicIdsSince = 13
const leaderSince = 10
const fromClient: AppendOrigin = { kind: 'client', leaderEpoch: -1 }
/** Kafka's admin client is the one that may write to internal topics. */
const internalWriter = '__admin_client'

const noErrors: PartitionResponse['recordErrors'] = []
const noLeader = { leaderId: -1, leaderEpoch: -1 }
const noRecords = Buffer.alloc(0)
const noPartitions: readonly undefined[] = []

export const produce: Handler<typeof Produce> = (request, context) => {
  return new ProduceWork(request, context).run()
}

/** The records of one partition, on their way. */
interface Part {
  readonly response: PartitionResponse
  readonly hosted: HostedPartition
  readonly records: Buffer
}

class ProduceWork implements AppendWaiter, Parked {
  readonly #context: RequestContext
  readonly #acks: number
  readonly #timeoutMs: number
  readonly #responses: ProduceResponse['responses'] = []
  readonly #parts: Part[] = []
  /** By part: the high watermark that confirms it; -1 once it is or when it needs none. */
  #confirmedAt: number[] = []
  #waitingFor = 0 // parts without a result
  #handedOn = 0 // parts that entered their ring
  #failed = 0 // the first error, for acks=0
  #release: (() => void) | null = null
  #resolve: ((answer: ProduceResponse | NoAnswer) => void) | null = null
  #reject: ((reason: Error) => void) | null = null

  constructor (request: ProduceRequest, context: RequestContext) {
    this.#context = context
    this.#acks = request.acks
    this.#timeoutMs = request.timeoutMs
    this.#plan(request)
  }

  run (): ProduceResponse | NoAnswer | Promise<ProduceResponse | NoAnswer> {
    this.#waitingFor = this.#parts.length
    this.#handOn()
    if (this.#waitingFor === 0 && this.#isConfirmed()) return this.#answer()
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      if (this.#waitingFor === 0) this.#wait()
    })
  }

  appended (token: number, result: AppendResult): void {
    const { response, hosted } = this.#parts[token]
    response.errorCode = result.errorCode
    response.baseOffset = result.baseOffset
    response.logAppendTimeMs = result.logAppendTimeMs
    response.logStartOffset = result.logStartOffset
    if (result.errorCode !== errorCodes.NONE) {
      response.errorMessage = result.errorMessage
      if (result.recordErrors.length > 0) response.recordErrors = recordErrors(result)
      this.#fail(response, hosted)
    } else if (this.#acks === -1) {
      const needed = result.lastOffset + 1
      if (this.#context.log.table.highWatermark(hosted.row) < needed) this.#confirmedAt[token] = needed
    }
    if (--this.#waitingFor > 0 || this.#resolve === null) return
    if (this.#isConfirmed()) this.#finish()
    else this.#wait()
  }

  /** A row advanced on which we wait. */
  check (): boolean {
    if (!this.#isConfirmed()) return false
    this.#finish()
    return true
  }

  expire (): void {
    for (let token = 0; token < this.#parts.length; token++) {
      if (this.#confirmedAt[token] === undefined || this.#confirmedAt[token] < 0) continue
      this.#parts[token].response.errorCode = errorCodes.REQUEST_TIMED_OUT
    }
    this.#finish()
  }

  /** Looks every partition up; what cannot be written has its answer now. */
  #plan (request: ProduceRequest): void {
    const { version, partitions } = this.#context
    const byId = version >= topicIdsSince
    for (const { name, topicId, partitionData } of request.topicData) {
      const topic = byId ? partitions.topicById(topicId) : partitions.topic(name)
      const hostedOnes = topic === undefined ? noPartitions : partitions.ofTopic(topic.name)
      const problem = this.#problemWith(topic, byId)
      const inSyncMin = topic === undefined || this.#acks !== -1 ? 0 : minInSyncReplicas(topic, this.#context)
      const partitionResponses: PartitionResponse[] = []
      let highest = -1
      for (const { index, records } of partitionData) {
        const response = blank(index)
        const hosted = hostedOnes[index]
        const errorCode = topic === undefined || problem === errorCodes.TOPIC_AUTHORIZATION_FAILED
          ? problem
          : this.#problemAt(topic.partitions[index], problem, hosted, inSyncMin)
        // Most clients name them in order: then none comes twice.
        if (index > highest) highest = index
        else this.#dropTwin(partitionResponses, index)
        partitionResponses.push(response)
        if (errorCode !== errorCodes.NONE) this.#refuse(response, errorCode, hosted)
        else this.#parts.push({ response, hosted: hosted!, records: records ?? noRecords })
      }
      if (partitionResponses.length > 0) this.#responses.push({ name, topicId, partitionResponses })
    }
  }

  /** The same partition twice: the later records count, as in Kafka. */
  #dropTwin (responses: PartitionResponse[], index: number): void {
    const at = responses.findIndex(response => response.index === index)
    if (at < 0) return
    const part = this.#parts.findIndex(({ response }) => response === responses[at])
    if (part >= 0) this.#parts.splice(part, 1)
    responses.splice(at, 1)
  }

  /** What is the same for all partitions of a topic. */
  #problemWith (topic: TopicInfo | undefined, byId: boolean): number {
    const context = this.#context
    if (topic === undefined) return byId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (!context.authorize('WRITE', { topic: topic.name })) return errorCodes.TOPIC_AUTHORIZATION_FAILED
    if (this.#acks < -1 || this.#acks > 1) return errorCodes.INVALID_REQUIRED_ACKS
    if (topic.internal && context.clientId !== internalWriter) return errorCodes.INVALID_TOPIC_EXCEPTION
    return errorCodes.NONE
  }

  #problemAt (
    known: PartitionInfo | undefined, problem: number, hosted: HostedPartition | undefined, inSyncMin: number
  ): number {
    if (known === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (problem !== errorCodes.NONE) return problem
    if (hosted === undefined) return errorCodes.NOT_LEADER_OR_FOLLOWER
    if (hosted.errorCode !== errorCodes.NONE) return hosted.errorCode
    if (!hosted.leader) return errorCodes.NOT_LEADER_OR_FOLLOWER
    return known.isr.length < inSyncMin ? errorCodes.NOT_ENOUGH_REPLICAS : errorCodes.NONE
  }

  #refuse (response: PartitionResponse, errorCode: number, hosted: HostedPartition | undefined): void {
    response.errorCode = errorCode
    if (errorCode === errorCodes.NOT_ENOUGH_REPLICAS) {
      response.logStartOffset = this.#context.log.table.logStart(hosted!.row)
    }
    this.#fail(response, hosted)
  }

  #fail (response: PartitionResponse, hosted: HostedPartition | undefined): void {
    if (this.#failed === 0) this.#failed = response.errorCode
    const moved = response.errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER
    if (!moved || this.#context.version < leaderSince || hosted === undefined) return
    const partition = this.#context.partitions.topic(hosted.topic)?.partitions[hosted.index]
    if (partition === undefined) return
    response.currentLeader = { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch }
  }

  #handOn (): void {
    const { log } = this.#context
    while (this.#handedOn < this.#parts.length) {
      const token = this.#handedOn
      const { hosted, records } = this.#parts[token]
      if (!log.append(hosted.row, records, fromClient, this, token)) {
        this.#release ??= this.#context.hold?.() ?? null
        log.whenRoom(hosted.row, () => this.#handOn())
        return
      }
      this.#handedOn++
    }
    const release = this.#release
    this.#release = null
    release?.()
  }

  #isConfirmed (): boolean {
    if (this.#confirmedAt.length === 0) return true
    const { table } = this.#context.log
    for (let token = 0; token < this.#confirmedAt.length; token++) {
      const needed = this.#confirmedAt[token]
      if (needed === undefined || needed < 0) continue
      const { hosted, response } = this.#parts[token]
      // Its directory has failed, or it is deleted: nobody will ever confirm it.
      if (hosted.errorCode !== errorCodes.NONE) response.errorCode = hosted.errorCode
      else if (table.highWatermark(hosted.row) < needed) return false
      this.#confirmedAt[token] = -1
    }
    return true
  }

  #wait (): void {
    const parts = this.#parts.filter((_, token) => this.#confirmedAt[token] >= 0)
    const rows = parts.map(({ hosted }) => hosted.row)
    this.#context.waiting.park(rows, this.#timeoutMs, this)
  }

  #finish (): void {
    try {
      this.#resolve!(this.#answer())
    } catch (error) {
      this.#reject!(error as Error)
    }
  }

  #answer (): ProduceResponse | NoAnswer {
    if (this.#acks !== 0) return { responses: this.#responses, throttleTimeMs: 0, nodeEndpoints: [] }
    if (this.#failed !== 0) {
      throw new CloseConnection(`a Produce request with acks=0 failed with ${errorName(this.#failed)}`)
    }
    return noAnswer
  }
}

function minInSyncReplicas (topic: TopicInfo, { config }: RequestContext): number {
  const own = topic.config.get('min.insync.replicas')
  return own === undefined ? config.number('min.insync.replicas') : Number(own)
}

function blank (index: number): PartitionResponse {
  return {
    index,
    errorCode: 0,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: noErrors,
    errorMessage: null,
    currentLeader: noLeader
  }
}

/** A result is only valid during its call. */
function recordErrors (result: AppendResult): PartitionResponse['recordErrors'] {
  return result.recordErrors.map(({ batchIndex, message }) => {
    return { batchIndex, batchIndexErrorMessage: message }
  })
}
