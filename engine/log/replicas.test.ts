// What leader epochs are for: logs that parted come together again without loss of what was committed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildEndMarker } from '../protocol/end-marker.ts'
import { errorName } from '../protocol/errors.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { batch, contents, now } from './testing/kit.ts'
import { Replica } from './testing/replicas.ts'

function lead (replica: Replica, epoch: number): void {
  replica.log.becomeLeader(epoch)
}

function values (replica: Replica): string[] {
  return contents(replica.log).map(([, value]) => value)
}

function same (...replicas: Replica[]): void {
  for (const replica of replicas.slice(1)) {
    expect(replica.bytes.equals(replicas[0].bytes)).toBe(true)
    expect(replica.log.end).toBe(replicas[0].log.end)
  }
}

describe('KIP-101', () => {
  it('scenario 1: a follower that restarts and leads keeps what was committed above its high watermark', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    a.write('m1')
    a.write('m2')
    b.catchUp(a)
    b.highWatermark = 1 // the leader's next answer would have said 2
    b.restart()
    b.follow(a)
    expect(values(b)).toEqual(['m1', 'm2'])
    lead(b, 1) // a has died
    a.restart()
    b.write('m3')
    a.follow(b)
    a.catchUp(b)
    expect(values(a)).toEqual(['m1', 'm2', 'm3'])
    same(a, b)
  })

  it('scenario 1, the leader gone before the follower could ask: it leads with all it has', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    a.write('m1')
    a.write('m2')
    b.catchUp(a)
    b.restart()
    lead(b, 1)
    a.follow(b)
    expect(values(a)).toEqual(['m1', 'm2'])
    same(a, b)
  })

  it('scenario 2: both lose power, the one that lost more leads, and the other gives up what parted', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    a.write('m1')
    a.write('m2')
    b.catchUp(a)
    b.losePower(1)
    a.restart()
    lead(b, 1)
    b.write('m3')
    a.follow(b)
    expect([values(a), a.log.files.epochs.entries]).toEqual([['m1'], [[0, 0]]])
    a.catchUp(b)
    expect(values(a)).toEqual(['m1', 'm3'])
    same(a, b)
    expect(a.log.files.epochs.entries).toEqual([[0, 0], [1, 1]])
  })

  it('what was cut stays away after a crash, and the checkpoint of epochs on disk says so', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    a.write('m1')
    b.catchUp(a)
    lead(b, 1)
    b.write('other')
    lead(b, 2)
    b.write('more')
    lead(a, 3)
    b.follow(a)
    const text = b.disk.readFile('/data/orders-0/leader-epoch-checkpoint').toString()
    expect(LeaderEpochs.decode(text)?.entries).toEqual([[0, 0]])
    b.restart()
    expect([values(b), b.log.files.epochs.entries]).toEqual([['m1'], [[0, 0]]])
  })
})

describe('KIP-279: leaders in quick succession', () => {
  it('an epoch that the leader never saw ends where its next one begins', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    a.write('m0')
    a.write('m1')
    b.catchUp(a)
    lead(b, 1) // writes, and dies before anyone fetches
    b.write('lost of 1')
    b.write('lost of 1 too')
    lead(a, 2)
    a.write('m2')
    a.write('m3')
    a.write('m4')
    expect(b.follow(a)).toBe(1)
    expect(values(b)).toEqual(['m0', 'm1'])
    b.catchUp(a)
    same(a, b)
  })

  it('epochs missing on both sides: the follower asks again, further down', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    a.write('m0')
    b.catchUp(a)
    // The follower led in 1 and 3, the leader in 2 and 4; nobody fetched in between.
    lead(b, 1)
    b.write('b1')
    lead(a, 2)
    a.write('a2')
    a.write('a2 too')
    lead(b, 3)
    b.write('b3')
    b.write('b3 too')
    lead(a, 4)
    a.write('a4')
    expect(b.follow(a)).toBe(2)
    expect(values(b)).toEqual(['m0'])
    b.catchUp(a)
    expect(values(b)).toEqual(['m0', 'a2', 'a2 too', 'a4'])
    same(a, b)
    expect(b.log.files.epochs.entries).toEqual(a.log.files.epochs.entries)
  })

  it('a log older than all that the leader knows is cut where the leader begins', () => {
    const a = new Replica()
    const b = new Replica()
    lead(b, 0)
    b.write('old', 'old')
    a.log.truncateFullyAndStartAt(1)
    lead(a, 5)
    a.write('new')
    b.follow(a)
    expect(b.log.end).toBe(0) // the batch reaches across
  })
})

