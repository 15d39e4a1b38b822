// A partition's replicas, each a log on a disk of its own, replicated by hand as brokers do it.
import { MemoryDisk } from '../../base/disk-memory.ts'
import { type LogConfig, type Offset } from '../types.ts'
import { whereToCut } from '../divergence.ts'
import { type Log } from '../partition-log.ts'
import { batch, now, open, type Opened } from './kit.ts'

export class Replica {
  readonly disk = new MemoryDisk(() => now)
  readonly config: Partial<LogConfig>
  highWatermark: Offset = 0
  opened: Opened

  constructor (config: Partial<LogConfig> = {}) {
    this.config = config
    this.disk.makeDirectory('/data')
    this.opened = open(this.disk, config)
  }

  get log (): Log { return this.opened.log }

  /** All batches, one after the other. */
  get bytes (): Buffer {
    const { segments } = this.log
    return Buffer.concat(segments.map(({ path, bytes }) => this.disk.readFile(path).subarray(0, bytes)))
  }

  /** As a leader. */
  write (...values: string[]): void {
    const { errorCode } = this.log.stageAsLeader(batch(values), 'client', now)
    if (errorCode !== 0) throw new Error(`refused with ${errorCode}`)
    this.log.write(now)
  }

  /** Parts from what the leader never had; returns how often it asked. */
  follow (leader: Replica): number {
    for (let asked = 0; ; asked++) {
      const { entries } = this.log.files.epochs
      if (entries.length === 0) return asked
      const answer = leader.log.endOffsetForEpoch(entries[entries.length - 1][0])
      const { offset, settled } = whereToCut(this.log, answer, this.highWatermark)
      this.log.truncateTo(offset)
      if (settled) return asked + 1
    }
  }

  /** One fetch of at most `bytesMax`, at least one batch; false when there was nothing. */
  fetch (leader: Replica, bytesMax = Infinity): boolean {
    if (this.log.end >= leader.log.end) return false
    const sent = leader.from(this.log.end, bytesMax)
    const { errorCode } = this.log.stageAsFollower(sent, now)
    if (errorCode !== 0) throw new Error(`the follower refused with ${errorCode}`)
    this.log.write(now)
    return true
  }

  catchUp (leader: Replica): void {
    while (this.fetch(leader));
  }

  /** Batches from the one that holds `offset` on, within one segment. */
  from (offset: Offset, bytesMax: number): Buffer {
    const { segments } = this.log
    const at = segments.findLastIndex(segment => segment.baseOffset <= offset)
    for (const segment of segments.slice(at)) {
      const all = this.disk.readFile(segment.path).subarray(0, segment.bytes)
      let start = 0
      while (start < all.length && lastOffsetAt(all, start) < offset) start += bytesAt(all, start)
      if (start === all.length) continue
      let stop = start + bytesAt(all, start)
      while (stop < all.length && stop + bytesAt(all, stop) - start <= bytesMax) stop += bytesAt(all, stop)
      return Buffer.from(all.subarray(start, stop))
    }
    return Buffer.alloc(0)
  }

  /** The process is killed and comes back; a clean stop writes what the next start wants to know. */
  restart (clean = false): void {
    if (clean) this.log.close(true)
    const { recoveryPoint } = this.log
    this.opened = open(this.disk, this.config, { clean, recoveryPoint })
  }

  /** The machine lost power: everything from `offset` on was in its memory alone. */
  losePower (offset: Offset): void {
    this.log.truncateTo(offset)
    this.restart()
  }
}

function bytesAt (bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 8) + 12
}

function lastOffsetAt (bytes: Buffer, at: number): Offset {
  return Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23)
}
