// One partition of the group coordinator, without a log: what is committed, what is refused, what is left
// after a restart.
import { beforeEach, describe, expect, it } from 'vitest'
import { type CoordinatorRecord, type Step } from '../coordinator/machine.ts'
import { errorCodes, errorName } from '../protocol/errors.ts'
import { ConsumerProtocolSubscription } from '../protocol/records/consumer-protocol.ts'
import { encodeVersioned } from '../protocol/records/record-type.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type JoinAnswer } from './classic-types.ts'
import { type CommitAnswer, type CommitRequest, type GroupEvent, type GroupSettings } from './group-events.ts'
import { GroupPartition } from './group-partition.ts'

const settings: GroupSettings = {
  membersMax: 100,
  sessionTimeoutMsMin: 6000,
  sessionTimeoutMsMax: 60_000,
  firstRebalanceDelayMs: 0,
  metadataLengthMax: 10,
  retentionMs: 1000
}
const day = 86_400_000

let state: GroupPartition
let log: CoordinatorRecord[]
let nowMs: number
let request: number
let answers: Map<number, unknown>
let timers: Map<string, GroupEvent>

beforeEach(() => {
  log = []
  nowMs = day
  request = 0
  answers = new Map()
  timers = new Map()
  state = fresh()
})

function fresh (): GroupPartition {
  let made = 0
  return new GroupPartition(settings, name => `${name}-${++made}`)
}

function carry (step: Step<GroupEvent>, appendError = 0): void {
  for (const { key, event } of step.timers) {
    if (event === null) timers.delete(key)
    else timers.set(key, event)
  }
  if (step.records.length > 0 && appendError === 0) log.push(...step.records)
  if (step.settled !== null) carry(step.settled(appendError, nowMs))
  for (const reply of step.replies) {
    answers.set(reply.request, appendError === 0 ? reply.answer : errorName(appendError))
  }
}

function run (event: GroupEvent, appendError = 0): unknown {
  carry(state.step(event, nowMs), appendError)
  return answers.get(request)
}

function commit (
  group: string, topic: string, offset: number, more: Partial<CommitRequest> & { metadata?: string } = {}
): string {
  const { metadata = null, ...rest } = more
  const commit: CommitRequest = {
    group,
    memberId: '',
    instanceId: null,
    generation: -1,
    retentionMs: -1,
    tellsUnknownGroup: false,
    partitions: [{ topic, topicId: zeroUuid, partition: 0, offset, leaderEpoch: 7, metadata }],
    ...rest
  }
  const answer = run({ kind: 'commit', request: ++request, commit })
  if (typeof answer === 'string') return answer
  const { errorCode, partitionErrors } = answer as CommitAnswer
  return errorName(errorCode !== 0 ? errorCode : partitionErrors[0])
}

function deleteOffsets (group: string, ...topics: string[]): string {
  const partitions = topics.map(topic => ({ topic, partition: 0 }))
  const { errorCode, partitionErrors } = run({
    kind: 'delete-offsets', request: ++request, wanted: { group, partitions }
  }) as CommitAnswer
  return errorCode !== 0 ? errorName(errorCode) : partitionErrors.map(errorName).join(' ')
}

function deleteGroup (group: string): string {
  return errorName(run({ kind: 'delete-group', request: ++request, group }) as number)
}

function subscription (...topics: string[]): Buffer {
  return encodeVersioned(ConsumerProtocolSubscription, 3, {
    topics, userData: null, ownedPartitions: [], generationId: -1, rackId: null
  })
}

function join (group: string, metadata: Buffer, protocolType = 'consumer'): string {
  const own = ++request
  run({
    kind: 'classic',
    group,
    event: {
      kind: 'join',
      request: own,
      join: {
        memberId: '',
        instanceId: null,
        clientId: 'c',
        clientHost: '/here',
        sessionTimeoutMs: 6000,
        rebalanceTimeoutMs: 6000,
        protocolType,
        protocols: [{ name: 'range', metadata }],
        idRequired: false,
        mayKeepAssignment: true
      }
    }
  })
  fire(`${group} join`)
  return (answers.get(own) as JoinAnswer).memberId
}

function fire (key: string): void {
  const event = timers.get(key)!
  timers.delete(key)
  run(event)
}

/** A stable group of one. */
function stable (group: string, metadata: Buffer, protocolType = 'consumer'): string {
  const memberId = join(group, metadata, protocolType)
  run({
    kind: 'classic',
    group,
    event: {
      kind: 'sync',
      request: ++request,
      sync: {
        memberId,
        instanceId: null,
        generation: 1,
        protocolType: null,
        protocolName: null,
        assignments: [{ memberId, assignment: Buffer.from('all') }]
      }
    }
  })
  return memberId
}

