import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { Doorbell } from './doorbell.ts'
import { ringMemory, RingReader, ringRecords, RingWriter } from './ring.ts'

function put (writer: RingWriter, value: number): void {
  const at = writer.next()
  writer.words[at] = value
  writer.doubles[(at >> 1) + 7] = value * 2 ** 33
  writer.publish()
}

function take (reader: RingReader): [number, number] {
  const at = reader.next()
  const seen: [number, number] = [reader.words[at], reader.doubles[(at >> 1) + 7]]
  reader.advance()
  reader.commit()
  return seen
}

describe('a ring', () => {
  it('hands records over in order, many times around', () => {
    const memory = ringMemory()
    const writer = new RingWriter(memory)
    const reader = new RingReader(memory)
    let taken = 0
    for (let value = 0; value < 5 * ringRecords; value++) {
      put(writer, value)
      if (value % 3 === 0) continue
      while (reader.filled()) expect(take(reader)).toEqual([taken, taken++ * 2 ** 33])
    }
    expect(reader.filled()).toBe(false)
  })

  it('is full at its length, and has room again only when taken records are given back', () => {
    const memory = ringMemory()
    const writer = new RingWriter(memory)
    const reader = new RingReader(memory)
    for (let value = 0; value < ringRecords; value++) {
      expect(writer.room(1)).toBeGreaterThan(0)
      put(writer, value)
    }
    expect(writer.room(1)).toBe(0)
    expect(() => put(writer, 0)).toThrow('full ring')
    expect(reader.filled()).toBe(true)
    reader.advance()
    expect(writer.room(1)).toBe(0)
    reader.commit()
    expect(writer.room(1)).toBe(1)
  })

  it('goes on when its counters wrap', () => {
    const memory = ringMemory()
    new Int32Array(memory)[0] = new Int32Array(memory)[16] = 2 ** 31 - 10
    const writer = new RingWriter(memory)
    const reader = new RingReader(memory)
    for (let value = 0; value < 30; value++) {
      put(writer, value)
      expect(writer.room(ringRecords)).toBe(ringRecords - 1)
      expect(take(reader)[0]).toBe(value)
      expect(writer.room(ringRecords)).toBe(ringRecords)
    }
  })

  it('a doorbell does not sleep over what was published before it was to be rung', () => {
    const bell = new Doorbell()
    let looked = 0
    bell.ring()
    bell.sleep(() => ++looked === 0, 3_600_000)
    expect(looked).toBe(1)
  })

  it('carries everything to a thread that sleeps in between, and none is missed', async () => {
    const commands = ringMemory()
    const replies = ringMemory()
    const bell = new Doorbell()
    const code = `
      const { parentPort, workerData } = require('node:worker_threads')
      const files = [import(workerData.ring), import(workerData.bell)]
      Promise.all(files).then(([{ RingReader, RingWriter }, { Doorbell }]) => {
        const reader = new RingReader(workerData.commands)
        const writer = new RingWriter(workerData.replies)
        const bell = new Doorbell(workerData.memory)
        for (let taken = 0; taken < workerData.count;) {
          while (reader.filled()) {
            writer.words[writer.next()] = reader.words[reader.next()]
            writer.publish()
            reader.advance()
            reader.commit()
            taken++
          }
          bell.sleep(() => !reader.filled(), 60000)
        }
      })`
    const count = 20_000
    const worker = new Worker(code, {
      eval: true,
      workerData: {
        commands,
        replies,
        memory: bell.memory,
        count,
        ring: new URL('./ring.ts', import.meta.url).href,
        bell: new URL('./doorbell.ts', import.meta.url).href
      }
    })
    const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
    const writer = new RingWriter(commands)
    const reader = new RingReader(replies)
    let sum = 0
    for (let sent = 0, got = 0; got < count;) {
      while (reader.filled()) {
        expect(take(reader)[0]).toBe(got++)
        sum++
      }
      if (sent === count || sent - got > 100) {
        await new Promise(resolve => setImmediate(resolve))
        continue
      }
      put(writer, sent++)
      bell.ring()
    }
    // Its last sleep ends by itself only after a minute.
    bell.ring()
    expect(sum).toBe(count)
    await worker.terminate()
    await ended
  })
})
