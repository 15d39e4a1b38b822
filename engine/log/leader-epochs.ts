// Which leader wrote from which offset on: the history that decides where two logs part (KIP-101, KIP-279).
// Kept in `leader-epoch-checkpoint`, Kafka's text:
//
//   0            version
//   2            entries
//   0 0          epoch, its first offset
//   3 1042
import { type EpochEndOffset, type Offset } from './types.ts'

type Entry = readonly [epoch: number, startOffset: Offset]

const version = 0

export class LeaderEpochs {
  /** Both columns rise strictly. */
  #entries: Entry[] = []

  get entries (): readonly Entry[] {
    return this.#entries
  }

  get latest (): number {
    return this.#entries.length === 0 ? -1 : this.#entries[this.#entries.length - 1][0]
  }

  /** Records of `epoch` begin at `startOffset`. True when that changed the history. */
  assign (epoch: number, startOffset: Offset): boolean {
    const last = this.#entries[this.#entries.length - 1]
    if (last !== undefined && epoch === last[0] && startOffset >= last[1]) return false
    // What contradicts the newer knowledge goes: epochs as high that begin as late.
    while (this.#entries.length > 0) {
      const [lastEpoch, lastStart] = this.#entries[this.#entries.length - 1]
      if (lastEpoch < epoch && lastStart < startOffset) break
      this.#entries.pop()
    }
    this.#entries.push([epoch, startOffset])
    return true
  }

  /** The largest known epoch at or below the asked one, and the offset after its last record. */
  endOffsetFor (epoch: number, logEnd: Offset): EpochEndOffset {
    const unknown = { leaderEpoch: -1, endOffset: -1 }
    if (epoch < 0 || this.#entries.length === 0) return unknown
    if (epoch === this.latest) return { leaderEpoch: epoch, endOffset: logEnd }
    const higher = this.#entries.findIndex(entry => entry[0] > epoch)
    if (higher < 0) return unknown
    // Older than all that is known: such records, if any, end where the first known epoch begins.
    if (higher === 0) return { leaderEpoch: epoch, endOffset: this.#entries[0][1] }
    return { leaderEpoch: this.#entries[higher - 1][0], endOffset: this.#entries[higher][1] }
  }

  /** The epoch of the record at `offset`; -1 when unknown. */
  epochAt (offset: Offset): number {
    let epoch = -1
    for (const [candidate, startOffset] of this.#entries) {
      if (startOffset > offset) break
      epoch = candidate
    }
    return epoch
  }

  /** The log now ends at `end`: epochs that begin there or later never happened. */
  truncateFromEnd (end: Offset): boolean {
    const before = this.#entries.length
    while (this.#entries.length > 0 && this.#entries[this.#entries.length - 1][1] >= end) this.#entries.pop()
    return this.#entries.length !== before
  }

  /** The log now starts at `start`: the epoch in force there begins there. */
  truncateFromStart (start: Offset): boolean {
    let below = 0
    while (below < this.#entries.length && this.#entries[below][1] <= start) below++
    if (below === 0) return false
    const [epoch, startOffset] = this.#entries[below - 1]
    if (below === 1 && startOffset === start) return false
    this.#entries.splice(0, below, [epoch, start])
    return true
  }

  clear (): void {
    this.#entries = []
  }

  encode (): Buffer {
    const lines = this.#entries.map(([epoch, startOffset]) => `${epoch} ${startOffset}`)
    return Buffer.from([version, lines.length, ...lines, ''].join('\n'))
  }

  /** null when the text is no such file. */
  static decode (text: string): LeaderEpochs | null {
    const lines = text.split('\n')
    const count = /^\d+$/.test(lines[1] ?? '') ? Number(lines[1]) : -1
    // The end of the last line counts: of a file that is there in part a number would be too small.
    const whole = lines.length === count + 3 && lines[count + 2] === ''
    if (lines[0] !== String(version) || !whole) return null
    const epochs = new LeaderEpochs()
    for (const line of lines.slice(2, 2 + count)) {
      const found = /^(\d+) (\d+)$/.exec(line)
      if (found === null) return null
      const last = epochs.#entries[epochs.#entries.length - 1]
      const entry: Entry = [Number(found[1]), Number(found[2])]
      if (last !== undefined && (entry[0] <= last[0] || entry[1] <= last[1])) return null
      epochs.#entries.push(entry)
    }
    return epochs.#entries.length === count ? epochs : null
  }
}
