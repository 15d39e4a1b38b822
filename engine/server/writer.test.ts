import { describe, expect, it } from 'vitest'
import { type Connection } from '../base/network.ts'
import { type FilePiece } from '../threads/pieces.ts'
import { AnswerWriter, rangeBytesMax, turnBytesMax, type WriterEvents } from './writer.ts'

const soon = () => new Promise(resolve => setImmediate(resolve))

/** A socket whose reader takes everything at once. */
function greedySocket () {
  const socket = {
    pendingBytes: 0,
    bytes: 0,
    write (slices: readonly Uint8Array[], written: () => void): void {
      for (const slice of slices) socket.bytes += slice.length
      queueMicrotask(written)
    }
  }
  return socket
}

describe('an answer that is there and leaves at once', () => {
  it('lets others have their turn after every piece', async () => {
    const socket = greedySocket()
    const rests: (() => void)[] = []
    const events: WriterEvents = {
      left () {}, caughtUp () {}, unreadable () {}, rest: goOn => { rests.push(goOn) }
    }
    const writer = new AnswerWriter(socket as unknown as Connection, events)
    const file: FilePiece = {
      kind: 'file',
      length: 5_000_000,
      read: (_, length, done) => done({ kind: 'bytes', bytes: new Uint8Array(length) }),
      release () {}
    }
    writer.add(file)
    writer.flush()
    for (let turn = 1; socket.bytes < file.length; turn++) {
      await soon()
      expect(socket.bytes).toBeLessThanOrEqual(turn * (turnBytesMax + rangeBytesMax))
      rests.shift()?.()
    }
    await soon()
    expect([socket.bytes, writer.idle, rests.length]).toEqual([file.length, true, 0])
  })
})
