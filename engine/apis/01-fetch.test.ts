import { describe, expect, it } from 'vitest'
import { errorCodes } from '../protocol/errors.ts'
import { Fetch, type FetchResponse } from '../protocol/messages/01-fetch.ts'
import { make } from '../protocol/schema.ts'
import { type RecordsPieces } from '../protocol/wire.ts'
import { releasePieces } from '../threads/pieces.ts'
import { fetch } from './01-fetch.ts'
import { noAnswer } from './context.ts'
import { fakeDoors, topicId } from './doors.testing.ts'

type Doors = ReturnType<typeof fakeDoors>

const defaults = { maxWaitMs: 10_000, minBytes: 1, maxBytes: 1_000_000, sessionEpoch: -1 }

function request (offsets: readonly number[], fields: object = {}, partition: object = {}) {
  return make(Fetch.request, {
    ...defaults,
    topics: [{
      topic: 't',
      topicId,
      partitions: offsets.map((fetchOffset, index) => {
        return { partition: index, fetchOffset, partitionMaxBytes: 1_000_000, ...partition }
      })
    }],
    ...fields
  })
}

async function ask (doors: Doors, asked: ReturnType<typeof request>): Promise<FetchResponse> {
  return await fetch(asked, doors.context) as FetchResponse
}

const bytesOf = (answer: FetchResponse) => {
  const parts = answer.responses.flatMap(topic => topic.partitions)
  return parts.map(part => (part.records as RecordsPieces).bytes ?? 0)
}
const indexesOf = (answer: FetchResponse) => {
  return answer.responses.flatMap(topic => topic.partitions).map(partition => partition.partitionIndex)
}

function release (answer: FetchResponse): void {
  for (const { partitions } of answer.responses) {
    for (const { records } of partitions) if (records !== null && 'pieces' in records) releasePieces(records.pieces)
  }
}

describe('Fetch', () => {
  it('answers without a promise from what is there', () => {
    const doors = fakeDoors(11)
    doors.log.extend(0, 3)
    const answer = fetch(request([1]), doors.context) as FetchResponse
    expect(answer).not.toBeInstanceOf(Promise)
    expect(bytesOf(answer)).toEqual([200])
    release(answer)
    expect(doors.log.leased).toBe(0)
  })

  it('gives the first batch whole and then keeps to the limits', async () => {
    const doors = fakeDoors(11)
    doors.log.extend(0, 3)
    doors.log.extend(1, 3)
    expect(bytesOf(await ask(doors, request([0, 0], { maxBytes: 1 })))).toEqual([100, 0])
    expect(bytesOf(await ask(doors, request([3, 0], { maxBytes: 1 })))).toEqual([0, 100])
    expect(bytesOf(await ask(doors, request([0, 0], { maxBytes: 350 })))).toEqual([300, 0])
    expect(bytesOf(await ask(doors, request([0, 0], {}, { partitionMaxBytes: 250 })))).toEqual([200, 200])
  })

  it('waits for bytes and is woken by them, however many rounds it takes', async () => {
    const doors = fakeDoors(11)
    doors.log.extend(0, 1)
    const answer = ask(doors, request([0, 0], { minBytes: 450 }))
    expect(doors.waiting.size).toBe(1)
    expect(doors.log.leased).toBe(0)
    doors.log.extend(0, 3)
    doors.waiting.advanced(0)
    expect(doors.log.leased).toBe(0)
    expect(doors.log.reads).toEqual([0, 1])
    doors.log.extend(1, 2)
    doors.waiting.advanced(1)
    expect(bytesOf(await answer)).toEqual([300, 200])
    expect(doors.waiting.size).toBe(0)
  })

  it('answers with what there is when the time is over', async () => {
    const doors = fakeDoors(11)
    doors.log.extend(0, 2)
    expect(bytesOf(await ask(doors, request([0], { minBytes: 1000, maxWaitMs: 10 })))).toEqual([200])
  })

  it('reads one partition after the other when the disk has to be asked', async () => {
    const doors = fakeDoors(11)
    doors.log.slowRows.add(0)
    doors.log.extend(0, 3)
    doors.log.extend(1, 3)
    expect(bytesOf(await ask(doors, request([0, 0], { maxBytes: 400 })))).toEqual([300, 100])
  })

  it('gives everything back when the client has gone', async () => {
    const doors = fakeDoors(11)
    doors.log.slowRows.add(1)
    doors.log.extend(0, 1)
    doors.log.extend(1, 1) // what a read brings after the client has gone is nobody's
    const answer = fetch(request([0, 0], { minBytes: 1000 }), doors.context)
    doors.leave()
    expect(await answer).toBe(noAnswer)
    await new Promise(resolve => setImmediate(resolve))
    expect(doors.log.leased).toBe(0)
    expect(doors.waiting.size).toBe(0)
  })

  it('fences epochs and tells where histories part', async () => {
    const doors = fakeDoors(12)
    doors.log.extend(0, 3)
    doors.log.epochEnds.set(2, { leaderEpoch: 1, endOffset: 2 })
    const one = async (partition: object, offset = 2) => {
      const answer = await ask(doors, request([offset], {}, partition))
      release(answer)
      return answer.responses[0].partitions[0]
    }
    expect(await one({ currentLeaderEpoch: 2 })).toMatchObject({ errorCode: errorCodes.FENCED_LEADER_EPOCH })
    expect(await one({ currentLeaderEpoch: 4 })).toMatchObject({ errorCode: errorCodes.UNKNOWN_LEADER_EPOCH })
    const agreeing = await one({ currentLeaderEpoch: 3, lastFetchedEpoch: 3 })
    expect(agreeing).toMatchObject({ errorCode: 0, highWatermark: 3 })
    const diverging = async (lastFetchedEpoch: number, offset: number) => {
      const part = await one({ lastFetchedEpoch }, offset)
      return [part.errorCode, part.divergingEpoch]
    }
    expect(await diverging(3, 9)).toEqual([0, { epoch: 3, endOffset: 3 }])
    expect(await diverging(2, 2)).toEqual([0, { epoch: 1, endOffset: 2 }])
    expect(await diverging(1, 2)).toEqual([errorCodes.OFFSET_OUT_OF_RANGE, { epoch: -1, endOffset: -1 }])
  })

  it('does not wait for errors, but for partitions beside an unknown topic', async () => {
    const doors = fakeDoors(11)
    const outOfRange = await ask(doors, request([9]))
    const [late] = outOfRange.responses[0].partitions
    expect(late).toMatchObject({ errorCode: 1, highWatermark: -1, abortedTransactions: null })
    const unknown = make(Fetch.request, { ...defaults, topics: [{ topic: 'no', partitions: [{ partition: 0 }] }] })
    const [part] = (await ask(doors, unknown)).responses[0].partitions
    expect(part).toMatchObject({ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, abortedTransactions: [] })
    const both = request([0], { maxWaitMs: 10_000 })
    both.topics.push(unknown.topics[0])
    const answer = ask(doors, both)
    expect(doors.waiting.size).toBe(1)
    doors.log.extend(0, 1)
    doors.waiting.advanced(0)
    expect(bytesOf(await answer)).toEqual([100, 0])
  })

  it('refuses negative sizes and replicas that nobody knows', async () => {
    const doors = fakeDoors(11)
    const code = async (asked: ReturnType<typeof request>) => {
      return (await ask(doors, asked)).responses[0].partitions[0].errorCode
    }
    expect(await code(request([0], {}, { partitionMaxBytes: -1 }))).toBe(errorCodes.UNKNOWN_SERVER_ERROR)
    expect(await code(request([0], { replicaId: 99 }))).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
  })
})

