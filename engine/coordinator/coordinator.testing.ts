// A log client of one partition in memory, in whose hands appends can be kept, refused, or left above the
// high watermark. Only what coordinators use of a log client is there.
import { type AppendResult } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { batchBytes, readBatchHeader, setBaseOffset } from '../protocol/record-batch.ts'
import { type AppendOrigin, type AppendWaiter, type LogClient, type Row } from '../threads/log-client.ts'
import { type WaitingRoom } from '../waiting/waiting-room.ts'

interface Kept { bytes: Buffer, waiter: AppendWaiter, token: number }

export class FakeLog {
  readonly batches: Buffer[] = []
  readonly #waiting: WaitingRoom
  #end = 0
  #highWatermark = 0
  readonly #kept: Kept[] = []
  /** Appends are answered by answer(). */
  keeps = false
  /** Appends are committed by commit(). */
  lags = false
  /** The next append has no room: whenRoom() has. */
  full = false
  /** Of all appends from now on. */
  errorCode: number = errorCodes.NONE
  readonly table = {
    logStart: () => 0, end: () => this.#end, highWatermark: () => this.#highWatermark
  }

  constructor (waiting: WaitingRoom) {
    this.#waiting = waiting
  }

  /** What a coordinator sees of it. */
  get client (): LogClient {
    return this as unknown as LogClient
  }

  append (_row: Row, records: Buffer, _origin: AppendOrigin, waiter: AppendWaiter, token: number): boolean {
    if (this.full) return false
    this.#kept.push({ bytes: Buffer.from(records), waiter, token })
    if (!this.keeps) queueMicrotask(() => this.answer())
    return true
  }

  whenRoom (_row: Row, room: () => void): void {
    queueMicrotask(() => {
      this.full = false
      room()
    })
  }

  /** Appends what was kept, or refuses it. */
  answer (): void {
    for (const { bytes, waiter, token } of this.#kept.splice(0)) {
      const result: AppendResult = {
        errorCode: this.errorCode,
        baseOffset: this.#end,
        lastOffset: -1,
        logAppendTimeMs: -1,
        logStartOffset: 0,
        duplicate: false,
        errorMessage: null,
        recordErrors: []
      }
      if (this.errorCode === errorCodes.NONE) {
        setBaseOffset(bytes, 0, this.#end)
        this.batches.push(bytes)
        this.#end = result.lastOffset = this.#end + readBatchHeader(bytes, 0).lastOffsetDelta + 1
        result.lastOffset--
        if (!this.lags) this.#highWatermark = this.#end
      }
      waiter.appended(token, result)
    }
  }

  commit (): void {
    this.#highWatermark = this.#end
    this.#waiting.advanced(0)
  }

  async readBytes (_row: Row, offset: number, _limit: string, maxBytes: number): Promise<Buffer> {
    const wanted = this.batches.filter(batch => readBatchHeader(batch, 0).lastOffset >= offset)
    let bytes = 0
    const fit = wanted.filter((batch, index) => (bytes += batchBytes(batch, 0)) <= maxBytes || index === 0)
    return Buffer.concat(fit)
  }
}
