// A disk thread's entry: a task that lasts as long as the thread. Like a log worker it waits in one place and
// has no event loop; jobs wait in a port, and main rings when it has put one there.
import { type MessagePort } from 'node:worker_threads'
import { realClock } from '../base/clock-real.ts'
import { DiskError } from '../base/disk.ts'
import { realDisk } from '../base/disk-real.ts'
import { SegmentReader } from '../log/reader.ts'
import { type DiskJob, type JobTools, runDiskJob } from './disk-jobs.ts'
import { type DiskAnswer } from './disk-thread.ts'
import { Doorbell } from './doorbell.ts'
import { portChannel } from './port-channel.ts'

/** What a disk thread is started with. */
export interface DiskTask {
  arena: SharedArrayBuffer
  doorbell: SharedArrayBuffer
  /** Jobs one way, their answers in the same order the other way. */
  jobs: MessagePort
}

export function diskThread (task: DiskTask): void {
  const tools: JobTools = {
    disk: realDisk,
    reader: new SegmentReader(realDisk),
    arenaBytes: Buffer.from(task.arena),
    clock: realClock,
    cleanings: new Map()
  }
  const doorbell = new Doorbell(task.doorbell)
  const { send, receive } = portChannel<DiskJob, DiskAnswer>(task.jobs)
  let job: DiskJob | undefined
  const idle = (): boolean => {
    job = receive()
    return job === undefined
  }
  for (;;) {
    while (!idle()) send(answerTo(tools, job!))
    doorbell.sleep(idle, Infinity)
    if (job !== undefined) send(answerTo(tools, job))
  }
}

function answerTo (tools: JobTools, job: DiskJob): DiskAnswer {
  try {
    return { value: runDiskJob(tools, job), failure: null }
  } catch (error) {
    const { message, stack = message } = error as Error
    if (!(error instanceof DiskError)) return { value: null, failure: { code: null, message: stack, path: '' } }
    return { value: null, failure: { code: error.code, message, path: error.path } }
  }
}
