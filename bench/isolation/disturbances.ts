// What goes on beside the steady producer: in the broker, and, to tell its doing from the machine's, outside
// of it. Each has a topic of its own.
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesReadBy } from '../daemon.ts'
import { fillTopic, letGo, makeTopic, segmentsOf, set, settle, type Site } from './topics.ts'

export interface Disturbance {
  readonly name: string
  /** One partition each; '': the broker has nothing to do with it. */
  readonly topic: string
  /** Once. */
  make (site: Site): Promise<void>
  /** Before every round: afterwards all is quiet. */
  prepare (site: Site): Promise<void>
  /** Resolves when it is in full swing. */
  begin (site: Site): Promise<void>
  /** Says what was done since. */
  end (site: Site, seconds: number): Promise<string>
  close (): void
  /** Of the program that it takes. */
  readonly pid?: number
}

const watchMs = 10
const idleMs = 150

/** Until the broker has had so much read for it, or so long: it may have everything in memory. */
async function untilRead (pid: number, bytes: number, waitMs: number): Promise<void> {
  const before = bytesReadBy(pid)
  for (let ms = 0; ms < waitMs && bytesReadBy(pid) - before < bytes; ms += watchMs) await sleep(watchMs)
}

/** Until it has read no more for a while than the steady producer sends. */
async function untilIdle (pid: number): Promise<void> {
  for (;;) {
    const before = bytesReadBy(pid)
    await sleep(idleMs)
    if (bytesReadBy(pid) - before < idleMs * 1e4) return
  }
}

/**
 * A program that goes on and is held, in turn. `nice`: as if it were another machine's. In the session of
 * this one, for a scheduler may compare priorities within one session only.
 */
class Held {
  readonly pid: number
  readonly close = (): void => {
    process.off('exit', this.close)
    process.kill(this.pid, 'SIGKILL')
  }

  constructor (script: string, args: readonly string[], nice: number) {
    const path = join(import.meta.dirname, script)
    this.pid = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'ignore', 'inherit'] }).pid!
    setPriority(this.pid, nice)
    process.once('exit', this.close)
  }

  hold (): void { process.kill(this.pid, 'SIGSTOP') }

  goOn (): void { process.kill(this.pid, 'SIGCONT') }
}

export const historyTopic = 'history'

export async function makeHistory (site: Site, bytes: number): Promise<void> {
  await makeTopic(site, historyTopic)
  await fillTopic(site, historyTopic, bytes)
}

/** A consumer that reads the whole topic, again and again: from the device, for the cache is emptied. */
export function historyRead (nice: number): Disturbance {
  let reader: Held | null = null
  let before = 0
  return {
    name: 'history read',
    topic: historyTopic,
    async make ({ port, pid }) {
      reader = new Held('../load/main.ts', ['--mode=consume', `--bootstrap-server=127.0.0.1:${port}`,
        `--pid=${pid}`, `--topic=${historyTopic}`, '--partitions=1', '--consumers=1', '--fill-bytes=0',
        '--warmup=0', '--seconds=3600'], nice)
      await untilRead(pid, 1e7, 3000)
      reader.hold()
    },
    async prepare (site) {
      settle(site, historyTopic)
      await untilIdle(site.pid)
    },
    async begin ({ pid }) {
      reader!.goOn()
      await untilRead(pid, 1e6, 300)
      before = bytesReadBy(pid)
    },
    async end ({ pid }, seconds) {
      reader!.hold()
      return `${((bytesReadBy(pid) - before) / 1e6 / seconds).toFixed(0)} MB/s read`
    },
    close () { reader?.close() },
    get pid () { return reader?.pid }
  }
}

/** A compaction of all there is, anew for every round. */
export function compaction (bytes: number): Disturbance {
  const topic = 'compacted'
  let before = 0
  const segmentBytes = String(Math.max(2 ** 20, Math.ceil(bytes / 16)))
  return {
    name: 'compaction',
    topic,
    make: site => makeTopic(site, topic, { 'cleanup.policy': 'delete', 'segment.bytes': segmentBytes }),
    async prepare (site) {
      await set(site, topic, { 'cleanup.policy': 'delete' })
      await fillTopic(site, topic, bytes)
      settle(site, topic)
      await untilIdle(site.pid)
    },
    async begin (site) {
      await set(site, topic, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
      await untilRead(site.pid, 4e6, 3000)
      before = bytesReadBy(site.pid)
    },
    async end ({ pid }, seconds) {
      return `${((bytesReadBy(pid) - before) / 1e6 / seconds).toFixed(0)} MB/s read`
    },
    close () {}
  }
}

/** All segments but the last go, anew for every round; their files half a second later. */
export function retentionSweep (bytes: number): Disturbance {
  const topic = 'swept'
  let before = 0
  const segmentBytes = String(Math.max(2 ** 20, Math.ceil(bytes / 64)))
  const settings = { 'segment.bytes': segmentBytes, 'file.delete.delay.ms': '500' }
  return {
    name: 'retention sweep',
    topic,
    make: site => makeTopic(site, topic, settings),
    async prepare (site) {
      await set(site, topic, { 'retention.bytes': '-1' })
      await fillTopic(site, topic, bytes)
      settle(site, topic)
      await untilIdle(site.pid)
    },
    async begin (site) {
      before = segmentsOf(site, topic).length
      await set(site, topic, { 'retention.bytes': '1' })
    },
    async end (site) { return `${before} segments to ${segmentsOf(site, topic).length}` },
    close () {}
  }
}

/** What another program does, that never hears of the broker. */
function outside (
  name: string, argsOf: (site: Site) => readonly string[], nice: number,
  prepare: (site: Site) => void = () => {}
): Disturbance {
  let program: Held | null = null
  return {
    name: `outside: ${name}`,
    topic: '',
    async make (site) {
      program = new Held('outside-entry.ts', argsOf(site), nice)
      // It has to start first.
      await sleep(300)
      program.hold()
    },
    async prepare (site) { prepare(site) },
    async begin () { program!.goOn() },
    async end () {
      program!.hold()
      return ''
    },
    close () { program?.close() },
    get pid () { return program?.pid }
  }
}

/** The files of the history are read from the device. */
export function outsideRead (nice: number): Disturbance {
  return outside('a read', site => ['read', ...segmentsOf(site, historyTopic)], nice, (site) => {
    for (const path of segmentsOf(site, historyTopic)) letGo(path)
  })
}

/** Files are written, flushed and removed. */
export function outsideFiles (): Disturbance {
  return outside('files', ({ folder }) => ['files', folder], 0)
}

export function outsideWork (): Disturbance {
  return outside('a busy processor', () => ['work'], 0)
}
