import { describe, expect, it } from 'vitest'
import { LeaderEpochs } from './leader-epochs.ts'
import { append, batch, newLog, now, open } from './testing/kit.ts'

function epochs (...entries: [number, number][]): LeaderEpochs {
  const made = new LeaderEpochs()
  for (const [epoch, startOffset] of entries) made.assign(epoch, startOffset)
  return made
}

describe('leader epochs', () => {
  const history = epochs([2, 10], [4, 20], [7, 30])

  it.each([
    [-1, -1, -1], // not asked
    [0, 0, 10], // older than all that is known
    [2, 2, 20],
    [3, 2, 20], // between two: the largest one below
    [4, 4, 30],
    [6, 4, 30],
    [7, 7, 55], // the newest ends with the log
    [8, -1, -1] // not known yet
  ])('epoch %i ends as %i at %i', (asked, leaderEpoch, endOffset) => {
    expect(history.endOffsetFor(asked, 55)).toEqual({ leaderEpoch, endOffset })
  })

  it('know nothing at first', () => {
    expect(epochs().endOffsetFor(0, 5)).toEqual({ leaderEpoch: -1, endOffset: -1 })
  })

  it('name the epoch of an offset', () => {
    expect([5, 10, 19, 20, 30, 99].map(offset => history.epochAt(offset))).toEqual([-1, 2, 2, 4, 7, 7])
  })

  it('forget what newer knowledge contradicts', () => {
    expect(epochs([0, 0], [1, 5], [2, 5]).entries).toEqual([[0, 0], [2, 5]])
    expect(epochs([0, 0], [3, 5], [2, 8]).entries).toEqual([[0, 0], [2, 8]])
    expect(epochs([0, 0], [0, 9]).entries).toEqual([[0, 0]])
  })

  it('are cut at either end', () => {
    const cut = epochs([2, 10], [4, 20], [7, 30])
    expect(cut.truncateFromEnd(20)).toBe(true)
    expect(cut.entries).toEqual([[2, 10]])
    const begun = epochs([2, 10], [4, 20], [7, 30])
    expect(begun.truncateFromStart(25)).toBe(true)
    expect(begun.entries).toEqual([[4, 25], [7, 30]])
    expect(begun.truncateFromStart(5)).toBe(false)
  })

  it('are a text file as Kafka writes it', () => {
    expect(history.encode().toString()).toBe('0\n3\n2 10\n4 20\n7 30\n')
    expect(LeaderEpochs.decode('0\n3\n2 10\n4 20\n7 30\n')?.entries).toEqual(history.entries)
    for (const bad of ['', '1\n0\n', '0\n2\n1 1\n', '0\n1\nx\n', '0\n2\n3 1\n2 5\n', '0\n-1\n']) {
      expect(LeaderEpochs.decode(bad), JSON.stringify(bad)).toBeNull()
    }
  })
})

describe('a log and its leaders', () => {
  it('stamps the epoch and remembers where it began, also after a crash', () => {
    const { log, disk, seen } = newLog()
    append(log, ['a', 'b'])
    log.becomeLeader(3)
    expect(log.endOffsetForEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 2 })
    log.becomeLeader(5)
    append(log, ['c'])
    expect(seen.epochs).toEqual([[0, 0], [5, 2]])
    for (const missing of [false, true]) {
      if (missing) disk.unlink('/data/orders-0/leader-epoch-checkpoint')
      const again = open(disk).log
      expect(again.files.epochs.entries).toEqual([[0, 0], [5, 2]])
      expect(again.endOffsetForEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 2 })
      expect([again.epochAt(1), again.epochAt(2), again.leaderEpoch]).toEqual([0, 5, 5])
    }
  })

  it('an epoch without records is forgotten with the process', () => {
    const { log, disk } = newLog()
    append(log, ['a'])
    log.becomeLeader(9)
    log.close(true)
    expect(open(disk, {}, { clean: true, recoveryPoint: 1 }).log.files.epochs.entries).toEqual([[0, 0]])
  })

  it('follows a leader batch by batch and cuts what the leader never had', () => {
    const leader = newLog().log
    const follower = newLog().log
    const send = (values: string[]) => {
      leader.stageAsLeader(batch(values), 'client', now)
      const bytes = Buffer.concat(leader.write(now).map(one => one.bytes))
      expect(follower.stageAsFollower(bytes, now).errorCode).toBe(0)
      follower.write(now)
    }
    send(['a', 'b'])
    leader.becomeLeader(1)
    send(['c'])
    follower.becomeLeader(2)
    append(follower, ['only here'])
    leader.becomeLeader(3)
    append(leader, ['d'])
    // KIP-101: the follower asks where the epoch of its last record ended, and cuts there.
    const answer = leader.endOffsetForEpoch(2)
    expect(answer).toEqual({ leaderEpoch: 1, endOffset: 3 })
    follower.truncateTo(Math.min(answer.endOffset, follower.endOffsetForEpoch(answer.leaderEpoch).endOffset))
    expect(follower.end).toBe(3)
    expect(follower.files.epochs.entries).toEqual([[0, 0], [1, 2]])
    const rest = Buffer.from(leader.parts.disk.readFile(leader.active.path).subarray(follower.active.bytes))
    expect(follower.stageAsFollower(rest, now)).toMatchObject({ errorCode: 0, baseOffset: 3 })
    follower.write(now)
    expect(follower.parts.disk.readFile(follower.active.path))
      .toEqual(leader.parts.disk.readFile(leader.active.path))
    expect(follower.files.epochs.entries).toEqual(leader.files.epochs.entries)
  })

  it('refuses what is damaged or does not continue the log, and takes a cut last batch as nothing', () => {
    const { log } = newLog()
    const one = batch(['a', 'b'])
    const two = batch(['c'], { baseOffset: 2 })
    const bad = Buffer.from(one)
    bad[70] ^= 1
    expect(log.stageAsFollower(bad, now).errorCode).toBe(2)
    expect(log.stageAsFollower(Buffer.concat([one, one]), now).errorCode).toBe(1)
    expect(log.stagedBytes).toBe(0)
    const cut = Buffer.concat([one, two.subarray(0, 40)])
    expect(log.stageAsFollower(cut, now)).toMatchObject({ errorCode: 0, lastOffset: 1 })
    log.write(now)
    expect(log.stageAsFollower(two, now)).toMatchObject({ errorCode: 0, baseOffset: 2 })
    log.write(now)
    expect(log.end).toBe(3)
  })
})
