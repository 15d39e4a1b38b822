// The group coordinator's state in one partition of __consumer_offsets: its groups and their offsets.
import { type CoordinatorRecord, type Machine, Outcome, type Step } from '../coordinator/machine.ts'
import { errorCodes } from '../protocol/errors.ts'
import { resume, stepClassic, dismiss } from './classic-group.ts'
import { restoredGroup } from './classic-restore.ts'
import { ClassicGroup, joinRefused, syncRefused, Turn } from './classic-state.ts'
import { type ClassicEvent } from './classic-types.ts'
import {
  type DescribedGroup, type GroupEvent, type GroupSettings, type ListedGroup, ofGroup
} from './group-events.ts'
import { newGroupRecord, readRecord } from './group-records.ts'
import { metadataOf, noBytes } from './members.ts'
import { commitOffsets, deleteGroup, deleteOffsets, expireOffsets, forgetTopic } from './offset-steps.ts'
import { type CommittedOffset, Offsets } from './offsets.ts'

interface Entry {
  readonly group: ClassicGroup
  /** Its first record is written: readers may see it. */
  committed: boolean
}

export class GroupPartition implements Machine<GroupEvent> {
  readonly settings: GroupSettings
  readonly #newMemberId: (name: string) => string
  readonly #groups = new Map<string, Entry>()
  /** Every group in it has an entry in #groups. */
  readonly offsets = new Offsets()
  #strangers = 0

  constructor (settings: GroupSettings, newMemberId: (name: string) => string) {
    this.settings = settings
    this.#newMemberId = newMemberId
  }

  exclusive (event: GroupEvent): boolean {
    return event.kind !== 'classic' && event.kind !== 'commit'
  }

  step (event: GroupEvent, nowMs: number): Step<GroupEvent> {
    switch (event.kind) {
      case 'classic': return this.#classic(event.group, event.event, nowMs)
      case 'commit': return commitOffsets(this, event.request, event.commit, nowMs)
      case 'delete-offsets': return deleteOffsets(this, event.request, event.wanted)
      case 'delete-group': return deleteGroup(this, event.request, event.group)
      case 'topic-deleted': return forgetTopic(this, event.topic)
      case 'expire': return expireOffsets(this, nowMs)
    }
  }

  #classic (id: string, event: ClassicEvent, nowMs: number): Step<GroupEvent> {
    const entry = this.#groups.get(id)
    if (entry !== undefined) return ofGroup(id, stepClassic(entry.group, event, nowMs))
    if (event.kind === 'join' && event.join.memberId === '') return this.#newGroup(id, event, nowMs)
    return unknownGroup(event)
  }

  /** A group exists from the first request to join it, even if that was in vain. */
  #newGroup (id: string, event: ClassicEvent, nowMs: number): Step<GroupEvent> {
    const entry = this.#add(id, nowMs, false)
    const turn = stepClassic(entry.group, event, nowMs)
    turn.records.push(newGroupRecord(entry.group))
    turn.settled = (errorCode, laterMs) => {
      const later = new Turn(laterMs)
      if (errorCode === errorCodes.NONE) {
        entry.committed = true
      } else {
        dismiss(entry.group, later, errorCode)
        this.#groups.delete(id)
      }
      return later
    }
    return ofGroup(id, turn)
  }

  #add (id: string, nowMs: number, committed: boolean): Entry {
    const entry = { group: new ClassicGroup(id, this.settings, this.#newMemberId, nowMs), committed }
    this.#groups.set(id, entry)
    return entry
  }

  group (id: string): ClassicGroup | undefined {
    return this.#groups.get(id)?.group
  }

  groups (): ClassicGroup[] {
    return [...this.#groups.values()].map(({ group }) => group)
  }

  /** Committing offsets is enough to be a group. */
  mustExist (id: string, nowMs: number): void {
    const entry = this.#groups.get(id) ?? this.#add(id, nowMs, true)
    entry.committed = true
  }

  /** Its records are gone. */
  drop (id: string): Turn {
    const turn = new Turn(0)
    const entry = this.#groups.get(id)
    if (entry !== undefined) dismiss(entry.group, turn, errorCodes.UNKNOWN_MEMBER_ID)
    this.#groups.delete(id)
    return turn
  }

  replay (record: CoordinatorRecord): void {
    const found = readRecord(record)
    if (found.kind === 'offset') {
      if (found.committed === null) this.offsets.delete(found.key)
      else this.offsets.put(found.key, found.committed)
    } else if (found.kind === 'other') {
      this.#strangers++
    } else if (found.value === null) {
      this.#groups.delete(found.group)
    } else {
      const group = restoredGroup(found.group, found.value, this.settings, this.#newMemberId)
      this.#groups.set(found.group, { group, committed: true })
    }
  }

  loaded (nowMs: number): Step<GroupEvent> {
    for (const id of this.offsets.groups()) this.mustExist(id, nowMs)
    const outcome = new Outcome<GroupEvent>()
    for (const { group } of this.#groups.values()) {
      outcome.timers.push(...ofGroup(group.id, resume(group, nowMs)).timers)
    }
    if (this.#groups.size > 0) outcome.note(`${this.#groups.size} groups read`)
    if (this.#strangers > 0) outcome.note(`passed over ${this.#strangers} records of kinds of groups that are not served`)
    return outcome
  }

  /** undefined: there is no such group. Metadata is told of a stable group only. */
  describe (id: string): DescribedGroup | undefined {
    const entry = this.#groups.get(id)
    if (entry === undefined || !entry.committed) return undefined
    const { group } = entry
    const stable = group.state === 'Stable'
    return {
      state: group.state,
      protocolType: group.protocolType ?? '',
      protocol: stable ? group.protocol ?? '' : '',
      members: [...group.members.all()].map(member => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: stable ? metadataOf(member, group.protocol) : noBytes,
        memberAssignment: member.assignment
      }))
    }
  }

  list (): ListedGroup[] {
    return [...this.#groups.values()].filter(({ committed }) => committed).map(({ group }) => ({
      groupId: group.id, protocolType: group.protocolType ?? '', state: group.state, type: 'classic'
    }))
  }

  fetch (group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.offsets.get({ group, topic, partition })
  }
}

function unknownGroup (event: ClassicEvent): Step<GroupEvent> {
  const outcome = new Outcome<GroupEvent>()
  const code = errorCodes.UNKNOWN_MEMBER_ID
  switch (event.kind) {
    case 'join': return outcome.reply(event.request, joinRefused(code, event.join.memberId))
    case 'sync': return outcome.reply(event.request, syncRefused(code))
    case 'heartbeat': return outcome.reply(event.request, code)
    case 'leave': return outcome.reply(event.request, {
      errorCode: errorCodes.NONE,
      members: event.members.map(({ memberId, instanceId }) =>
        ({ memberId, groupInstanceId: instanceId, errorCode: code }))
    })
    default: return outcome // a timer of a group that is gone
  }
}
