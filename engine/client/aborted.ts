// read_committed on the client's side: the broker sends what lies below the last stable offset, and which
// transactions were aborted in it; their records are left out here.
import { batchAttributes, getAttributes, readInt16, readInt64, batchHeader } from '../protocol/record-batch.ts'
import { decodeRecords, type DecodedRecord } from '../protocol/record.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

const abortMarker = 0

/** Goes through the batches of one answer, in order. */
export class AbortedFilter {
  readonly #pending: AbortedTransaction[]
  readonly #open = new Set<number>() // producers whose records are being left out

  constructor (aborted: readonly AbortedTransaction[] | null) {
    this.#pending = [...aborted ?? []].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether the records of this batch are for readers. Markers never are. */
  isWanted (batch: Buffer): boolean {
    const attributes = getAttributes(batch, 0)
    const producerId = readInt64(batch, batchHeader.producerId)
    const isControl = (attributes & batchAttributes.control) !== 0
    this.#openUpTo(readInt64(batch, 0) + batch.readInt32BE(batchHeader.lastOffsetDelta))
    if (isControl) {
      if (this.#open.has(producerId) && isAbort(decodeRecords(batch)[0])) this.#open.delete(producerId)
      return false
    }
    return (attributes & batchAttributes.transactional) === 0 || !this.#open.has(producerId)
  }

  #openUpTo (offset: number): void {
    while (this.#pending.length > 0 && this.#pending[0].firstOffset <= offset) {
      this.#open.add(this.#pending.shift()!.producerId)
    }
  }
}

/** The key of a marker: version, then what it marks. */
function isAbort ({ key }: DecodedRecord): boolean {
  return key !== null && readInt16(key, 2) === abortMarker
}
