// The runtime between catalog, partitions and shards: who answers for a key, and when.
import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../base/clock-fake.ts'
import { silentLogger } from '../base/logger.ts'
import { type Catalog, type NewTopic } from '../catalog/catalog.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type HostedPartition, type Partitions } from '../replication/partitions.ts'
import { createWaitingRoom } from '../waiting/room.ts'
import { FakeLog } from './coordinator.testing.ts'
import { coordinatorPartition } from './hash.ts'
import { CoordinatorError, Outcome, type CoordinatorRecord, type Machine, type Step } from './machine.ts'
import { CoordinatorRuntime } from './runtime.ts'

interface Event { request: number }

class Counter implements Machine<Event> {
  count = 0
  exclusive (): boolean { return false }
  step ({ request }: Event): Step<Event> {
    const outcome = new Outcome<Event>()
    outcome.records.push({ key: Buffer.from('count'), value: Buffer.from('1') })
    outcome.settled = code => {
      if (code === 0) this.count++
      return new Outcome<Event>()
    }
    return outcome.reply(request, 'counted')
  }

  replay (_record: CoordinatorRecord): void { this.count++ }
  loaded (): Step<Event> { return new Outcome<Event>() }
}

const partitionCount = 5
let clock: FakeClock
let log: FakeLog
let topicMade: boolean
let created: NewTopic[]
let refusal: number
let hosted: HostedPartition[]
let listeners: ((partition: HostedPartition, leads: boolean) => void | Promise<void>)[]
let runtime: CoordinatorRuntime<Event, Counter>

beforeEach(() => {
  clock = new FakeClock()
  const waiting = createWaitingRoom(clock)
  log = new FakeLog(waiting)
  topicMade = false
  created = []
  refusal = 0
  hosted = []
  listeners = []
  runtime = newRuntime()
})

function newRuntime (): CoordinatorRuntime<Event, Counter> {
  const topic = { partitions: Array.from({ length: partitionCount }, () => ({ leader: 1 })) }
  const catalog = {
    brokerId: 1,
    topic: () => topicMade ? topic : undefined,
    createTopic: async (wanted: NewTopic) => {
      created.push(wanted)
      if (refusal !== 0) return { errorCode: refusal, message: 'no' }
      topicMade = true
      await new Promise(resolve => setImmediate(resolve)) // logs are opened
      for (let index = 0; index < partitionCount; index++) lead(index)
      return { name: wanted.name }
    }
  }
  const partitions = {
    all: () => hosted,
    onLeadership: (listener: typeof listeners[number]) => { listeners.push(listener) }
  }
  return new CoordinatorRuntime<Event, Counter>({
    log: log.client,
    partitions: partitions as unknown as Partitions,
    catalog: catalog as unknown as Catalog,
    clock,
    waiting: createWaitingRoom(clock),
    logger: silentLogger,
    topic: '__counts',
    newTopic: () => ({
      name: '__counts', partitions: partitionCount, replicationFactor: 1, assignments: [], config: new Map()
    }),
    newMachine: () => new Counter(),
    commitTimeoutMs: () => 5000,
    compression: () => 0,
    batchBytesMax: () => 1000
  })
}

function lead (index: number, leaderEpoch = 0, topic = '__counts'): HostedPartition {
  const partition = { topic, topicId: 'id', index, row: 0, errorCode: 0, leader: true, leaderEpoch }
  hosted.push(partition)
  for (const listener of listeners) listener(partition, true)
  return partition
}

async function run<T> (asked: Promise<T>): Promise<T | string> {
  const turns = { left: 50 }
  const result = asked.catch((error: CoordinatorError) => `error ${error.code}`)
    .finally(() => { turns.left = 0 })
  for (; turns.left > 0; turns.left--) {
    await new Promise(resolve => setImmediate(resolve))
    clock.runSoon()
  }
  return await result
}

const count = (key: string) => run(runtime.submit(key, request => ({ request })))

describe('the coordinator runtime', () => {
  it('makes its topic when it is first needed, once, and names this broker when it serves', async () => {
    const early = ['a', 'b'].map(key => run(runtime.brokerOf(key)))
    await Promise.resolve()
    expect(topicMade).toBe(true)
    const found = await Promise.all([...early, run(runtime.brokerOf('c'))])
    expect(found).toEqual(Array.from({ length: 3 }, () => ({ errorCode: 0, brokerId: 1 })))
    expect(created.length).toBe(1)
    expect(await count('a')).toBe('counted')
  })

  it('makes it for a client that did not ask for its coordinator', async () => {
    expect(await Promise.all([count('a'), count('b'), count('a')])).toEqual(['counted', 'counted', 'counted'])
    expect(runtime.partitionOf('a')).toBe(coordinatorPartition('a', partitionCount))
  })

  it('says that there is no coordinator while the topic cannot be made', async () => {
    refusal = errorCodes.INVALID_REPLICATION_FACTOR
    expect(await run(runtime.brokerOf('a'))).toEqual({ errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, brokerId: -1 })
    expect(await count('a')).toBe(`error ${errorCodes.COORDINATOR_NOT_AVAILABLE}`)
    refusal = 0
    expect(await count('a')).toBe('counted')
  })

  it('cuts state by partition', async () => {
    await count('a')
    await count('a')
    await count('b')
    const counts = (runtime.readAll() as Counter[]).map(machine => machine.count)
    expect([counts.length, counts.toSorted().slice(-2)]).toEqual([partitionCount, [1, 2]])
    expect((runtime.read('a') as Counter).count).toBe(2)
  })

  it('takes up what it led before it was made', async () => {
    topicMade = true
    runtime = newRuntime()
    hosted = Array.from({ length: partitionCount }, (_, index) => ({
      topic: '__counts', topicId: 'id', index, row: 0, errorCode: 0, leader: true, leaderEpoch: 0
    }))
    expect(await count('a')).toBe(`error ${errorCodes.NOT_COORDINATOR}`)
    await runtime.start()
    expect(await count('a')).toBe('counted')
  })

  it('lets go of a partition that another broker leads, and reads it again when it comes back', async () => {
    await count('a')
    const index = coordinatorPartition('a', partitionCount)
    const partition = hosted.find(one => one.index === index)!
    for (const listener of listeners) listener({ ...partition, leader: false }, false)
    expect([await count('a'), runtime.read('a')]).toEqual([`error ${errorCodes.NOT_COORDINATOR}`, errorCodes.NOT_COORDINATOR])
    lead(index, 1)
    expect(runtime.read('a')).toBe(errorCodes.COORDINATOR_LOAD_IN_PROGRESS)
    expect(await count('a')).toBe(`error ${errorCodes.COORDINATOR_LOAD_IN_PROGRESS}`)
    expect(await run(runtime.brokerOf('a'))).toEqual({ errorCode: 0, brokerId: 1 })
    expect((runtime.read('a') as Counter).count).toBe(1)
  })

  it('does not care for other topics', () => {
    lead(0, 0, 'orders')
    expect(runtime.readAll()).toEqual([])
  })

  it('ends what is asked of it when it closes', async () => {
    await count('a')
    log.keeps = true
    const asked = run(runtime.submit('a', request => ({ request })))
    runtime.close()
    expect(await asked).toBe(`error ${errorCodes.COORDINATOR_NOT_AVAILABLE}`)
    expect(await count('a')).toBe(`error ${errorCodes.NOT_COORDINATOR}`)
  })
})
