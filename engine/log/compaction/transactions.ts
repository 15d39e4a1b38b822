// What became of the transactions in a log. A scan over its headers finds those that were aborted; while the
// log is rewritten this says which batches may go with them, and which markers nobody needs any more:
//
//   batch of an aborted transaction     goes
//   marker, batches of it met before    stays: a reader needs it to judge them
//   marker, none met                    goes when its time is over
import { controlTypes } from '../../protocol/records/control-records.ts'
import { decodeRecords } from '../../protocol/record.ts'
import { type BatchHeader, readInt16 } from '../../protocol/record-batch.ts'
import { type AbortedTransaction } from '../transaction-index.ts'
import { type Offset } from '../types.ts'

/** The type in a marker's key; -1 when the batch is empty: it was compacted away before. */
export function markerType (batch: Buffer): number {
  const marker = decodeRecords(batch)[0]
  return marker?.key == null || marker.key.length < 4 ? -1 : readInt16(marker.key, 2)
}

/** Sees the headers of a whole log, from its start. */
export class TransactionScan {
  /** In the order of their ends. */
  readonly aborted: AbortedTransaction[] = []
  readonly #open = new Map<number, Offset>()

  seen (header: BatchHeader, batch: Buffer): void {
    const { producerId } = header
    if (!header.control) {
      if (header.transactional && !this.#open.has(producerId)) this.#open.set(producerId, header.baseOffset)
      return
    }
    const type = markerType(batch)
    const firstOffset = this.#open.get(producerId)
    if (type !== controlTypes.abort && type !== controlTypes.commit) return
    this.#open.delete(producerId)
    if (type !== controlTypes.abort || firstOffset === undefined) return
    const { lastOffset } = header
    let lastStableOffset = lastOffset + 1
    for (const first of this.#open.values()) lastStableOffset = Math.min(lastStableOffset, first)
    this.aborted.push({ producerId, firstOffset, lastOffset, lastStableOffset })
  }
}

interface Running {
  readonly transaction: AbortedTransaction
  met: boolean
}

export class CleanedTransactions {
  /** By first offset. */
  readonly #coming: AbortedTransaction[]
  #next = 0
  readonly #aborted = new Map<number, Running>()
  readonly #committed = new Set<number>()
  /** The transaction whose marker was kept last: it belongs into the new segment's index. */
  kept: AbortedTransaction | null = null

  constructor (aborted: readonly AbortedTransaction[]) {
    this.#coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** True: the batch belongs to an aborted transaction. */
  isAborted (header: BatchHeader): boolean {
    this.#advance(header.lastOffset)
    if (!header.transactional) return false
    const running = this.#aborted.get(header.producerId)
    if (running === undefined) {
      this.#committed.add(header.producerId)
      return false
    }
    running.met = true
    return true
  }

  /** True: nothing is left of the marker's transaction. */
  isSpent (header: BatchHeader, batch: Buffer): boolean {
    this.kept = null
    this.#advance(header.lastOffset)
    const type = markerType(batch)
    if (type === controlTypes.commit) return !this.#committed.delete(header.producerId)
    if (type !== controlTypes.abort) return type === -1
    const running = this.#aborted.get(header.producerId)
    this.#aborted.delete(header.producerId)
    if (running === undefined || !running.met) return true
    this.kept = running.transaction
    return false
  }

  #advance (offset: Offset): void {
    while (this.#next < this.#coming.length && this.#coming[this.#next].firstOffset <= offset) {
      const transaction = this.#coming[this.#next++]
      if (this.#aborted.has(transaction.producerId)) continue
      this.#aborted.set(transaction.producerId, { transaction, met: false })
    }
  }
}
