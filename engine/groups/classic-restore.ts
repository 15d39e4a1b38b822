// A classic group as the last coordinator left it.
import { type GroupMetadataValue } from '../protocol/records/group-metadata.ts'
import { ClassicGroup } from './classic-state.ts'
import { type ClassicSettings } from './classic-types.ts'

/** The group as it was stored: stable, or without members. */
export function restoredGroup (
  id: string, value: GroupMetadataValue, settings: ClassicSettings, newMemberId: (name: string) => string
): ClassicGroup {
  const group = new ClassicGroup(id, settings, newMemberId, value.currentStateTimestamp)
  group.generation = value.generation
  group.protocolType = value.protocolType === '' ? null : value.protocolType
  group.protocol = value.protocol
  for (const member of value.members) {
    group.members.add({
      id: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(member.subscription) }],
      assignment: Buffer.from(member.assignment),
      isNew: false,
      joinRequest: 0,
      syncRequest: 0
    })
  }
  group.members.leader = value.leader
  group.state = value.members.length === 0 ? 'Empty' : 'Stable'
  group.learnTopics()
  return group
}
