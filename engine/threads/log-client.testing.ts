// What the tests of the log client share: both fillings, batches, and what a caller does with answers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { realClock } from '../base/clock-real.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { realDisk } from '../base/disk-real.ts'
import { type Disk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { realRandom } from '../base/random-real.ts'
import { type AppendResult, type LogConfig } from '../log/types.ts'
import { buildBatch } from '../protocol/record.ts'
import { type Border } from './border.ts'
import { collectPieces } from './history.ts'
import { createInlineLog, type LogOptions } from './inline-log.ts'
import { type AppendOrigin, type FoundLog, type LogEvents, type ReadResult, type Row } from './log-client.ts'
import { type Piece } from './pieces.ts'
import { createWorkerLog } from './worker-log.ts'

interface Bundle {
  createWorkerLog: typeof createWorkerLog
  realDisk: typeof realDisk
}

/** Workers of bundled files, as dist/ has them: they start in a third of the time. The disk comes along: its
 *  errors are told by their class. */
let bundled: Promise<Bundle> | null = null

async function bundle (): Promise<Bundle> {
  const outdir = join(import.meta.dirname, '../../node_modules/.cache', `threads-${process.pid}`)
  const sources = ['threads/worker-log', 'threads/worker-entry', 'threads/disk-entry', 'base/disk-real']
  await build({
    entryPoints: sources.map(name => ({
      in: join(import.meta.dirname, '..', `${name}.ts`), out: name.slice(name.indexOf('/') + 1)
    })),
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error'
  })
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }))
  const threads = await import(`${outdir}/worker-log.js`)
  const disk = await import(`${outdir}/disk-real.js`)
  return { createWorkerLog: threads.createWorkerLog, realDisk: disk.realDisk }
}

export const topicId = '01234567-89ab-4def-8123-456789abcdef'
export const clusterId = 'AAAAAAAAAAAAAAAAAAAAAA'
export const client: AppendOrigin = { kind: 'client', leaderEpoch: -1 }

export const plainConfig: LogConfig = {
  segmentBytes: 2 ** 30,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  maxMessageBytes: 2 ** 25,
  retentionMs: -1,
  retentionBytes: -1,
  fileDeleteDelayMs: 60_000,
  logAppendTime: false,
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
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

/** Records with the value's text; `bytes` long each. */
export function batchOf (text: string, records = 1, bytes = 100, timestamp = 1_700_000_000_000): Buffer {
  const value = Buffer.alloc(bytes, text)
  const all = Array.from({ length: records }, () => ({ key: null, value, timestamp, headers: [] }))
  return buildBatch({}, all)
}

export interface Place {
  readonly kind: 'inline' | 'worker'
  readonly disk: Disk
  readonly folder: string
  drop (): void
}

/** Inline works in memory, workers in a folder. */
export function placeFor (kind: 'inline' | 'worker'): Place {
  if (kind === 'inline') return { kind, disk: new MemoryDisk(), folder: '/logs', drop () {} }
  const folder = mkdtempSync(join(tmpdir(), 'border-'))
  return { kind, disk: realDisk, folder, drop: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface Opened {
  log: Border
  found: FoundLog[]
  advanced: Row[]
  failures: Error[]
  failedDirectories: string[]
}

export async function startLog (
  place: Place, options: Partial<LogOptions> = {}, sources = false
): Promise<Opened> {
  const all: LogOptions = {
    directories: [place.folder],
    brokerId: 1,
    clusterId,
    disk: place.disk,
    clock: realClock,
    random: realRandom,
    logger: silentLogger,
    memoryBytes: 2 ** 24,
    defaults: plainConfig,
    ...options
  }
  const log = await createLog(place, all, sources)
  const opened: Opened = { log, found: [], advanced: [], failures: [], failedDirectories: [] }
  const events: LogEvents = {
    advanced: row => opened.advanced.push(row),
    directoryFailed: directory => opened.failedDirectories.push(directory),
    failed: reason => opened.failures.push(reason)
  }
  opened.found = await log.start(events)
  return opened
}

async function createLog (place: Place, options: LogOptions, sources: boolean): Promise<Border> {
  if (place.kind === 'inline') return createInlineLog(options)
  if (sources) return createWorkerLog(options)
  bundled ??= bundle()
  const { createWorkerLog: create, realDisk: disk } = await bundled
  return create({ ...options, disk })
}

export async function openRow (
  log: Border, partition = 0, config: LogConfig = plainConfig, epoch = 1
): Promise<Row> {
  const { row, errorCode } = await log.open({ topic: 'orders', topicId, partition }, config)
  if (errorCode !== 0) throw new Error(`open answered ${errorCode}`)
  await log.becomeLeader(row, epoch)
  return row
}

/** As the server does it: the frame is in the arena, held until the answer. */
export function append (log: Border, row: Row, batch: Buffer, origin = client): Promise<AppendResult> {
  return new Promise((resolve) => {
    const attempt = (): void => {
      const address = log.arena.placeOwn(batch)
      const records = log.arena.slice(address, batch.length)
      const answered = (_: number, result: AppendResult): void => resolve({ ...result })
      const taken = log.append(row, records, origin, { appended: answered }, 0)
      log.arena.release(address, batch.length)
      if (!taken) log.whenRoom(row, attempt)
    }
    attempt()
  })
}

export async function bytesOf (result: ReadResult | Promise<ReadResult>): Promise<Buffer> {
  const { records } = await result
  return collectPieces(records.pieces as readonly Piece[], records.bytes)
}
