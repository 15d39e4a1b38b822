// Answers are counted, not decoded: the parsers look at sizes, error codes and batch headers, and copy
// nothing else.

const sizeBytes = 4

/**
 * Small answers (Produce): calls `each` with a buffer and where in it an answer begins, its size left out.
 */
export class SmallAnswers {
  #rest: Buffer | null = null
  readonly #each: (buffer: Buffer, at: number, bytes: number) => void

  constructor (each: (buffer: Buffer, at: number, bytes: number) => void) {
    this.#each = each
  }

  push (chunk: Buffer): void {
    let buffer = chunk
    if (this.#rest !== null) buffer = Buffer.concat([this.#rest, chunk])
    let at = 0
    while (buffer.length - at >= sizeBytes) {
      const bytes = buffer.readInt32BE(at)
      if (buffer.length - at - sizeBytes < bytes) break
      this.#each(buffer, at + sizeBytes, bytes)
      at += sizeBytes + bytes
    }
    this.#rest = at === buffer.length ? null : Buffer.from(buffer.subarray(at))
  }
}

/** What one fetch brought of one partition. */
export interface Fetched {
  partition: number
  errorCode: number
  /** Of whole batches. */
  records: number
  bytes: number
  /** Where to go on; -1: nothing came. */
  nextOffset: number
  highWatermark: number
}

export interface FetchEvents {
  /** Of one partition; the object is used again. */
  partition (fetched: Fetched): void
  /** Nothing more comes of this answer. `errorCode` is that of the answer as a whole. */
  ended (errorCode: number): void
}

const batchHeaderBytes = 61
const batchLengthAt = 8
const lastDeltaAt = 23
const countAt = 57
const batchOverhead = 12

const headBytes = sizeBytes + 4 + 4 + 2 + 4 + 4
const errorAt = sizeBytes + 4 + 4
const topicsAt = headBytes - 4
const partitionBytes = 4 + 2 + 8 + 8 + 8 + 4 + 4 + 4
const highWatermarkAt = 6
const recordsAt = partitionBytes - 4

type Part = 'head' | 'topic' | 'partition' | 'batch'

/**
 * Answers to Fetch v11 for partitions of one topic. Of the heads (below) and of each batch's header a copy
 * of some 60 bytes is made, all else is skipped as it comes.
 *
 *   head       size 4 | correlation 4 | throttle 4 | error 2 | session 4 | topics 4
 *   topic      name 2+n | partitions 4
 *   partition  index 4 | error 2 | high watermark 8 | last stable 8 | log start 8 |
 *              aborted 4 (null or none) | preferred replica 4 | records 4
 */
export class FetchAnswers {
  readonly #topicBytes: number
  readonly #events: FetchEvents
  readonly #fetched: Fetched = {
    partition: 0, errorCode: 0, records: 0, bytes: 0, nextOffset: -1, highWatermark: 0
  }

  readonly #held: Buffer // one of the parts, as far as it is there
  #heldBytes = 0
  #part: Part = 'head'
  #wanted = headBytes // how many bytes #held is to get
  #skip = 0 // bytes to leave out first
  #partitionsLeft = 0
  #recordBytesLeft = 0 // of the partition
  #errorCode = 0

  constructor (topic: string, events: FetchEvents) {
    this.#topicBytes = 2 + topic.length + 4
    this.#events = events
    this.#held = Buffer.alloc(Math.max(this.#topicBytes, batchHeaderBytes))
  }

  push (chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at)
        this.#skip -= skipped
        at += skipped
        if (this.#skip === 0) this.#nextBatch()
        continue
      }
      const taken = Math.min(this.#wanted - this.#heldBytes, chunk.length - at)
      chunk.copy(this.#held, this.#heldBytes, at, at + taken)
      this.#heldBytes += taken
      at += taken
      if (this.#heldBytes === this.#wanted) this.#take()
    }
  }

  #want (part: Part, bytes: number): void {
    this.#part = part
    this.#wanted = bytes
    this.#heldBytes = 0
  }

  #take (): void {
    if (this.#part === 'batch') return this.#takeBatch()
    if (this.#part === 'partition') return this.#takePartition()
    if (this.#part === 'topic') {
      this.#partitionsLeft = this.#held.readInt32BE(this.#topicBytes - 4)
      return this.#nextPartition()
    }
    this.#errorCode = this.#held.readInt16BE(errorAt)
    if (this.#held.readInt32BE(topicsAt) === 0) this.#end()
    else this.#want('topic', this.#topicBytes)
  }

  #takePartition (): void {
    const held = this.#held
    const fetched = this.#fetched
    fetched.partition = held.readInt32BE(0)
    fetched.errorCode = held.readInt16BE(4)
    fetched.highWatermark =
      held.readInt32BE(highWatermarkAt) * 4294967296 + held.readUInt32BE(highWatermarkAt + 4)
    fetched.records = 0
    fetched.bytes = 0
    fetched.nextOffset = -1
    this.#recordBytesLeft = Math.max(0, held.readInt32BE(recordsAt)) // -1: null
    this.#nextBatch()
  }

  #takeBatch (): void {
    const header = this.#held
    const batchBytes = header.readInt32BE(batchLengthAt) + batchOverhead
    this.#recordBytesLeft -= batchHeaderBytes
    const body = batchBytes - batchHeaderBytes
    if (body > this.#recordBytesLeft) { // does not come whole: to be had again next time
      this.#skip = this.#recordBytesLeft
      this.#recordBytesLeft = 0
    } else {
      const fetched = this.#fetched
      fetched.records += header.readInt32BE(countAt)
      fetched.bytes += batchBytes
      const baseOffset = header.readInt32BE(0) * 4294967296 + header.readUInt32BE(4)
      fetched.nextOffset = baseOffset + header.readInt32BE(lastDeltaAt) + 1
      this.#skip = body
      this.#recordBytesLeft -= body
    }
    if (this.#skip === 0) this.#nextBatch()
  }

  #nextBatch (): void {
    const left = this.#recordBytesLeft
    if (left >= batchHeaderBytes) return this.#want('batch', batchHeaderBytes)
    if (left > 0) { // the cut-off rest of a batch
      this.#skip = left
      this.#recordBytesLeft = 0
      return
    }
    this.#events.partition(this.#fetched)
    this.#nextPartition()
  }

  #nextPartition (): void {
    if (this.#partitionsLeft-- > 0) this.#want('partition', partitionBytes)
    else this.#end()
  }

  #end (): void {
    this.#want('head', headBytes)
    this.#events.ended(this.#errorCode)
  }
}
