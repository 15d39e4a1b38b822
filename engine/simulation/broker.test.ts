// The whole broker on fakes: produce, consume, a rebalance, a crash that drops unsynced bytes, restart. The
// same seed twice gives the same trace.
import { describe, expect, it } from 'vitest'
import { BrokerConnection } from '../client/connection.ts'
import { errorCodes } from '../protocol/errors.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { InitProducerId } from '../protocol/messages/22-init-producer-id.ts'
import { JoinGroup } from '../protocol/messages/11-join-group.ts'
import { OffsetCommit } from '../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { SyncGroup } from '../protocol/messages/14-sync-group.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { eachBatch } from '../protocol/record-batch.ts'
import { buildBatch, decodeRecords } from '../protocol/record.ts'
import { make } from '../protocol/schema.ts'
import { World } from './world.testing.ts'

const topic = 'orders'
const group = 'readers'
const partitions = 2

class Story {
  readonly world: World
  readonly sent: string[][] = Array.from({ length: partitions }, () => [])
  #producerId = -1
  readonly #sequences = new Array<number>(partitions).fill(0)

  constructor (seed: number) {
    this.world = new World(seed)
  }

  connect (): Promise<BrokerConnection> {
    return BrokerConnection.connect(this.world.network, this.world.clock, {
      ...this.world.address,
      clientId: 'sim'
    })
  }

  async createTopic (): Promise<void> {
    const connection = await this.connect()
    const answer = await connection.request(
      CreateTopics,
      null,
      make(CreateTopics.request, {
        topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1 }],
        timeoutMs: 1000
      })
    )
    expect(answer.topics[0].errorCode).toBe(0)
    const { producerId } = await connection.request(
      InitProducerId,
      null,
      make(InitProducerId.request, { transactionalId: null, transactionTimeoutMs: 1000 })
    )
    this.#producerId = producerId
  }

  /** Random batches, several in flight. */
  async produce (batches: number): Promise<void> {
    const { random } = this.world
    const connection = await this.connect()
    const answers = []
    for (let n = 0; n < batches; n++) {
      const index = random.below(partitions)
      const values = Array.from(
        { length: 1 + random.below(5) },
        () => `${this.sent[index].length}:${'x'.repeat(random.below(2000))}`
      )
      this.sent[index].push(...values)
      const bytes = buildBatch(
        { producerId: this.#producerId, producerEpoch: 0, baseSequence: this.#sequences[index] },
        values.map(value => ({ value: Buffer.from(value), timestamp: this.world.clock.nowMs() }))
      )
      this.#sequences[index] += values.length
      answers.push(
        connection.request(
          Produce,
          9,
          make(Produce.request, {
            acks: -1,
            timeoutMs: 1000,
            topicData: [{ name: topic, partitionData: [{ index, records: bytes }] }]
          })
        )
      )
    }
    for (const answer of await Promise.all(answers)) {
      expect(answer.responses[0].partitionResponses[0].errorCode).toBe(0)
    }
  }

  async consume (index: number): Promise<string[]> {
    const connection = await this.connect()
    const out: string[] = []
    for (let offset = 0; ; offset = out.length) {
      const answer = await connection.request(
        Fetch,
        11,
        make(Fetch.request, {
          maxWaitMs: 10,
          minBytes: 1,
          maxBytes: 100_000,
          topics: [
            { topic, partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes: 20_000 }] }
          ]
        })
      )
      const { errorCode, records } = answer.responses[0].partitions[0]
      expect(errorCode).toBe(0)
      if (records === null || records.length === 0) return out
      const bytes = records as Buffer
      eachBatch(bytes, 0, bytes.length, (at, length) => {
        for (const record of decodeRecords(bytes.subarray(at, at + length))) {
          if (record.offset >= offset) out.push(String(record.value))
        }
      })
    }
  }

  /** Two members: the second's join makes the first rejoin; then the leader hands out and both commit. */
  async rebalance (): Promise<void> {
    const one = await this.connect()
    const two = await this.connect()
    const found = await one.request(
      FindCoordinator,
      3,
      make(FindCoordinator.request, { key: group, keyType: 0 })
    )
    expect(found.errorCode).toBe(0)
    const first = await this.#join(one, '')
    await this.#sync(one, first, [first.memberId])
    const secondJoins = this.#join(two, '')
    for (;;) {
      const beat = await one.request(
        Heartbeat,
        3,
        make(Heartbeat.request, {
          groupId: group,
          generationId: first.generationId,
          memberId: first.memberId
        })
      )
      if (beat.errorCode === errorCodes.REBALANCE_IN_PROGRESS) break
      expect(beat.errorCode).toBe(0)
    }
    const [again, second] = await Promise.all([this.#join(one, first.memberId), secondJoins])
    expect(again.generationId).toBe(first.generationId + 1)
    expect(second.generationId).toBe(again.generationId)
    const all = [again, second].find(join => join.members.length > 0)!.members.map(member => member.memberId)
    expect(all).toHaveLength(2)
    const assignments = await Promise.all([this.#sync(one, again, all), this.#sync(two, second, all)])
    expect(assignments.sort()).toEqual(['0', '1'])
    const commit = await one.request(
      OffsetCommit,
      7,
      make(OffsetCommit.request, {
        groupId: group,
        generationIdOrMemberEpoch: again.generationId,
        memberId: again.memberId,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 3 }] }]
      })
    )
    expect(commit.topics[0].partitions[0].errorCode).toBe(0)
  }

  async #join (connection: BrokerConnection, memberId: string) {
    const ask = (id: string) =>
      connection.request(
        JoinGroup,
        5,
        make(JoinGroup.request, {
          groupId: group,
          sessionTimeoutMs: 30_000,
          rebalanceTimeoutMs: 30_000,
          memberId: id,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.from('m') }]
        }),
        { timeoutMs: 60_000 }
      )
    let joined = await ask(memberId)
    if (joined.errorCode === errorCodes.MEMBER_ID_REQUIRED) joined = await ask(joined.memberId)
    expect(joined.errorCode).toBe(0)
    return joined
  }

  async #sync (
    connection: BrokerConnection,
    join: { generationId: number; memberId: string; leader: string },
    members: readonly string[]
  ): Promise<string> {
    const isLeader = join.leader === join.memberId
    const synced = await connection.request(
      SyncGroup,
      3,
      make(SyncGroup.request, {
        groupId: group,
        generationId: join.generationId,
        memberId: join.memberId,
        assignments: isLeader
          ? members.map((memberId, index) => ({ memberId, assignment: Buffer.from(String(index)) }))
          : []
      }),
      { timeoutMs: 60_000 }
    )
    expect(synced.errorCode).toBe(0)
    return String(synced.assignment)
  }

  async committed (): Promise<number> {
    const connection = await this.connect()
    for (;;) {
      const answer = await connection.request(
        OffsetFetch,
        5,
        make(OffsetFetch.request, { groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] })
      )
      if (answer.errorCode !== 0) continue // the coordinator is loading
      return answer.topics[0].partitions[0].committedOffset
    }
  }
}

