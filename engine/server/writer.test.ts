import { describe, expect, it } from 'vitest'
import { type Connection } from '../base/network.ts'
import { type FilePiece } from '../threads/pieces.ts'
import { AnswerWriter, longTurnBytesMax, rangeBytesMax, turnBytesMax, type WriterEvents } from './writer.ts'

/** A socket that takes all at once, or as much as is said. */
function greedySocket (most = Infinity) {
  const socket = {
    pendingBytes: 0,
    bytes: 0,
    writes: [] as number[],
    writeNow (slices: readonly Uint8Array[]): number {
      let bytes = 0
      for (const slice of slices) bytes += slice.length
      bytes = Math.min(bytes, most - socket.bytes)
      socket.bytes += bytes
      socket.writes.push(bytes)
      return bytes
    },
    write (slices: readonly Uint8Array[]): void {
      for (const slice of slices) socket.pendingBytes += slice.length
    }
  }
  return socket
}

function writerOn (socket: ReturnType<typeof greedySocket>, mayTakeLong = true) {
  const rests: (() => void)[] = []
  const events: WriterEvents = {
    mayTakeLong, left () {}, caughtUp () {}, unreadable () {}, rest: goOn => { rests.push(goOn) }
  }
  return { writer: new AnswerWriter(socket as unknown as Connection, events), rests }
}

function fileOf (length: number, mayRunAhead: boolean) {
  const file = {
    kind: 'file' as const,
    length,
    mayRunAhead,
    readBytes: 0,
    read (_: number, most: number, done: Parameters<FilePiece['read']>[2]): void {
      file.readBytes += most
      done({ kind: 'bytes', bytes: new Uint8Array(most) })
    },
    release () {}
  }
  return file
}

describe('an answer that is there and leaves at once', () => {
  it.each([
    ['every piece', false, turnBytesMax],
    ['a megabyte or two while nobody produces', true, 2 * longTurnBytesMax]
  ])('lets others have their turn after %s', (_, mayTakeLong, turnBytes) => {
    const socket = greedySocket()
    const { writer, rests } = writerOn(socket, mayTakeLong)
    const file = fileOf(9_000_000, true)
    writer.add(file)
    writer.flush()
    for (let turn = 1; socket.bytes < file.length; turn++) {
      expect(socket.bytes).toBeLessThanOrEqual(turn * (turnBytes + rangeBytesMax))
      expect(rests.length).toBe(1)
      rests.shift()!()
    }
    expect([socket.bytes, writer.idle, rests.length]).toEqual([file.length, true, 0])
  })

  it('leaves by one write when those before it did', () => {
    const socket = greedySocket()
    const { writer, rests } = writerOn(socket)
    for (let answer = 0; answer < 4; answer++) {
      writer.add({ kind: 'bytes', bytes: new Uint8Array(60) })
      writer.add(fileOf(2 ** 20, true))
      writer.flush()
      for (const goOn of rests.splice(0)) goOn()
    }
    expect(socket.bytes).toBe(4 * (2 ** 20 + 60))
    expect(socket.writes.slice(-2)).toEqual([2 ** 20 + 60, 2 ** 20 + 60])
  })

  it('is read in small ranges while memory is short', () => {
    const socket = greedySocket()
    const { writer } = writerOn(socket)
    writer.add(fileOf(2 ** 20, false))
    writer.flush()
    expect(socket.writes).toEqual(Array.from({ length: 4 }, () => rangeBytesMax))
  })
})

describe('a reader that stalls', () => {
  it.each([0, 100_000, 300_000, 3_000_000])('after %i bytes is not read ahead of by more than it took at once', (most) => {
    const socket = greedySocket(most)
    const { writer, rests } = writerOn(socket)
    const file = fileOf(50_000_000, true)
    writer.add(file)
    writer.flush()
    for (const goOn of rests.splice(0)) goOn()
    for (const goOn of rests.splice(0)) goOn()
    const heldMost = most < rangeBytesMax ? rangeBytesMax : 2 ** 20 + rangeBytesMax
    expect(file.readBytes - socket.bytes).toBeLessThanOrEqual(heldMost)
    expect(socket.pendingBytes).toBe(file.readBytes - socket.bytes)
    const before = file.readBytes
    writer.flush()
    expect(file.readBytes).toBe(before)
  })
})
