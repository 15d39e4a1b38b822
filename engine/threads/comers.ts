// Readers of a segment who have had an answer and are about to ask for what follows. They tell whoever is
// ahead of them that others will want the same bytes.
import { type BatchPlace } from '../log/reader.ts'
import { type Position } from '../log/types.ts'

/** Who never comes back is forgotten for those who do. */
const comersMax = 64

export class Comers {
  /** How many had an answer that ended there; the oldest first. */
  readonly #ends = new Map<Position, number>()

  /** One has come to the batch that its last answer ended in or in front of; the new one ends at `end`. */
  moves ({ position, bytes }: BatchPlace, end: Position): void {
    for (const [before, readers] of this.#ends) {
      if (before < position || before >= position + bytes) continue
      if (readers > 1) this.#ends.set(before, readers - 1)
      else this.#ends.delete(before)
      break
    }
    const readers = this.#ends.get(end) ?? 0
    if (readers === 0 && this.#ends.size >= comersMax) this.#ends.delete(this.#ends.keys().next().value!)
    this.#ends.set(end, readers + 1)
  }

  /** Somebody stands between the two. */
  areBetween (from: Position, to: Position): boolean {
    for (const position of this.#ends.keys()) if (position >= from && position < to) return true
    return false
  }
}
