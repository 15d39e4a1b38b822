// A shard over a machine that keeps a few words: what is visible when, and what an append that fails leaves
// behind.
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { silentLogger } from '../base/logger.ts'
import { errorCodes } from '../protocol/errors.ts'
import { decodeRecords } from '../protocol/record.ts'
import { createWaitingRoom } from '../waiting/room.ts'
import { type WaitingRoom } from '../waiting/waiting-room.ts'
import { FakeLog } from './coordinator.testing.ts'
import { CoordinatorError, type CoordinatorRecord, type Machine, Outcome, type Step } from './machine.ts'
import { Shard } from './shard.ts'

type Event =
  | { kind: 'put', request: number, words: string[] }
  | { kind: 'clear', request: number }
  | { kind: 'remind', request: number, afterMs: number }
  | { kind: 'due' }

class Words implements Machine<Event> {
  readonly words: string[] = []
  readonly undone: string[] = []
  due = 0

  exclusive (event: Event): boolean { return event.kind === 'clear' }

  step (event: Event): Step<Event> {
    const outcome = new Outcome<Event>()
    if (event.kind === 'due') {
      this.due++
      return outcome
    }
    if (event.kind === 'remind') {
      outcome.wake('reminder', event.afterMs, { kind: 'due' })
      return outcome.reply(event.request, 'reminded')
    }
    const { request } = event
    const words = event.kind === 'put' ? event.words : []
    const gone = event.kind === 'clear' ? [...this.words] : []
    for (const word of words) outcome.records.push({ key: Buffer.from(word), value: Buffer.from('!') })
    for (const word of gone) outcome.records.push({ key: Buffer.from(word), value: null })
    outcome.settled = outcome.records.length === 0
      ? null
      : code => {
        if (code !== 0) this.undone.push(...words, ...gone)
        else if (event.kind === 'clear') this.words.splice(0, gone.length)
        else this.words.push(...words)
        return new Outcome<Event>()
      }
    return outcome.reply(request, event.kind === 'put' ? `put ${words.join(' ')}` : `cleared ${gone.join(' ')}`)
  }

  replay ({ key, value }: CoordinatorRecord): void {
    const word = key.toString()
    if (value !== null) this.words.push(word)
    else this.words.splice(this.words.indexOf(word), 1)
  }

  loaded (): Step<Event> { return new Outcome<Event>() }
}

let clock: FakeClock
let waiting: WaitingRoom
let log: FakeLog
let said: string[]

beforeEach(() => {
  clock = new FakeClock()
  waiting = createWaitingRoom(clock)
  log = new FakeLog(waiting)
  said = []
})

function newShard (batchBytesMax = 10_000): Shard<Event, Words> {
  return new Shard<Event, Words>({
    name: 'words-0',
    row: 0,
    leaderEpoch: 3,
    machine: new Words(),
    log: log.client,
    clock,
    waiting,
    logger: silentLogger,
    commitTimeoutMs: () => 5000,
    compression: () => 0,
    batchBytesMax: () => batchBytesMax
  })
}

async function loadedShard (batchBytesMax?: number): Promise<Shard<Event, Words>> {
  const shard = newShard(batchBytesMax)
  await shard.load()
  return shard
}

function ask (shard: Shard<Event, Words>, event: { kind: 'put', words: string[] } | { kind: 'clear' } |
  { kind: 'remind', afterMs: number }): void {
  shard.submit(request => ({ ...event, request })).then(
    answer => said.push(String(answer)),
    (error: CoordinatorError) => said.push(`error ${error.code}`))
}

/** Runs what is put off until nothing is. */
async function settle (): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet++) {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    if (clock.runSoon() > 0) quiet = 0
  }
}

