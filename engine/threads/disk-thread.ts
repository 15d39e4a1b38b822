// One per log directory: takes jobs, fsync first, and answers with promises. Here the inline filling, where a
// job runs after what is running now; disk-pool.ts has the one with a thread.
import { type Clock } from '../base/clock.ts'
import { type Disk } from '../base/disk.ts'
import { type Cleaning } from '../log/compaction/cleaning.ts'
import { SegmentReader } from '../log/reader.ts'
import { type DiskJob, type JobResults, runDiskJob } from './disk-jobs.ts'

export interface DiskThread {
  /** Rejects with DiskError when the disk refused. */
  run<K extends DiskJob['kind']> (job: DiskJob & { kind: K }): Promise<JobResults[K]>
  close (): Promise<void>
}

/** What a thread answers: errors lose their class on the way. */
export interface DiskAnswer {
  value: unknown
  /** Without a code: an error of ours. */
  failure: { code: string | null, message: string, path: string } | null
}

class InlineDisk implements DiskThread {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #arenaBytes: Buffer
  readonly #reader: SegmentReader
  readonly #cleanings = new Map<number, Cleaning>()
  #closed = false

  constructor (disk: Disk, clock: Clock, arenaBytes: Buffer) {
    this.#disk = disk
    this.#clock = clock
    this.#arenaBytes = arenaBytes
    this.#reader = new SegmentReader(disk)
  }

  run<K extends DiskJob['kind']> (job: DiskJob & { kind: K }): Promise<JobResults[K]> {
    return new Promise((resolve, reject) => {
      this.#clock.soon(() => {
        if (this.#closed) return reject(new Error('the disk thread has ended'))
        const tools = {
          disk: this.#disk,
          reader: this.#reader,
          arenaBytes: this.#arenaBytes,
          clock: this.#clock,
          cleanings: this.#cleanings
        }
        try {
          resolve(runDiskJob(tools, job) as JobResults[K])
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  async close (): Promise<void> {
    this.#closed = true
    // What was asked for before fails now, and whoever asked lets go of its memory.
    for (let turn = 0; turn < 2; turn++) await new Promise<void>(resolve => this.#clock.soon(resolve))
    this.#reader.close()
  }
}

export function inlineDiskThread (disk: Disk, clock: Clock, arenaBytes: Buffer): DiskThread {
  return new InlineDisk(disk, clock, arenaBytes)
}
