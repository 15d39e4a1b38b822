import { describe, expect, it } from 'vitest'
import { realClock } from '../base/clock-real.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { realRandom } from '../base/random-real.ts'
import {
  command, commandWord, type FromWorker, type LogCall, reply, replyWord, type ToWorker
} from './commands.ts'
import { LogCore } from './log-core.ts'
import { batchOf, plainConfig, topicId } from './log-client.testing.ts'
import { PartitionTable } from './partition-table.ts'
import { ringMemory, RingReader, RingWriter } from './ring.ts'
import { WorkerLogs } from './worker-logs.ts'

/** A core over a log of its own; a test plays the main thread. */
class Bench {
  readonly calls: ToWorker[] = []
  readonly commands = new RingWriter(ringMemory())
  /** Slots that were answered before main took answers, each time. */
  readonly lots: number[][] = []
  mainTakes = true
  alarms = 0
  readonly #arena = Buffer.from(new SharedArrayBuffer(2 ** 22))
  #arenaBytes = 0
  readonly #core: LogCore
  readonly #replies: RingReader

  constructor () {
    const replies = new RingWriter(ringMemory())
    this.#replies = new RingReader(replies.words.buffer as SharedArrayBuffer)
    this.#core = new LogCore({
      commands: new RingReader(this.commands.words.buffer as SharedArrayBuffer),
      replies,
      channel: { send: (_: FromWorker) => {}, receive: () => this.calls.shift() },
      table: new PartitionTable(),
      arenaBytes: this.#arena,
      alert: () => {
        this.alarms++
        if (this.mainTakes) this.#take()
      },
      waitsForAnswers: () => replies.emptied()
    })
    this.#core.serve(new WorkerLogs(this.#core, {
      directory: '/logs',
      disk: new MemoryDisk(),
      clock: realClock,
      random: realRandom,
      defaults: plainConfig,
      retentionCheckMs: 300_000,
      retentionDelayMs: 30_000
    }))
    this.#call({ kind: 'open', row: 0, identity: { topic: 'lots', topicId, partition: 0 }, config: plainConfig })
    this.#call({ kind: 'lead', row: 0, epoch: 1 })
    this.drain()
  }

  append (slot: number, bytes: number): void {
    const batch = batchOf('x', 1, bytes)
    batch.copy(this.#arena, this.#arenaBytes)
    const { words } = this.commands
    const at = this.commands.next()
    words[at + commandWord.command] = command.append
    words[at + commandWord.row] = 0
    words[at + commandWord.address] = this.#arenaBytes
    words[at + commandWord.length] = batch.length
    words[at + commandWord.slot] = slot
    words[at + commandWord.leaderEpoch] = -1
    words[at + commandWord.kind] = 0
    this.commands.publish()
    this.#arenaBytes += batch.length
  }

  drain (): void {
    this.#core.drain(realClock.nowMs())
  }

  #call (call: LogCall): void {
    this.calls.push({ id: 1, call })
    this.commands.words[this.commands.next() + commandWord.command] = command.object
    this.commands.publish()
  }

  #take (): void {
    const slots = this.#answered()
    if (slots.length > 0) this.lots.push(slots)
  }

  #answered (): number[] {
    const slots: number[] = []
    for (; this.#replies.filled(); this.#replies.advance()) {
      const at = this.#replies.next()
      const { words } = this.#replies
      if (words[at + replyWord.reply] === reply.appended) slots.push(words[at + replyWord.slot])
    }
    this.#replies.commit()
    return slots
  }
}

describe('a round of a log worker', () => {
  it('ends after 80 KB for a main thread that has taken all answers', () => {
    const bench = new Bench()
    for (let slot = 0; slot < 5; slot++) bench.append(slot, 50_000)
    bench.drain()
    expect(bench.lots).toEqual([[0, 1], [2, 3], [4]])
  })

  it('goes on for one that has answers to take', () => {
    const bench = new Bench()
    bench.mainTakes = false
    bench.append(0, 50_000)
    bench.drain()
    bench.alarms = 0
    for (let slot = 1; slot < 5; slot++) bench.append(slot, 50_000)
    bench.drain()
    expect(bench.alarms).toBe(1)
  })
})