function leave (group: string, memberId: string): void {
  run({ kind: 'classic', group, event: { kind: 'leave', request: ++request, members: [{ memberId, instanceId: null }] } })
}

function offset (group: string, topic: string): number | undefined {
  return state.fetch(group, topic, 0)?.offset
}

/** What another broker would find in the log. */
function restart (): void {
  state = fresh()
  timers.clear()
  for (const record of log) state.replay(record)
  carry(state.loaded(nowMs))
}

describe('committing', () => {
  it('from outside a group makes it, and the last commit counts', () => {
    expect(commit('g', 't', 5)).toBe('NONE')
    expect(commit('g', 't', 3, { metadata: 'note' })).toBe('NONE')
    expect(state.fetch('g', 't', 0)).toMatchObject({ offset: 3, metadata: 'note', leaderEpoch: 7, committedMs: nowMs })
    expect(state.list()).toEqual([{ groupId: 'g', protocolType: '', state: 'Empty', type: 'classic' }])
  })

  it('to an unknown group with a generation is refused, by the code that the version knows', () => {
    expect(commit('g', 't', 5, { generation: 1, memberId: 'm' })).toBe('ILLEGAL_GENERATION')
    expect(commit('g', 't', 5, { generation: 1, memberId: 'm', tellsUnknownGroup: true })).toBe('GROUP_ID_NOT_FOUND')
    expect(commit('g', 't', 5, { memberId: 'm' })).toBe('NONE')
  })

  it('is for members of the generation only', () => {
    const memberId = stable('g', subscription('t'))
    expect(commit('g', 't', 5, { generation: 1, memberId })).toBe('NONE')
    expect(commit('g', 't', 6, { generation: 0, memberId })).toBe('ILLEGAL_GENERATION')
    expect(commit('g', 't', 6, { generation: 1, memberId: 'stranger' })).toBe('UNKNOWN_MEMBER_ID')
    expect(commit('g', 't', 6)).toBe('UNKNOWN_MEMBER_ID')
    expect(commit('g', 't', 6, { generation: 1, memberId, instanceId: 'i' })).toBe('UNKNOWN_MEMBER_ID')
    expect(offset('g', 't')).toBe(5)
  })

  it('is refused between the answers to join and sync', () => {
    const memberId = join('g', subscription('t'))
    expect(commit('g', 't', 5, { generation: 1, memberId })).toBe('REBALANCE_IN_PROGRESS')
  })

  it('with a text that is too long stores nothing', () => {
    expect(commit('g', 't', 5, { metadata: 'x'.repeat(11) })).toBe('OFFSET_METADATA_TOO_LARGE')
    expect([log.length, offset('g', 't')]).toEqual([0, undefined])
    expect(commit('g', 't', 5, { metadata: 'x'.repeat(10) })).toBe('NONE')
  })

  it('leaves nothing behind when it cannot be written', () => {
    const event: GroupEvent = {
      kind: 'commit',
      request: ++request,
      commit: {
        group: 'g',
        memberId: '',
        instanceId: null,
        generation: -1,
        retentionMs: -1,
        tellsUnknownGroup: false,
        partitions: [{ topic: 't', topicId: zeroUuid, partition: 0, offset: 1, leaderEpoch: -1, metadata: null }]
      }
    }
    run(event, errorCodes.NOT_COORDINATOR)
    expect([offset('g', 't'), state.list()]).toEqual([undefined, []])
  })
})

describe('a new group', () => {
  it('is not seen before it is written, and gone when it cannot be', () => {
    const step = state.step({
      kind: 'classic',
      group: 'g',
      event: {
        kind: 'join',
        request: ++request,
        join: {
          memberId: '',
          instanceId: null,
          clientId: 'c',
          clientHost: '/here',
          sessionTimeoutMs: 6000,
          rebalanceTimeoutMs: 6000,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.from('') }],
          idRequired: false,
          mayKeepAssignment: true
        }
      }
    }, nowMs)
    expect([state.describe('g'), state.list()]).toEqual([undefined, []])
    carry(step, errorCodes.NOT_COORDINATOR)
    expect(answers.get(request)).toMatchObject({ errorCode: errorCodes.NOT_COORDINATOR })
    expect([state.group('g'), timers.size]).toEqual([undefined, 0])
  })
})

