// Flushes the active segment of a busy log now and then although nobody waits for it, so that a start after a
// crash has little to read. The records, their indexes and the producers' state reach the device together: a
// start goes on from there, and believes all that lies before.
import { type Log } from './partition-log.ts'
import { offsetFile, suffix } from './names.ts'
import { type Offset, type Position } from './types.ts'

interface Stretch {
  readonly end: Offset
  readonly position: Position
}

export class BackgroundFlush {
  /** Everything of the segment at #base below is on the device, also what is kept beside the records. */
  #offset: Offset = 0
  #base: Offset = -1
  #position: Position = 0
  /** On their way, by segment; null: the log was cut meanwhile, it says nothing any more. */
  readonly #pending = new Map<Offset, Stretch | null>()
  #snapshot: Offset = -1

  /** At start: the segment's files are on the device up to there. */
  resume (base: Offset, offset: Offset, position: Position): void {
    this.#base = base
    this.#offset = offset
    this.#position = position
  }

  /** Bytes of the active segment that a start after a crash would read, when what is on its way is done. */
  waitingBytes ({ segments }: Log): number {
    if (segments.length === 0) return 0
    const { baseOffset, bytes } = segments[segments.length - 1]
    const done = this.#pending.get(baseOffset)?.position ?? (baseOffset === this.#base ? this.#position : 0)
    return bytes - done
  }

  /** The recovery point for the directory's checkpoint. */
  mark ({ segments, recoveryPoint, files }: Log): Offset {
    const base = segments.length === 0 ? recoveryPoint : segments[segments.length - 1].baseOffset
    // Never the end itself: a start looks at this segment again, also when it was sealed meanwhile.
    const inside = Math.max(base, Math.min(this.#offset, recoveryPoint - 1))
    const reached = recoveryPoint > base ? inside : recoveryPoint
    return Math.min(reached, files.unflushed[0]?.baseOffset ?? Infinity)
  }

  /** Writes what has to be there; null while one is on its way. Then syncSegment() is to be run. */
  begin (log: Log): { path: string, base: Offset, end: Offset } | null {
    if (log.segments.length === 0 || this.#pending.has(log.active.baseOffset)) return null
    const { active, end } = log
    log.settleIndexes()
    log.files.writeEpochs(false)
    log.takeSnapshot(end, null)
    this.#pending.set(active.baseOffset, { end, position: active.bytes })
    return { path: active.path, base: active.baseOffset, end }
  }

  /** False: it was not ours, but a sealed segment's. */
  done (log: Log, base: Offset): boolean {
    const stretch = this.#pending.get(base)
    if (stretch === undefined) return false
    this.#pending.delete(base)
    if (stretch === null || log.segments.length === 0 || log.active.baseOffset !== base) return true
    this.#base = base
    this.#position = stretch.position
    this.#offset = stretch.end
    this.#dropSnapshot(log)
    this.#snapshot = stretch.end
    log.flushed(Math.min(stretch.end, log.end))
    return true
  }

  /** The one before is not needed any more, where it belongs to no segment. */
  #dropSnapshot ({ segments, parts: { disk, folder } }: Log): void {
    const old = offsetFile(folder, this.#snapshot, suffix.snapshot)
    if (this.#snapshot < 0 || segments.some(({ baseOffset }) => baseOffset === this.#snapshot)) return
    if (disk.status(old) !== null) disk.unlink(old)
  }

  /** The log ends there now: what was flushed behind it is gone. */
  cut (end: Offset): void {
    for (const [base, stretch] of this.#pending) {
      if (stretch !== null && stretch.end > end) this.#pending.set(base, null)
    }
    if (this.#offset <= end) return
    this.#base = -1
    this.#offset = 0
  }
}