describe('fetch sessions', () => {
  it('tell only what is new', async () => {
    const doors = fakeDoors(11)
    doors.log.extend(0, 1)
    const quick = { maxWaitMs: 0 }
    const first = await ask(doors, request([0, 0], { ...quick, sessionEpoch: 0 }))
    const { sessionId } = first
    expect(sessionId).not.toBe(0)
    expect(indexesOf(first)).toEqual([0, 1])
    const next = (epoch: number, offsets: readonly number[] = [], fields: object = {}) => {
      return ask(doors, request(offsets, { ...quick, sessionId, sessionEpoch: epoch, ...fields }))
    }
    // The second has nothing and had nothing; the first is still at offset 0.
    expect(indexesOf(await next(1))).toEqual([0])
    expect(indexesOf(await next(2, [1]))).toEqual([])
    doors.log.extend(1, 1)
    doors.log.extend(0, 2)
    // The one that gave something last comes last.
    expect(indexesOf(await next(3))).toEqual([1, 0])
    const forgotten = { forgottenTopicsData: [{ topic: 't', partitions: [0] }] }
    expect(indexesOf(await next(4, [], forgotten))).toEqual([1])
    expect((await next(4)).errorCode).toBe(errorCodes.INVALID_FETCH_SESSION_EPOCH)
    expect((await next(5)).errorCode).toBe(0)
    const other = await next(6, [], { sessionId: sessionId ^ 1 })
    expect(other.errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
    expect((await next(-1, [0])).sessionId).toBe(0)
    expect((await next(6)).errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
  })

  it('are not founded when there is no slot', async () => {
    const doors = fakeDoors(11)
    const found = async () => (await ask(doors, request([0], { maxWaitMs: 0, sessionEpoch: 0 }))).sessionId
    const ids = [await found(), await found(), await found()]
    expect(ids[0]).not.toBe(0)
    expect(ids[1]).not.toBe(ids[0])
    expect(ids[2]).toBe(0)
  })

  it('do not mix names and ids', async () => {
    const doors = fakeDoors(12)
    const { sessionId } = await ask(doors, request([0], { maxWaitMs: 0, sessionEpoch: 0 }))
    const byId = { ...doors.context, version: 13 }
    const answer = await fetch(request([], { sessionId, sessionEpoch: 1 }), byId) as FetchResponse
    expect(answer.errorCode).toBe(errorCodes.FETCH_SESSION_TOPIC_ID_ERROR)
  })
})