async function play (seed: number, durability: string): Promise<{ trace: string; lost: number }> {
  const story = new Story(seed)
  const { world } = story
  const settings = { 'millrace.durability': durability, 'log.segment.bytes': '1048576' }
  await world.boot(settings)
  await world.run(story.createTopic())
  await world.run(story.produce(40))
  for (let index = 0; index < partitions; index++) {
    expect(await world.run(story.consume(index))).toEqual(story.sent[index])
  }
  await world.run(story.rebalance())
  expect(await world.run(story.committed())).toBe(3)
  await world.crash()
  await world.boot(settings)
  let lost = 0
  for (let index = 0; index < partitions; index++) {
    const kept = await world.run(story.consume(index))
    expect(kept).toEqual(story.sent[index].slice(0, kept.length))
    lost += story.sent[index].length - kept.length
  }
  const offset = await world.run(story.committed())
  if (durability === 'group-commit') expect(offset).toBe(3)
  else expect([3, -1]).toContain(offset)
  await world.run(world.broker!.close())
  await world.settle()
  return { trace: world.trace.join('\n'), lost }
}

describe('a whole broker on fakes, in one thread', () => {
  it('does the same twice from the same seed, byte for byte', { timeout: 120_000 }, async () => {
    const first = await play(1, 'page-cache')
    const second = await play(1, 'page-cache')
    expect(second.trace).toBe(first.trace)
    expect((await play(2, 'page-cache')).trace).not.toBe(first.trace)
  })

  it.each([3, 4, 5, 6])(
    'keeps every acknowledged record over a power cut with group commit, seed %i',
    async seed => {
      expect((await play(seed, 'group-commit')).lost).toBe(0)
    }
  )

  it('loses, without group commit, only from the end', async () => {
    let lost = 0
    for (let seed = 10; seed < 14; seed++) lost += (await play(seed, 'page-cache')).lost
    expect(lost).toBeGreaterThan(0) // else the crash took nothing and the test above proved nothing
  })
})
