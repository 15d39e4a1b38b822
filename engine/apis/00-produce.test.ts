import { describe, expect, it } from 'vitest'
import { errorCodes } from '../protocol/errors.ts'
import { Produce, type ProduceResponse } from '../protocol/messages/00-produce.ts'
import { make } from '../protocol/schema.ts'
import { produce } from './00-produce.ts'
import { CloseConnection, noAnswer } from './context.ts'
import { fakeDoors } from './doors.testing.ts'

function request (acks: number, indexes: readonly number[], name = 't', timeoutMs = 30_000) {
  return make(Produce.request, {
    acks,
    timeoutMs,
    topicData: [{ name, partitionData: indexes.map(index => ({ index, records: Buffer.from(`for ${index}`) })) }]
  })
}

const partitionsOf = (answer: unknown) => (answer as ProduceResponse).responses[0].partitionResponses

describe('Produce', () => {
  it('acks=1 answers with the results, in the order of the request', async () => {
    const doors = fakeDoors(9)
    const answer = produce(request(1, [1, 0]), doors.context)
    doors.log.answer({ baseOffset: 7, lastOffset: 7 })
    const errorCode = errorCodes.CORRUPT_MESSAGE
    doors.log.answer({ errorCode, baseOffset: -1, logStartOffset: -1, errorMessage: 'bad' })
    const [first, second] = partitionsOf(await answer)
    expect(first).toMatchObject({ index: 1, errorCode: 0, baseOffset: 7, logStartOffset: 0 })
    expect(second).toMatchObject({ index: 0, errorCode, baseOffset: -1, errorMessage: 'bad' })
  })

  it('acks=-1 waits for the high watermark', async () => {
    const doors = fakeDoors(9)
    doors.log.extend(0, 5, 2)
    let isAnswered = false
    const produced = Promise.resolve(produce(request(-1, [0]), doors.context))
    const answer = produced.finally(() => { isAnswered = true })
    doors.log.answer({ baseOffset: 3, lastOffset: 4 })
    doors.log.extend(0, 5, 4)
    doors.waiting.advanced(0)
    await Promise.resolve()
    expect(isAnswered).toBe(false)
    doors.log.extend(0, 5, 5)
    doors.waiting.advanced(0)
    expect(partitionsOf(await answer)[0]).toMatchObject({ errorCode: 0, baseOffset: 3 })
    expect(doors.waiting.size).toBe(0)
  })

  it('acks=-1 is answered at once when the high watermark is there already', async () => {
    const doors = fakeDoors(9)
    const answer = produce(request(-1, [0]), doors.context)
    doors.log.extend(0, 1)
    doors.log.answer({ baseOffset: 0, lastOffset: 0 })
    expect(doors.waiting.size).toBe(0)
    expect(partitionsOf(await answer)[0].errorCode).toBe(0)
  })

  it('answers REQUEST_TIMED_OUT with the offsets when nobody confirms in time', async () => {
    const doors = fakeDoors(9)
    doors.log.extend(0, 5, 2)
    doors.log.extend(1, 1)
    const answer = produce(request(-1, [0, 1], 't', 20), doors.context)
    doors.log.answer({ baseOffset: 3, lastOffset: 4 })
    doors.log.answer({ baseOffset: 0, lastOffset: 0 })
    const [late, good] = partitionsOf(await answer)
    expect(late).toMatchObject({ errorCode: errorCodes.REQUEST_TIMED_OUT, baseOffset: 3 })
    expect(good).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  it('acks=0 is not answered, but closes on an error', async () => {
    const doors = fakeDoors(9)
    const quiet = produce(request(0, [0]), doors.context)
    doors.log.answer()
    expect(await quiet).toBe(noAnswer)
    const loud = produce(request(0, [0]), doors.context)
    doors.log.answer({ errorCode: errorCodes.CORRUPT_MESSAGE })
    await expect(loud).rejects.toThrow(CloseConnection)
    expect(() => produce(request(0, [0], 'no'), doors.context)).toThrow('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('refuses what it cannot write without asking the log', () => {
    const doors = fakeDoors(9)
    const code = (acks: number, index: number) => {
      return partitionsOf(produce(request(acks, [index]), doors.context))[0].errorCode
    }
    expect(code(1, 7)).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(code(2, 0)).toBe(errorCodes.INVALID_REQUIRED_ACKS)
    doors.hosted[0].leader = false
    const [moved] = partitionsOf(produce(request(1, [0]), fakeContext(doors, 10)))
    expect(moved.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
    expect(moved.currentLeader).toEqual({ leaderId: 1, leaderEpoch: 3 })
    expect(doors.log.appends).toEqual([])
  })

  it('refuses acks=-1 when too few replicas are in sync, and only then', () => {
    const doors = fakeDoors(9, { 'min.insync.replicas': '2' })
    const [refused] = partitionsOf(produce(request(-1, [0]), doors.context))
    expect(refused.errorCode).toBe(errorCodes.NOT_ENOUGH_REPLICAS)
    produce(request(1, [0]), doors.context)
    expect(doors.log.appends).toHaveLength(1)
  })

  it('waits for room in the log, in order, and holds back what comes behind', async () => {
    const doors = fakeDoors(9)
    doors.log.room = 1
    const answer = produce(request(1, [0, 1]), doors.context)
    expect(doors.log.appends.map(append => append.row)).toEqual([0])
    expect(doors.held).toBe(1)
    doors.log.makeRoom(0)
    expect(doors.held).toBe(1)
    doors.log.makeRoom(5)
    expect(doors.log.appends.map(append => append.row)).toEqual([0, 1])
    expect(doors.held).toBe(0)
    doors.log.answer()
    doors.log.answer()
    expect(partitionsOf(await answer)).toHaveLength(2)
  })

  it('takes the later records of a partition that is named twice', () => {
    const doors = fakeDoors(9)
    const twice = make(Produce.request, {
      acks: 1,
      topicData: [{
        name: 't',
        partitionData: [{ index: 0, records: Buffer.from('a') }, { index: 0, records: Buffer.from('b') }]
      }]
    })
    produce(twice, doors.context)
    expect(doors.log.appends.map(append => append.records.toString())).toEqual(['b'])
    const apart = make(Produce.request, {
      acks: 1,
      topicData: [{
        name: 't',
        partitionData: [1, 0, 1].map((index, at) => ({ index, records: Buffer.from([99 + at]) }))
      }]
    })
    produce(apart, doors.context)
    expect(doors.log.appends.slice(1).map(append => append.records.toString())).toEqual(['d', 'e'])
  })
})

function fakeContext (doors: ReturnType<typeof fakeDoors>, version: number) {
  return { ...doors.context, version }
}
