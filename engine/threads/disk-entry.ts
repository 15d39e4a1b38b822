// A disk thread's entry: Piscina calls diskJob() once per job.
import { workerData } from 'node:worker_threads'
import { realClock } from '../base/clock-real.ts'
import { DiskError } from '../base/disk.ts'
import { realDisk } from '../base/disk-real.ts'
import { SegmentReader } from '../log/reader.ts'
import { type DiskJob, type JobTools, runDiskJob } from './disk-jobs.ts'
import { type DiskAnswer } from './disk-thread.ts'

let tools: JobTools | null = null

function toolsOf (): JobTools {
  tools ??= {
    disk: realDisk,
    reader: new SegmentReader(realDisk),
    arenaBytes: Buffer.from(workerData.arena),
    clock: realClock,
    cleanings: new Map()
  }
  return tools
}

export function diskJob (job: DiskJob): DiskAnswer {
  try {
    return { value: runDiskJob(toolsOf(), job), failure: null }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return { value: null, failure: { code: error.code, message: error.message, path: error.path } }
  }
}
