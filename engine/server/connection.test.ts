import { describe, expect, it } from 'vitest'
import { type Connection } from '../base/network.ts'
import { ClientConnection, type Shop } from './connection.ts'
import { type RequestInWork } from './request.ts'

const produceKey = 0
const fetchKey = 1

function requestOf (apiKey: number, receivedMs: number): RequestInWork {
  return { frame: { apiKey, at: 0, end: 100 }, receivedMs, startedMs: -1 } as unknown as RequestInWork
}

describe('a connection', () => {
  it('takes long turns only when nobody on any connection has produced for a while', () => {
    let nowMs = 0
    const shop = { clock: { monotonicMs: () => nowMs }, limits: {}, producedMs: -Infinity } as unknown as Shop
    const socket = { start () {}, pause () {}, resume () {} } as unknown as Connection
    const [producer, reader] = [1, 2].map(id => new ClientConnection(shop, socket, id, 'PLAINTEXT'))
    const turnAt = (ms: number): boolean => {
      reader.lastActiveMs = nowMs = ms
      reader.begun(requestOf(fetchKey, ms))
      return reader.mayTakeLong
    }
    expect(turnAt(10)).toBe(true)
    producer.begun(requestOf(produceKey, 20))
    expect([20, 500, 1000, 1500].map(turnAt)).toEqual([false, false, false, true])
    producer.begun(requestOf(produceKey, 1600))
    expect([1700, 3000].map(turnAt)).toEqual([false, true])
  })
})
