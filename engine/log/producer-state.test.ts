import { describe, expect, it } from 'vitest'
import { errorName } from '../protocol/errors.ts'
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'
import { type Log } from './partition-log.ts'
import { batch, newLog, now, open } from './testing/kit.ts'

interface Sent { error: string, base: number, duplicate: boolean, timeMs: number }

function send (log: Log, sequence: number, count = 1, epoch = 0, id = 7): Sent {
  const values = Array.from({ length: count }, (_, index) => `${id}/${sequence + index}`)
  const bytes = batch(values, { producerId: id, producerEpoch: epoch, baseSequence: sequence })
  const { errorCode, baseOffset, duplicate, logAppendTimeMs } = log.stageAsLeader(bytes, 'client', now)
  const sent = { error: errorName(errorCode), base: baseOffset, duplicate, timeMs: logAppendTimeMs }
  log.write(now)
  return sent
}

const accepted = (base: number) => ({ error: 'NONE', base, duplicate: false, timeMs: -1 })
const repeated = (base: number) => ({ error: 'NONE', base, duplicate: true, timeMs: now })
const outOfOrder = { error: 'OUT_OF_ORDER_SEQUENCE_NUMBER', base: -1, duplicate: false, timeMs: -1 }

describe('idempotent producers', () => {
  it('the last five batches are recognised, older ones are out of order', () => {
    const { log } = newLog()
    for (let sequence = 0; sequence < 7; sequence++) expect(send(log, sequence)).toEqual(accepted(sequence))
    for (let sequence = 6; sequence >= 2; sequence--) expect(send(log, sequence)).toEqual(repeated(sequence))
    expect(send(log, 1)).toEqual(outOfOrder)
    expect(send(log, 0)).toEqual(outOfOrder)
    expect(log.end).toBe(7)
    expect(send(log, 7)).toEqual(accepted(7))
  })

  it('a batch is the same only with the same first and last sequence', () => {
    const { log } = newLog()
    expect(send(log, 0, 2)).toEqual(accepted(0))
    expect(send(log, 0, 1)).toEqual(outOfOrder)
    expect(send(log, 1, 1)).toEqual(outOfOrder)
    expect(send(log, 1, 2)).toEqual(outOfOrder)
    expect(send(log, 0, 2)).toEqual(repeated(0))
  })

  it('staged batches count for the ones behind them', () => {
    const { log } = newLog()
    const stage = (sequence: number) => {
      const bytes = batch(['x'], { producerId: 7, producerEpoch: 0, baseSequence: sequence })
      const { errorCode, baseOffset, duplicate } = log.stageAsLeader(bytes, 'client', now)
      return [errorName(errorCode), baseOffset, duplicate]
    }
    expect(stage(0)).toEqual(['NONE', 0, false])
    expect(stage(0)).toEqual(['NONE', 0, true])
    expect(stage(1)).toEqual(['NONE', 1, false])
    expect(stage(3)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1, false])
    expect(log.write(now).length).toBe(2)
  })

  it('gaps are refused and harm nothing', () => {
    const { log } = newLog()
    send(log, 0)
    for (const sequence of [2, 6, 2147483647]) expect(send(log, sequence)).toEqual(outOfOrder)
    expect(send(log, 1)).toEqual(accepted(1))
  })

  it('an unknown producer may start anywhere', () => {
    const { log } = newLog()
    expect(send(log, 5)).toEqual(accepted(0))
    expect(send(log, 6)).toEqual(accepted(1))
    expect(send(log, 0)).toEqual(outOfOrder)
    expect(send(log, 3, 1, 4, 8)).toEqual(accepted(2))
  })

  it('a higher epoch starts at 0, a lower one is fenced', () => {
    const { log } = newLog()
    send(log, 0)
    expect(send(log, 1, 1, 1)).toEqual(outOfOrder)
    expect(send(log, 0, 1, 1)).toEqual(accepted(1))
    expect(send(log, 1, 1, 0)).toEqual({ ...outOfOrder, error: 'INVALID_PRODUCER_EPOCH' })
    expect(send(log, 1, 1, 1)).toEqual(accepted(2))
  })

  it('sequences wrap from 2^31-1 to 0', () => {
    const { log } = newLog()
    expect(send(log, 2147483646, 3)).toEqual(accepted(0))
    expect(log.producers.get(7)?.lastSequence).toBe(0)
    expect(send(log, 2147483646, 3)).toEqual(repeated(0))
    expect(send(log, 1)).toEqual(accepted(3))
    const exact = newLog().log
    expect(send(exact, 2147483647)).toEqual(accepted(0))
    expect(send(exact, 0)).toEqual(accepted(1))
  })

  it('a negative epoch is taken, as Kafka does', () => {
    expect(send(newLog().log, 0, 1, -1)).toEqual(accepted(0))
  })

  it.each([true, false])('all five are recognised after a restart (clean: %s)', clean => {
    const { log, disk } = newLog({ segmentBytes: 220 })
    for (let sequence = 0; sequence < 8; sequence++) send(log, sequence)
    if (clean) log.close(true)
    const again = open(disk, { segmentBytes: 220 }, { clean, recoveryPoint: clean ? 8 : 0 }).log
    again.becomeLeader(1)
    for (const sequence of [7, 6, 5, 4, 3]) expect(send(again, sequence)).toEqual(repeated(sequence))
    expect(send(again, 2)).toEqual(outOfOrder)
    expect(send(again, 8)).toEqual(accepted(8))
  })

  it('a cut takes their batches back', () => {
    const { log } = newLog({ segmentBytes: 220 })
    for (let sequence = 0; sequence < 8; sequence++) send(log, sequence)
    log.truncateTo(3)
    expect(log.files.snapshots().filter(offset => offset > 3)).toEqual([])
    expect(send(log, 7)).toEqual(outOfOrder)
    expect(send(log, 2)).toEqual(repeated(2))
    expect(send(log, 3)).toEqual(accepted(3))
    log.truncateFullyAndStartAt(100)
    expect(send(log, 55)).toEqual(accepted(100))
  })

  it('who is idle too long is forgotten', () => {
    const { log } = newLog({ producerIdExpirationMs: 1000 })
    send(log, 0)
    log.tick(now + 999)
    expect(log.producers.size).toBe(1)
    log.tick(now + 1000)
    expect(log.producers.size).toBe(0)
  })

  it('snapshots bring every state back, and refuse damage at any byte', () => {
    const { log } = newLog()
    for (let sequence = 0; sequence < 4; sequence++) send(log, sequence)
    send(log, 0, 2, 3, 9)
    const bytes = encodeSnapshot(log.producers.entries())
    expect(encodeSnapshot(decodeSnapshot(bytes, now) ?? [])).toEqual(bytes)
    for (let at = 0; at < bytes.length; at++) {
      const bad = Buffer.from(bytes)
      bad[at] ^= 4
      expect(decodeSnapshot(bad, now), `byte ${at}`).toBeNull()
      expect(decodeSnapshot(bytes.subarray(0, at), now), `${at} bytes`).toBeNull()
    }
  })
})
