// A log worker's entry: a task that lasts as long as the worker. It waits in one place, so it has no event
// loop: no timers, no messages that arrive by themselves, no console; all comes as ring records.
import { realClock } from '../base/clock-real.ts'
import { crc32c } from '../base/crc32c.ts'
import { realDisk } from '../base/disk-real.ts'
import { realRandom } from '../base/random-real.ts'
import { type FromWorker, type ToWorker } from './commands.ts'
import { Doorbell, Wake } from './doorbell.ts'
import { LogCore } from './log-core.ts'
import { PartitionTable } from './partition-table.ts'
import { portChannel } from './port-channel.ts'
import { RingReader, RingWriter } from './ring.ts'
import { type WorkerTask } from './worker-log.ts'
import { WorkerLogs } from './worker-logs.ts'

/** Nobody rings for a worker whose replies' ring was full: it looks again by itself. */
const patienceMs = 1
const sleepMsMax = 1_000

export function logWorker (task: WorkerTask): void {
  const doorbell = new Doorbell(task.doorbell)
  const wake = new Wake(task.wake)
  const replies = new RingWriter(task.replies)
  const core = new LogCore({
    commands: new RingReader(task.commands),
    replies,
    channel: portChannel<ToWorker, FromWorker>(task.objects),
    table: new PartitionTable(task.table),
    arenaBytes: Buffer.from(task.arena),
    alert () { if (wake.needed()) task.alarm.postMessage(null) },
    waitsForAnswers: () => replies.emptied()
  })
  const { directory, defaults, retentionCheckMs, retentionDelayMs } = task
  core.serve(new WorkerLogs(core, {
    directory,
    disk: realDisk,
    clock: realClock,
    random: realRandom,
    defaults,
    retentionCheckMs,
    retentionDelayMs
  }))
  const idle = (): boolean => core.idle()
  core.drain(realClock.nowMs())
  // While main is still at its own start: not the first batch shall wait for the addon.
  crc32c(new Uint8Array(0))
  for (;;) {
    core.drain(realClock.nowMs())
    if (core.closed) break
    if (core.idle()) doorbell.sleep(idle, sleepMsMax)
    else doorbell.sleep(() => true, patienceMs)
  }
  task.objects.close()
  task.alarm.close()
}
