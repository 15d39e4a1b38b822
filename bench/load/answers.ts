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

/** What one fetch brought. */
export interface Fetched {
  errorCode: number
  /** Of whole batches. */
  records: number
  bytes: number
  /** Where to go on; -1: nothing came. */
  nextOffset: number
  highWatermark: number
}

const batchHeaderBytes = 61
const batchLengthAt = 8
const lastDeltaAt = 23
const countAt = 57
const batchOverhead = 12

/**
 * Answers to Fetch v11 for one partition. Of the head (below) and of each batch's header a copy of some 60
 * bytes is made,
 * all else is skipped as it comes.
 *
 *   correlation 4 | throttle 4 | error 2 | session 4 | topics 4 | name 2+n | partitions 4 | index 4 | error
 * 2 |
 *   high watermark 8 | last stable 8 | log start 8 | aborted 4 (null or none) | preferred replica 4 |
 * records 4
 */
export class FetchAnswers {
  readonly #headBytes: number
  readonly #each: (fetched: Fetched) => void
  readonly #fetched: Fetched = { errorCode: 0, records: 0, bytes: 0, nextOffset: -1, highWatermark: 0 }
  readonly #held: Buffer // the size and the head, or a batch's header, as far as it is there
  #heldBytes = 0
  #wanted: number // how many bytes #held is to get
  #skip = 0 // bytes of the answer to leave out first
  #left = -1 // bytes of the answer after what is in #held; -1: its size is not known
  #inHead = true

  constructor (topic: string, each: (fetched: Fetched) => void) {
    this.#headBytes = sizeBytes + 4 + 4 + 2 + 4 + 4 + 2 + topic.length + 4 + 4 + 2 + 8 + 8 + 8 + 4 + 4 + 4
    this.#each = each
    this.#held = Buffer.alloc(Math.max(this.#headBytes, batchHeaderBytes))
    this.#wanted = this.#headBytes
  }

  push (chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at)
        this.#skip -= skipped
        at += skipped
        if (this.#skip === 0 && this.#left === 0) this.#end()
        continue
      }
      const taken = Math.min(this.#wanted - this.#heldBytes, chunk.length - at)
      chunk.copy(this.#held, this.#heldBytes, at, at + taken)
      this.#heldBytes += taken
      at += taken
      if (this.#heldBytes === this.#wanted) this.#take()
    }
  }

  #take (): void {
    this.#heldBytes = 0
    if (this.#inHead) this.#takeHead()
    else this.#takeBatch()
    if (this.#left === 0 && this.#skip === 0) return this.#end()
    if (this.#left < batchHeaderBytes) { // the cut-off rest of a batch
      this.#skip += this.#left
      this.#left = 0
    }
    this.#wanted = batchHeaderBytes
  }

  #takeHead (): void {
    const head = this.#held
    const fetched = this.#fetched
    const errorAt = this.#headBytes - 4 - 4 - 4 - 8 - 8 - 8 - 2
    fetched.errorCode = head.readInt16BE(sizeBytes + 8) || head.readInt16BE(errorAt)
    fetched.highWatermark = head.readInt32BE(errorAt + 2) * 4294967296 + head.readUInt32BE(errorAt + 6)
    fetched.records = 0
    fetched.bytes = 0
    fetched.nextOffset = -1
    this.#inHead = false
    this.#left = head.readInt32BE(0) - (this.#headBytes - sizeBytes)
    if (fetched.errorCode !== 0) {
      this.#skip = this.#left
      this.#left = 0
    }
  }

  #takeBatch (): void {
    const header = this.#held
    const batchBytes = header.readInt32BE(batchLengthAt) + batchOverhead
    this.#left -= batchHeaderBytes
    const body = batchBytes - batchHeaderBytes
    if (body > this.#left) { // does not come whole: to be had again next time
      this.#skip = this.#left
      this.#left = 0
      return
    }
    const fetched = this.#fetched
    fetched.records += header.readInt32BE(countAt)
    fetched.bytes += batchBytes
    const baseOffset = header.readInt32BE(0) * 4294967296 + header.readUInt32BE(4)
    fetched.nextOffset = baseOffset + header.readInt32BE(lastDeltaAt) + 1
    this.#skip = body
    this.#left -= body
  }

  #end (): void {
    this.#left = -1
    this.#inHead = true
    this.#wanted = this.#headBytes
    this.#each(this.#fetched)
  }
}