describe('producers across fail-over', () => {
  function send (replica: Replica, sequence: number, epoch = 0) {
    const bytes = batch([`v${sequence}`], { producerId: 7, producerEpoch: epoch, baseSequence: sequence })
    const { errorCode, baseOffset, duplicate } = replica.log.stageAsLeader(bytes, 'client', now)
    const result = [errorName(errorCode), baseOffset, duplicate]
    replica.log.write(now)
    return result
  }

  it('a follower that leads knows the last five batches, and no older ones', () => {
    const a = new Replica({ segmentBytes: 300 })
    const b = new Replica({ segmentBytes: 500 })
    lead(a, 0)
    for (let sequence = 0; sequence < 8; sequence++) {
      send(a, sequence)
      b.fetch(a)
    }
    for (const restarts of [false, true]) {
      if (restarts) b.restart()
      lead(b, restarts ? 2 : 1)
      for (let sequence = 3; sequence < 8; sequence++) {
        expect(send(b, sequence)).toEqual(['NONE', sequence, true])
      }
      expect(send(b, 2)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1, false])
      expect(send(b, 9)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1, false])
    }
    expect(send(b, 8)).toEqual(['NONE', 8, false])
    expect(send(b, 0, -1)).toEqual(['INVALID_PRODUCER_EPOCH', -1, false])
  })

  it('what a cut took is no duplicate any more, what it left still is', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    for (let sequence = 0; sequence < 4; sequence++) send(a, sequence)
    b.catchUp(a)
    send(a, 4)
    send(a, 5) // acknowledged by a alone
    lead(b, 1)
    expect(send(b, 4)).toEqual(['NONE', 4, false])
    a.follow(b)
    expect(a.log.end).toBe(4)
    a.catchUp(b)
    lead(a, 2)
    expect(send(a, 4)).toEqual(['NONE', 4, true])
    expect(send(a, 5)).toEqual(['NONE', 5, false])
    expect(send(a, 1)).toEqual(['NONE', 1, true])
  })

  it('an old producer epoch is fenced by a new leader too', () => {
    const a = new Replica()
    const b = new Replica()
    lead(a, 0)
    send(a, 0, 3)
    b.catchUp(a)
    lead(b, 1)
    expect(send(b, 1, 2)).toEqual(['INVALID_PRODUCER_EPOCH', -1, false])
    expect(send(b, 0, 2)).toEqual(['INVALID_PRODUCER_EPOCH', -1, false])
    expect(send(b, 1, 3)).toEqual(['NONE', 1, false])
  })

  it('a follower that leads knows open and aborted transactions, and which coordinator is the latest', () => {
    const a = new Replica({ segmentBytes: 300 })
    const b = new Replica()
    lead(a, 0)
    const own = { producerId: 1, producerEpoch: 0 }
    const take = (replica: Replica, bytes: Buffer) => {
      const { errorCode } = replica.log.stageAsLeader(bytes, 'coordinator', now)
      replica.log.write(now)
      return errorName(errorCode)
    }
    const within = (value: string) => batch([value], { ...own, transactional: true, baseSequence: 0 })
    const end = (commit: boolean, coordinatorEpoch: number) =>
      buildEndMarker({ ...own, commit, coordinatorEpoch, timestamp: now })
    take(a, within('aborted'))
    take(a, end(false, 4))
    take(a, within('open'))
    b.catchUp(a)
    lead(b, 1)
    expect([b.log.firstUndecided, b.log.lastAborted, b.log.lastMarker]).toEqual([2, 1, 1])
    expect(b.log.active.aborted?.entries()).toEqual(a.log.segments[0].aborted?.entries())
    expect(take(b, end(true, 3))).toBe('TRANSACTION_COORDINATOR_FENCED')
    expect(take(b, end(true, 4))).toBe('NONE')
    expect(b.log.firstUndecided).toBe(4)
  })
})

