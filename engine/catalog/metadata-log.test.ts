import { describe, expect, it } from 'vitest'
import { FaultyDisk } from '../base/disk-faulty.ts'
import { MemoryDisk } from '../base/disk-memory.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { CatalogDamagedError, openMetadataLog } from './metadata-log.ts'

interface Note { n: number, text?: string }

const path = '/d/catalog'
const open = (disk: MemoryDisk) => openMetadataLog<Note, Note>(disk, path)

function diskWith (changes: number): MemoryDisk {
  const disk = new MemoryDisk()
  disk.makeDirectory('/d')
  const log = open(disk)
  log.replace({ n: 0 })
  for (let n = 1; n <= changes; n++) log.append({ n, text: `{"change ${n}"}` })
  log.close()
  return disk
}

function diskOf (bytes: Uint8Array): MemoryDisk {
  const disk = new MemoryDisk()
  disk.makeDirectory('/d')
  disk.replaceFile(path, bytes)
  return disk
}

describe('metadata log', () => {
  it('has nothing where no file is, and writes nothing by being opened', () => {
    const disk = new MemoryDisk()
    disk.makeDirectory('/d')
    expect(open(disk).snapshot).toBeNull()
    expect(disk.list('/d')).toEqual([])
  })

  it('reads back the snapshot and every change in order', () => {
    const log = open(diskWith(3))
    expect(log.snapshot).toEqual({ n: 0 })
    expect(log.changes.map(({ n }) => n)).toEqual([1, 2, 3])
  })

  it('cut at any byte it has every change before the cut, and takes new ones', () => {
    const whole = diskWith(3).readFile(path)
    const ends = [1, 2, 3].map(changes => diskWith(changes - 1).readFile(path).length)
    for (let length = ends[0]; length < whole.length; length++) {
      const disk = diskOf(whole.subarray(0, length))
      const log = open(disk)
      const expected = ends.filter(end => end <= length).length - 1
      expect(log.changes.map(({ n }) => n)).toEqual([1, 2, 3].slice(0, expected))
      log.append({ n: 9 })
      log.close()
      expect(open(disk).changes.map(({ n }) => n)).toEqual([...[1, 2, 3].slice(0, expected), 9])
    }
  })

  it('passes over a tail of garbage or zeros', () => {
    for (const tail of [Buffer.alloc(100), Buffer.from('{{{{{{{{{{{{{{{{{{{{'), Buffer.alloc(30, 0xff)]) {
      const log = open(diskOf(Buffer.concat([diskWith(2).readFile(path), tail])))
      expect(log.changes.length).toBe(2)
    }
  })

  it('does not start on damage before a whole entry', () => {
    const whole = diskWith(3).readFile(path)
    for (let at = 0; at < diskWith(2).readFile(path).length; at += 3) {
      const bytes = Buffer.from(whole)
      bytes[at] ^= 0x55
      expect(() => open(diskOf(bytes))).toThrow(CatalogDamagedError)
    }
  })

  it('whatever became of its file: has a beginning of its changes, or refuses and names the file', () => {
    const whole = diskWith(3).readFile(path)
    const damaged: Buffer[] = [Buffer.alloc(0), Buffer.from('0\n0\n'), Buffer.alloc(5000, 0xff)]
    for (let at = 0; at <= whole.length; at++) {
      const beginning = whole.subarray(0, at)
      damaged.push(beginning, Buffer.concat([beginning, Buffer.alloc(whole.length - at)]))
      damaged.push(Buffer.concat([beginning, Buffer.alloc(100, 0xa5)]))
    }
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3] ^= 1 << (bit & 7)
      damaged.push(bytes)
    }
    for (let at = 0; at + 4 <= whole.length; at++) {
      for (const value of [-1, 0, 2 ** 31 - 1, whole.length]) {
        const bytes = Buffer.from(whole)
        bytes.writeInt32BE(value, at)
        damaged.push(bytes)
      }
    }
    let refused = 0
    for (const bytes of damaged) {
      try {
        const { snapshot, changes } = open(diskOf(bytes))
        expect([0, undefined]).toContain(snapshot?.n)
        expect(changes).toEqual([1, 2, 3].slice(0, changes.length).map(n => ({ n, text: `{"change ${n}"}` })))
      } catch (error) {
        expect(error).toBeInstanceOf(CatalogDamagedError)
        expect((error as Error).message).toContain(path)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(whole.length)
  })

  it('begins a new file when the changes outgrow the snapshot, and loses nothing by it', () => {
    const disk = new MemoryDisk()
    disk.makeDirectory('/d')
    const log = open(disk)
    log.replace({ n: 0 })
    let n = 0
    while (!log.wantsSnapshot) log.append({ n: ++n, text: 'x'.repeat(10_000) })
    log.replace({ n })
    expect(log.wantsSnapshot).toBe(false)
    log.append({ n: n + 1 })
    const again = open(disk)
    expect([again.snapshot, again.changes]).toEqual([{ n }, [{ n: n + 1 }]])
    expect(disk.readFile(path).length).toBeLessThan(200)
  })

  it('keeps every change it returned from, whatever a crash takes', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed)
      const disk = new FaultyDisk()
      disk.makeDirectory('/d')
      disk.fsyncDirectory('/')
      let kept = 0
      open(disk).replace({ n: 0 })
      for (let life = 0; life < 5; life++) {
        const log = open(disk)
        expect(log.changes.at(-1)?.n ?? log.snapshot!.n).toBe(kept)
        for (let step = random.below(4); step > 0; step--) {
          if (random.below(4) === 0) log.replace({ n: kept })
          else log.append({ n: ++kept })
        }
        // One more that fails half-way: nobody was told that it is there.
        const heal = disk.failWith({ operation: random.below(2) === 0 ? 'write' : 'fsync', code: 'EIO' })
        expect(() => log.append({ n: -1 })).toThrow('EIO')
        heal()
        disk.crash(random)
        const after = open(disk).changes.at(-1)?.n ?? open(disk).snapshot!.n
        expect([kept, -1]).toContain(after)
        open(disk).replace({ n: kept })
      }
    }
  })
})
