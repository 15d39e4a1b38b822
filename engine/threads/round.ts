// The appends of one round, as columns: made once, filled again every round. Entries of one row form a chain
// in arrival order.
import { type StagedBatch } from '../log/partition-log.types.ts'
import { type AppendResult, type Offset } from '../log/types.ts'
import { appended } from './commands.ts'
import { ringRecords } from './ring.ts'

export interface AppendDetail {
  errorMessage: string | null
  recordErrors: AppendResult['recordErrors']
}

const none = -1

export class Round {
  count = 0
  /** Bytes staged. */
  bytes = 0
  readonly row = new Int32Array(ringRecords)
  readonly slot = new Int32Array(ringRecords)
  readonly error = new Int32Array(ringRecords)
  readonly flags = new Int32Array(ringRecords)
  readonly length = new Int32Array(ringRecords)
  readonly address = new Float64Array(ringRecords)
  /** As they came: usually what is written. */
  readonly records: (Buffer | null)[] = new Array(ringRecords).fill(null)
  readonly baseOffset = new Float64Array(ringRecords)
  readonly lastOffset = new Float64Array(ringRecords)
  readonly appendTimeMs = new Float64Array(ringRecords)
  readonly segmentBase = new Float64Array(ringRecords)
  readonly position = new Float64Array(ringRecords)
  /** Texts of refused appends: rare. */
  readonly details = new Map<number, AppendDetail>()
  /** Next entry of the same row. */
  readonly next = new Int32Array(ringRecords)
  /** Rows with staged entries, in the order they came. */
  readonly rows = new Int32Array(ringRecords)
  rowCount = 0
  readonly #first: Int32Array // by row: its chain
  readonly #last: Int32Array

  constructor (rows: number) {
    this.#first = new Int32Array(rows).fill(none)
    this.#last = new Int32Array(rows)
  }

  /** Adds an entry; what the log said is set by answered() and staged(). */
  add (row: number, slot: number, address: number, records: Buffer): number {
    const entry = this.count++
    this.row[entry] = row
    this.slot[entry] = slot
    this.address[entry] = address
    this.length[entry] = records.length
    this.records[entry] = records
    this.error[entry] = 0
    this.flags[entry] = 0
    this.baseOffset[entry] = -1
    this.lastOffset[entry] = -1
    this.appendTimeMs[entry] = -1
    this.segmentBase[entry] = -1
    this.position[entry] = -1
    return entry
  }

  answered (entry: number, result: AppendResult): void {
    this.error[entry] = result.errorCode
    this.baseOffset[entry] = result.baseOffset
    this.lastOffset[entry] = result.lastOffset
    this.appendTimeMs[entry] = result.logAppendTimeMs
    if (result.errorMessage !== null || result.recordErrors.length > 0) {
      this.details.set(entry, { errorMessage: result.errorMessage, recordErrors: result.recordErrors })
    }
  }

  /** The entry waits for its row's write. */
  staged (entry: number): void {
    const row = this.row[entry]
    this.next[entry] = none
    this.bytes += this.length[entry]
    if (this.#first[row] === none) {
      this.#first[row] = entry
      this.rows[this.rowCount++] = row
    } else {
      this.next[this.#last[row]] = entry
    }
    this.#last[row] = entry
  }

  /** Notes where each entry's bytes went, as far as they are the arena's own: what was rewritten (another
   *  codec) is not. */
  place (row: number, written: readonly StagedBatch[], arena: Buffer): void {
    let index = 0
    for (let entry = this.#first[row]; entry !== none; entry = this.next[entry]) {
      const first = written[index]
      let end = first.position
      let whole = first.bytes === this.records[entry] || liesAt(this.address[entry], first.bytes, arena)
      for (; index < written.length && written[index].lastOffset <= this.lastOffset[entry]; index++) {
        const batch = written[index]
        if (batch.segmentBase !== first.segmentBase || batch.position !== end) whole = false
        end += batch.bytes.length
      }
      if (!whole || end - first.position !== this.length[entry]) continue
      this.flags[entry] = appended.inArena
      this.segmentBase[entry] = first.segmentBase
      this.position[entry] = first.position
    }
  }

  /** The row's entries did not reach the disk. */
  failed (row: number, errorCode: number): void {
    for (let entry = this.#first[row]; entry !== none; entry = this.next[entry]) {
      this.error[entry] = errorCode
      this.baseOffset[entry] = -1 as Offset
      this.lastOffset[entry] = -1
      this.flags[entry] = 0
    }
  }

  clear (): void {
    for (let index = 0; index < this.rowCount; index++) this.#first[this.rows[index]] = none
    this.count = 0
    this.rowCount = 0
    this.bytes = 0
    if (this.details.size > 0) this.details.clear()
  }
}

function liesAt (address: number, bytes: Buffer, arena: Buffer): boolean {
  return bytes.buffer === arena.buffer && bytes.byteOffset - arena.byteOffset === address
}