describe('deleting', () => {
  it('a group takes its offsets along', () => {
    commit('g', 't', 5)
    expect(deleteGroup('g')).toBe('NONE')
    expect([offset('g', 't'), state.list()]).toEqual([undefined, []])
    expect(deleteGroup('g')).toBe('GROUP_ID_NOT_FOUND')
    restart()
    expect([offset('g', 't'), state.list()]).toEqual([undefined, []])
  })

  it('a group with members is refused', () => {
    const memberId = stable('g', subscription('t'))
    expect(deleteGroup('g')).toBe('NON_EMPTY_GROUP')
    leave('g', memberId)
    expect(deleteGroup('g')).toBe('NONE')
    expect(timers.size).toBe(0)
  })

  it('offsets of topics that the group reads is refused, of others not', () => {
    const memberId = stable('g', subscription('read'))
    for (const topic of ['read', 'old']) commit('g', topic, 5, { generation: 1, memberId })
    expect(deleteOffsets('g', 'read', 'old', 'never')).toBe('GROUP_SUBSCRIBED_TO_TOPIC NONE NONE')
    expect([offset('g', 'read'), offset('g', 'old')]).toEqual([5, undefined])
    leave('g', memberId)
    expect(deleteOffsets('g', 'read')).toBe('NONE')
    expect(deleteOffsets('nobody', 'read')).toBe('GROUP_ID_NOT_FOUND')
  })

  it('offsets of a group that does not consume is refused while it has members', () => {
    stable('g', Buffer.from('?'), 'connect')
    expect(deleteOffsets('g', 't')).toBe('NON_EMPTY_GROUP')
  })

  it('a topic takes its offsets along in all groups', () => {
    for (const group of ['g', 'h']) for (const topic of ['gone', 'kept']) commit(group, topic, 5)
    run({ kind: 'topic-deleted', topic: 'gone' })
    restart()
    expect(['g', 'h'].map(group => [offset(group, 'gone'), offset(group, 'kept')])).toEqual([[undefined, 5], [undefined, 5]])
  })
})

describe('age', () => {
  const later = (ms: number) => {
    nowMs += ms
    run({ kind: 'expire' })
  }

  it('takes the offsets of consumers that only commit, then the group', () => {
    commit('g', 't', 5)
    later(999)
    expect(offset('g', 't')).toBe(5)
    later(1)
    expect([offset('g', 't'), state.list()]).toEqual([undefined, []])
  })

  it('counts from the day the last member left', () => {
    const memberId = stable('g', subscription('t'))
    commit('g', 't', 5, { generation: 1, memberId })
    later(5000)
    leave('g', memberId)
    later(999)
    expect(offset('g', 't')).toBe(5)
    later(1)
    expect([offset('g', 't'), state.list()]).toEqual([undefined, []])
  })

  it('of a group with members takes only topics that it does not read any more', () => {
    const memberId = stable('g', subscription('read'))
    for (const topic of ['read', 'old']) commit('g', topic, 5, { generation: 1, memberId })
    later(1000)
    expect([offset('g', 'read'), offset('g', 'old')]).toEqual([5, undefined])
  })

  it('of consumers whose metadata nobody can read takes nothing', () => {
    const memberId = stable('g', Buffer.from('meta'))
    commit('g', 't', 5, { generation: 1, memberId })
    later(day)
    expect(offset('g', 't')).toBe(5)
  })

  it('is what an old client says it is', () => {
    commit('g', 't', 5, { retentionMs: 50 })
    commit('g', 'u', 5, { retentionMs: 5000 })
    restart()
    later(60)
    expect([offset('g', 't'), offset('g', 'u')]).toEqual([undefined, 5])
    later(4000)
    expect(offset('g', 'u')).toBe(5)
  })
})

describe('a restart', () => {
  it('finds stable groups, their members and their offsets, and gives everybody a whole session', () => {
    const memberId = stable('g', subscription('t'))
    commit('g', 't', 5, { generation: 1, memberId })
    commit('simple', 't', 8)
    const before = [state.describe('g'), state.list(), offset('g', 't')]
    restart()
    expect([state.describe('g'), state.list(), offset('g', 't')]).toEqual(before)
    expect(state.describe('g')?.members[0].memberAssignment.toString()).toBe('all')
    expect([...timers.keys()]).toEqual([`g session ${memberId}`])
    expect(commit('g', 't', 6, { generation: 1, memberId })).toBe('NONE')
    fire(`g session ${memberId}`)
    expect(state.describe('g')?.state).toBe('Empty')
    restart()
    expect([state.describe('g')?.state, state.group('g')?.generation]).toEqual(['Empty', 2])
  })
})