/** What all replicas must agree on beside the bytes. */
function stateOf ({ log }: Replica) {
  const producers = [...log.producers.entries()]
    .map(({ id, epoch, coordinatorEpoch, transactionStart, lastSequence, lastOffset }) => {
      return [id, epoch, coordinatorEpoch, transactionStart, lastSequence, lastOffset]
    })
    .sort((x, y) => x[0] - y[0])
  const aborted = log.segments.flatMap(segment => segment.aborted?.entries() ?? [])
  return { producers, aborted, undecided: log.firstUndecided, epochs: log.files.epochs.entries }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), what: fc.nat(5), producer: fc.nat(2) })
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('fetch' as const), who: fc.nat(2), bytes: fc.nat(400) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lead' as const), who: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('restart' as const), who: fc.nat(2), clean: fc.boolean() })
  }
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Three replicas; committed is what all have, so that each of them may lead. */
class Partition {
  readonly replicas = [200, 300, 1000].map((segmentBytes) => {
    return new Replica({ segmentBytes, indexIntervalBytes: 60 })
  })

  #leader = 0
  #epoch = 0
  #written = 0
  readonly #sequences = new Map<number, number>()
  committed: Buffer = Buffer.alloc(0)

  constructor () { this.replicas[0].log.becomeLeader(0) }

  get leader (): Replica { return this.replicas[this.#leader] }

  run (one: Step): void {
    if (one.kind === 'write') this.#write(one.what, 1 + one.producer)
    else if (one.kind === 'fetch') this.#fetch(this.replicas[one.who], one.bytes)
    else if (one.kind === 'lead') this.#lead(one.who)
    else this.#restart(one.who, one.clean)
  }

  /** A leader that comes back leads in another epoch, or not at all. */
  #restart (who: number, clean: boolean): void {
    this.replicas[who].restart(clean)
    if (who === this.#leader) this.#lead(who)
  }

  #fetch (follower: Replica, bytes: number): void {
    if (follower !== this.leader) follower.fetch(this.leader, bytes)
    const end = Math.min(...this.replicas.map(replica => replica.log.end))
    for (const replica of this.replicas) {
      replica.highWatermark = end
      replica.log.replicated(end)
      expect(replica.log.lastMarker === -1 || replica.log.lastMarker >= end).toBe(true)
    }
    const smallest = this.replicas.find(replica => replica.log.end === end)!
    this.committed = smallest.bytes
  }

  #lead (who: number): void {
    this.#leader = who
    this.#sequences.clear()
    this.leader.log.becomeLeader(++this.#epoch)
    for (const replica of this.replicas) if (replica !== this.leader) replica.follow(this.leader)
  }

  #write (what: number, producerId: number): void {
    const { log } = this.leader
    const own = { producerId, producerEpoch: 0 }
    const open = (log.producers.get(producerId)?.transactionStart ?? -1) >= 0
    let bytes: Buffer
    if (what < 2 && open) {
      bytes = buildEndMarker({ ...own, commit: what === 0, coordinatorEpoch: 0, timestamp: now })
    } else if (what < 4) {
      bytes = batch([`t${this.#written++}`], { ...own, transactional: true, baseSequence: 0 })
    } else {
      const id = producerId + 10
      const baseSequence = this.#sequences.get(id) ?? (log.producers.get(id)?.lastSequence ?? -1) + 1
      this.#sequences.set(id, baseSequence + 2)
      bytes = batch([`v${this.#written++}`, 'x'], { producerId: id, producerEpoch: 0, baseSequence })
    }
    expect(errorName(log.stageAsLeader(bytes, what < 4 ? 'coordinator' : 'client', now).errorCode)).toBe('NONE')
    log.write(now)
  }
}

describe('replicas, whatever happens to them', () => {
  it('become the same again, byte for byte and in all they know, and lose nothing that was committed', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const partition = new Partition()
      for (const one of steps) {
        partition.run(one)
        for (const { bytes } of partition.replicas) {
          expect(bytes.subarray(0, partition.committed.length).equals(partition.committed)).toBe(true)
        }
      }
      for (const replica of partition.replicas) {
        if (replica !== partition.leader) replica.catchUp(partition.leader)
      }
      same(...partition.replicas)
      // Epochs without records are the leader's alone.
      const [first, ...others] = [partition.leader, ...partition.replicas].map(stateOf)
      const epochs = first.epochs.filter(([, start]) => start < partition.leader.log.end)
      for (const other of others) {
        const known = other.epochs.filter(([, start]) => start < partition.leader.log.end)
        expect({ ...other, epochs: known }).toEqual({ ...first, epochs })
      }
    }), { numRuns: 300 })
  })
})
