// What the system may do with a read or a write short of failing: a part of it, an interruption, nothing for
// now. The bytes are all there in the end, or an error says that they are not.
import { mkdtempSync, rmSync } from 'node:fs'
import type * as NodeFs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DiskError } from './disk.ts'
import { realDisk } from './disk-real.ts'

/** What the next calls do: so many bytes at most, or an error; without a plan all. */
const plan = vi.hoisted((): (number | string)[] => [])

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof NodeFs>()
  const next = (wanted: number): number => {
    const step = plan.shift() ?? wanted
    if (typeof step === 'string') throw Object.assign(new Error(step), { code: step })
    return Math.min(step, wanted)
  }
  return {
    ...fs,
    writeSync: (file: number, bytes: Uint8Array, from: number, length: number, position: number): number =>
      fs.writeSync(file, bytes, from, next(length), position),
    writevSync (file: number, slices: readonly Uint8Array[], position: number): number {
      const whole = Buffer.concat(slices)
      return fs.writeSync(file, whole, 0, next(whole.length), position)
    },
    readSync: (file: number, target: Uint8Array, from: number, length: number, position: number): number =>
      fs.readSync(file, target, from, next(length), position)
  }
})

describe('the real disk', () => {
  const slices = ['one', '', 'three', 'x', 'four hundred'].map(text => Buffer.from(text))
  const whole = Buffer.concat(slices)
  let home: string
  let file: number

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'millrace-short-'))
    file = realDisk.open(join(home, 'log'), 'new')
  })
  afterEach(() => {
    plan.length = 0
    realDisk.close(file)
    rmSync(home, { recursive: true, force: true })
  })

  const written = (): string => realDisk.readFile(join(home, 'log')).toString()

  it('writes on after every length of a short write', () => {
    for (let first = 1; first < whole.length; first++) {
      for (let second = 1; second < whole.length - first; second++) {
        realDisk.truncate(file, 0)
        plan.push(first, second)
        realDisk.writev(file, slices, 0)
        expect(written()).toBe(whole.toString())
        expect(plan).toEqual([])
      }
    }
  })

  it('writes and reads on after interruptions, and when it is told to come again', () => {
    plan.push('EINTR', 4, 'EAGAIN', 'EINTR', 1, 2, 'EAGAIN')
    realDisk.writev(file, slices, 3)
    expect([plan.length, written()]).toEqual([0, `\0\0\0${whole.toString()}`])
    plan.push('EINTR', 5, 'EAGAIN', 1)
    const target = Buffer.alloc(whole.length)
    expect(realDisk.read(file, target, 3)).toBe(whole.length)
    expect(target.equals(whole)).toBe(true)
  })

  it('says that a write failed, also when a part of it went well', () => {
    for (const code of ['ENOSPC', 'EIO']) {
      plan.push(5, code)
      const write = (): void => realDisk.writev(file, slices, 0)
      expect(write).toThrow(expect.objectContaining({ name: 'DiskError', code }))
    }
  })

  it('does not try for ever what never goes on', () => {
    for (const step of [0, 'EAGAIN']) {
      plan.push(...new Array(20_000).fill(step))
      expect(() => realDisk.writev(file, slices, 0)).toThrow(DiskError)
      expect(plan.length).toBeGreaterThan(0)
      plan.length = 0
    }
    plan.push(...new Array(20_000).fill('EINTR'))
    expect(() => realDisk.read(file, Buffer.alloc(1), 0)).toThrow(DiskError)
  })
})
