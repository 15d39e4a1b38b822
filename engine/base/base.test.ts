// Clocks, chance, checksums, background work and log lines.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Worker } from 'node:worker_threads'
import { InlineBackground } from './background-inline.ts'
import { FakeClock } from './clock-fake.ts'
import { realClock } from './clock-real.ts'
import { crc32c, extendCrc32c } from './crc32c.ts'
import { lateLogger, silentLogger } from './logger.ts'
import { pinoLogger } from './logger-pino.ts'
import { realRandom } from './random-real.ts'
import { SeededRandom } from './random-seeded.ts'

describe('the fake clock', () => {
  test('fires timers in the order of their time, then of their setting, each at its time', () => {
    const clock = new FakeClock(1000)
    const fired: string[] = []
    const note = (name: string) => (): void => { fired.push(`${name}@${clock.monotonicMs()}`) }
    clock.after(20, note('c'))
    clock.after(10, note('a'))
    clock.after(10, note('b'))
    clock.after(15, note('never')).cancel()
    clock.after(5, () => clock.after(7, note('inner')))
    expect(clock.nextDueMs).toBe(5)
    clock.advance(15)
    expect(fired).toEqual(['a@10', 'b@10', 'inner@12'])
    clock.advance(5)
    expect(fired.at(-1)).toBe('c@20')
    expect(clock.nextDueMs).toBe(null)
    expect(clock.nowMs()).toBe(1020)
  })

  test('lets the wall clock jump without waking timers', () => {
    const clock = new FakeClock(1000)
    let fired = 0
    clock.after(10, () => fired++)
    clock.setWallMs(5_000_000)
    expect([fired, clock.nowMs(), clock.monotonicMs()]).toEqual([0, 5_000_000, 0])
    clock.advance(10)
    expect([fired, clock.nowMs()]).toEqual([1, 5_000_010])
  })

  test('puts off what soon() asks for, one round at a time', () => {
    const clock = new FakeClock()
    const ran: number[] = []
    clock.soon(() => { ran.push(1); clock.soon(() => ran.push(2)) })
    expect(clock.runSoon()).toBe(1)
    expect(ran).toEqual([1])
    expect(clock.waiting).toBe(1)
    clock.runSoon()
    expect(ran).toEqual([1, 2])
  })
})

describe('the real clock', () => {
  test('does not fire before the time, nor after a cancel', async () => {
    let cancelled = true
    realClock.after(1, () => { cancelled = false }).cancel()
    const start = realClock.monotonicMs()
    // The timer keeps nothing alive, so something else has to.
    const alive = setInterval(() => {}, 1)
    await new Promise<void>((resolve) => realClock.after(5.5, resolve))
    clearInterval(alive)
    expect(realClock.monotonicMs() - start).toBeGreaterThanOrEqual(5.5)
    expect(cancelled).toBe(true)
    await new Promise<void>((resolve) => realClock.soon(resolve))
  })

  test('does not fire a far timer at once', async () => {
    let fired = false
    const timer = realClock.after(2 ** 31 + 5, () => { fired = true })
    const alive = setInterval(() => {}, 1)
    await new Promise<void>((resolve) => realClock.after(5, resolve))
    clearInterval(alive)
    expect(fired).toBe(false)
    timer.cancel()
  })
})

describe.each([['real', realRandom], ['seeded', new SeededRandom(42)]])('%s chance', (_, random) => {
  test('stays in its bounds and uses all of them', () => {
    const counts = new Array<number>(10).fill(0)
    for (let n = 0; n < 10_000; n++) counts[random.below(10)]++
    for (const count of counts) expect(count).toBeGreaterThan(700)
    for (let n = 0; n < 1000; n++) {
      const float = random.float()
      expect(float >= 0 && float < 1).toBe(true)
    }
    expect(random.bytes(33).length).toBe(33)
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

test('a seed replays its chance, and neighbours differ', () => {
  const draw = (seed: number): string => {
    const random = new SeededRandom(seed)
    return [random.float(), random.below(1000), random.bytes(8).toString('hex'), random.uuid()].join()
  }
  expect(draw(1)).toBe(draw(1))
  expect(new Set(Array.from({ length: 100 }, (_, seed) => draw(seed))).size).toBe(100)
  expect(draw(2 ** 40)).not.toBe(draw(0))
})

describe('CRC-32C', () => {
  test('of the check text, of a part, and in steps', () => {
    const bytes = Buffer.from('--123456789--')
    expect(crc32c(bytes, 2, 11)).toBe(0xe3069283)
    expect(extendCrc32c(crc32c(bytes, 2, 6), bytes, 6, 11)).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(0))).toBe(0)
  })

  test('in a worker thread, over shared memory', async () => {
    const shared = new SharedArrayBuffer(9)
    Buffer.from(shared).write('123456789')
    const module = JSON.stringify(new URL('./crc32c.ts', import.meta.url).href)
    const worker = new Worker(`
      const { parentPort, workerData } = require('node:worker_threads')
      import(${module}).then(({ crc32c }) => parentPort.postMessage(crc32c(new Uint8Array(workerData))))
    `, { eval: true, workerData: shared })
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
    })
    await worker.terminate()
    expect(answer).toBe(0xe3069283)
  })
})

test('inline background work runs in order, when pumped, and reports failures', () => {
  const background = new InlineBackground()
  const log: string[] = []
  background.run(() => { log.push('job 1'); return 1 }, (value) => {
    log.push(`done ${value}`)
    background.run(() => 3, (inner) => log.push(`done ${inner}`), () => {})
  }, () => {})
  const fail = (): never => { throw new Error('no') }
  background.run(fail, () => log.push('never'), (error) => log.push(error.message))
  expect(log).toEqual([])
  expect(background.step()).toBe(true)
  expect(log).toEqual(['job 1', 'done 1'])
  expect(background.pump()).toBe(2)
  expect(log).toEqual(['job 1', 'done 1', 'no', 'done 3'])
  background.run(() => 1, () => log.push('never'), () => {})
  background.drop()
  expect(background.step()).toBe(false)
})

test('log lines are one object each, written at once', () => {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const logger = pinoLogger({ destination, level: 'info', fields: { node: 1 } })
  logger.debug('not this')
  logger.info({ port: 9092 }, 'listening')
  expect(lines.length).toBe(1)
  expect(JSON.parse(lines[0])).toMatchObject({ level: 'info', node: 1, port: 9092, msg: 'listening' })
  const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  const file = pinoLogger({ destination: join(folder, 'logs', 'server.log') })
  file.warn('to a file')
  file.close()
  expect(JSON.parse(readFileSync(join(folder, 'logs', 'server.log'), 'utf8'))).toMatchObject({ msg: 'to a file' })
  rmSync(folder, { recursive: true })
})

test('a late logger is made by its first line, or before it, once', () => {
  const made: string[] = []
  const late = lateLogger(() => {
    made.push('made')
    return { ...silentLogger, warn: (fields, message) => made.push(`${JSON.stringify(fields)} ${message}`) }
  })
  expect(made).toEqual([])
  late.warn({ a: 1 }, 'one')
  late.load()
  late.warn({ a: 2 }, 'two')
  expect(made).toEqual(['made', '{"a":1} one', '{"a":2} two'])
})