describe('a coordinator shard', () => {
  it('writes the records of one tick as one batch and answers then', async () => {
    const shard = await loadedShard()
    log.keeps = true
    ask(shard, { kind: 'put', words: ['a', 'b'] })
    ask(shard, { kind: 'put', words: ['c'] })
    await settle()
    expect([said, shard.machine.words]).toEqual([[], []])
    log.answer()
    await settle()
    expect(said).toEqual(['put a b', 'put c'])
    expect(shard.machine.words).toEqual(['a', 'b', 'c'])
    expect(log.batches.length).toBe(1)
    expect(decodeRecords(log.batches[0]).map(({ key }) => String(key))).toEqual(['a', 'b', 'c'])
  })

  it('shows and answers nothing above the high watermark', async () => {
    const shard = await loadedShard()
    log.lags = true
    ask(shard, { kind: 'put', words: ['a'] })
    await settle()
    expect([said, shard.machine.words]).toEqual([[], []])
    log.commit()
    await settle()
    expect([said, shard.machine.words]).toEqual([['put a'], ['a']])
  })

  it('goes on appending while earlier batches wait to be committed', async () => {
    const shard = await loadedShard()
    log.lags = true
    ask(shard, { kind: 'put', words: ['a'] })
    await settle()
    ask(shard, { kind: 'put', words: ['b'] })
    await settle()
    expect([said, log.batches.length]).toEqual([[], 2])
    log.commit()
    await settle()
    expect(said).toEqual(['put a', 'put b'])
  })

  it('takes back what could not be appended, newest first, with what waits behind it', async () => {
    const shard = await loadedShard()
    log.keeps = true
    log.errorCode = errorCodes.NOT_ENOUGH_REPLICAS
    ask(shard, { kind: 'put', words: ['a'] })
    await settle()
    ask(shard, { kind: 'put', words: ['b'] })
    log.answer()
    await settle()
    expect(said.toSorted()).toEqual([`error ${errorCodes.COORDINATOR_NOT_AVAILABLE}`, `error ${errorCodes.COORDINATOR_NOT_AVAILABLE}`])
    expect([shard.machine.words, shard.machine.undone]).toEqual([[], ['b', 'a']])
    log.keeps = false
    log.errorCode = errorCodes.NONE
    ask(shard, { kind: 'put', words: ['c'] })
    await settle()
    expect(said.at(-1)).toBe('put c')
  })

  it('tells who waits too long, and counts the records when they are committed after all', async () => {
    const shard = await loadedShard()
    log.lags = true
    ask(shard, { kind: 'put', words: ['a'] })
    await settle()
    clock.advance(5100)
    await settle()
    expect([said, shard.machine.words]).toEqual([[`error ${errorCodes.COORDINATOR_NOT_AVAILABLE}`], []])
    log.commit()
    clock.advance(1000)
    await settle()
    expect(shard.machine.words).toEqual(['a'])
  })

  it('outlives the closing of the waiting room: no session ends by it, nothing spins', async () => {
    const shard = await loadedShard()
    log.lags = true
    ask(shard, { kind: 'put', words: ['a'] })
    ask(shard, { kind: 'remind', afterMs: 1000 })
    await settle()
    waiting.close()
    await settle()
    expect(said).toEqual(['reminded', `error ${errorCodes.COORDINATOR_NOT_AVAILABLE}`])
    expect([shard.machine.due, clock.waiting]).toEqual([0, 0])
    shard.close(errorCodes.COORDINATOR_NOT_AVAILABLE)
    expect(clock.nextDueMs).toBe(null)
  })

  it('lets an exclusive event wait for what is under way, and others for it', async () => {
    const shard = await loadedShard()
    log.lags = true
    ask(shard, { kind: 'put', words: ['a'] })
    ask(shard, { kind: 'clear' })
    ask(shard, { kind: 'put', words: ['b'] })
    await settle()
    expect(log.batches.length).toBe(1)
    log.commit()
    await settle()
    expect([said, log.batches.length]).toEqual([['put a'], 2])
    expect(decodeRecords(log.batches[1]).map(({ value }) => value)).toEqual([null])
    log.commit()
    await settle()
    log.commit()
    await settle()
    expect(said).toEqual(['put a', 'cleared a', 'put b'])
    expect(shard.machine.words).toEqual(['b'])
  })

  it('cuts a step that is larger than a batch, and counts it only when all of it is committed', async () => {
    const shard = await loadedShard(100)
    log.lags = true
    ask(shard, { kind: 'put', words: ['a', 'b', 'c', 'd', 'e', 'f'] })
    await settle()
    expect(log.batches.length).toBe(2)
    expect([said, shard.machine.words]).toEqual([[], []])
    log.commit()
    await settle()
    expect(shard.machine.words.join('')).toBe('abcdef')
  })

  it('waits for room in the ring', async () => {
    const shard = await loadedShard()
    log.full = true
    ask(shard, { kind: 'put', words: ['a'] })
    await settle()
    expect(said).toEqual(['put a'])
  })

  it('reads its state again, and sends clients away meanwhile', async () => {
    const first = await loadedShard()
    for (let at = 0; at < 50; at++) ask(first, { kind: 'put', words: [`w${at}`] })
    ask(first, { kind: 'clear' })
    ask(first, { kind: 'put', words: ['kept'] })
    await settle()
    first.close(errorCodes.NOT_COORDINATOR)
    said = []
    const second = newShard()
    const loaded = second.load()
    ask(second, { kind: 'put', words: ['early'] })
    await loaded
    expect(said).toEqual([`error ${errorCodes.COORDINATOR_LOAD_IN_PROGRESS}`])
    expect(second.machine.words).toEqual(['kept'])
  })

  it('forgets everything when the partition goes, and says so', async () => {
    const shard = await loadedShard()
    log.keeps = true
    ask(shard, { kind: 'put', words: ['a'] })
    ask(shard, { kind: 'remind', afterMs: 1000 })
    await settle()
    shard.close(errorCodes.NOT_COORDINATOR)
    log.answer()
    ask(shard, { kind: 'put', words: ['b'] })
    clock.advance(2000)
    await settle()
    expect(said).toEqual(['reminded', `error ${errorCodes.NOT_COORDINATOR}`, `error ${errorCodes.NOT_COORDINATOR}`])
    expect([shard.machine.words, shard.machine.due]).toEqual([[], 0])
    expect(waiting.size).toBe(0)
  })

  it('wakes the machine once, at the last time it asked for', async () => {
    const shard = await loadedShard()
    ask(shard, { kind: 'remind', afterMs: 1000 })
    ask(shard, { kind: 'remind', afterMs: 3000 })
    await settle()
    clock.advance(2000)
    expect(shard.machine.due).toBe(0)
    clock.advance(2000)
    expect(shard.machine.due).toBe(1)
    ask(shard, { kind: 'remind', afterMs: 0 })
    await settle()
    expect(shard.machine.due).toBe(2)
  })
})
