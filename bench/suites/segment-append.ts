// One partition's log takes batches: checked, numbered, staged and written, by itself and without threads.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk } from '../../engine/base/disk.ts'
import { MemoryDisk } from '../../engine/base/disk-memory.ts'
import { realDisk } from '../../engine/base/disk-real.ts'
import { silentLogger } from '../../engine/base/logger.ts'
import { realRandom } from '../../engine/base/random-real.ts'
import { type Log } from '../../engine/log/partition-log.ts'
import { openLog } from '../../engine/log/recovery.ts'
import { type LogConfig } from '../../engine/log/types.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import { type BenchTask, type Suite } from '../suite.ts'

const now = 1_800_000_000_000
/** The log starts over before it fills a memory file system. */
const logBytesMax = 256 * 2 ** 20

const config: LogConfig = {
  segmentBytes: 2 ** 30,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 2 ** 20,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1_048_588,
  retentionMs: -1,
  retentionBytes: -1,
  fileDeleteDelayMs: 0,
  logAppendTime: false,
  timestampBeforeMaxMs: -1,
  timestampAfterMaxMs: 3_600_000,
  deletes: true,
  compacts: false,
  compressionType: 'producer',
  flushMessages: -1,
  flushMs: -1,
  preallocate: false,
  producerIdExpirationMs: 86_400_000,
  compressionLevels: { gzip: -1, lz4: 9, zstd: 3 },
  decompressedBytesMax: 128 * 2 ** 20,
  minCleanableRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 86_400_000,
  durability: 'page-cache'
}

function newLog (disk: Disk, home: string): Log {
  const folder = join(home, 'orders-0')
  const log = openLog({
    disk,
    folder,
    config,
    logger: silentLogger,
    random: realRandom,
    listener: { segmentChanged () {}, segmentRemoved () {}, epochsChanged () {} },
    identity: { topic: 'orders', topicId: '9b3f6d6a-0c4e-4f1a-8b5e-0d9a6f3c2b1a', partition: 0 },
    nowMs: now,
    clean: false,
    recoveryPoint: 0,
    logStart: 0
  })
  log.becomeLeader(0)
  return log
}

function batchOf (records: number): Buffer {
  const record = { value: Buffer.alloc(100, 'x'), timestamp: now }
  return buildBatch({}, new Array(records).fill(record))
}

/** Appends the batch `times` times, with one write for all. */
function appendTask (name: string, log: Log, batch: Buffer, times: number): BenchTask {
  // A log numbers the bytes it is given in place, so each append of a round needs its own, as from a network.
  const copies = Array.from({ length: times }, () => Buffer.from(batch))
  const run = (): void => {
    for (const copy of copies) {
      copy.writeInt32BE(0, 0)
      copy.writeInt32BE(0, 4)
      const { errorCode } = log.stageAsLeader(copy, 'client', now)
      if (errorCode !== 0) throw new Error(`refused with ${errorCode}`)
    }
    log.write(now)
    if (log.bytes > logBytesMax) log.truncateFullyAndStartAt(0)
  }
  return { name: `${name}, ${times} of ${batch.length} bytes a write`, run, handles: { count: times, unit: 'append' } }
}

export function suite (): Suite {
  const home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-append-'))
  const memory = new MemoryDisk()
  memory.makeDirectory(home)
  const logs: Log[] = []
  const tasks: BenchTask[] = []
  for (const [name, disk] of [['files', realDisk], ['memory', memory]] as const) {
    const log = newLog(disk, home)
    logs.push(log)
    for (const [records, times] of [[9, 1], [150, 1], [150, 16]]) {
      tasks.push(appendTask(name, log, batchOf(records), times))
    }
  }
  return {
    tasks,
    close () {
      for (const log of logs) log.close(false)
      rmSync(home, { recursive: true })
    }
  }
}
