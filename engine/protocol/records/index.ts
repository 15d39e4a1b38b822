// Which records lie in which internal topic, by the type that leads their keys.
import { LegacyOffsetCommit } from './legacy-offset-commit.ts'
import { OffsetCommit } from './offset-commit.ts'
import { GroupMetadata } from './group-metadata.ts'
import { ConsumerGroupMetadata } from './consumer-group-metadata.ts'
import { ConsumerGroupPartitionMetadata } from './consumer-group-partition-metadata.ts'
import { ConsumerGroupMemberMetadata } from './consumer-group-member-metadata.ts'
import { ConsumerGroupTargetAssignmentMetadata } from './consumer-group-target-assignment-metadata.ts'
import { ConsumerGroupTargetAssignmentMember } from './consumer-group-target-assignment-member.ts'
import { ConsumerGroupCurrentMemberAssignment } from './consumer-group-current-member-assignment.ts'
import { ShareGroupMemberMetadata } from './share-group-member-metadata.ts'
import { ShareGroupMetadata } from './share-group-metadata.ts'
import { ShareGroupTargetAssignmentMetadata } from './share-group-target-assignment-metadata.ts'
import { ShareGroupTargetAssignmentMember } from './share-group-target-assignment-member.ts'
import { ShareGroupCurrentMemberAssignment } from './share-group-current-member-assignment.ts'
import { ShareGroupStatePartitionMetadata } from './share-group-state-partition-metadata.ts'
import { ConsumerGroupRegularExpression } from './consumer-group-regular-expression.ts'
import { StreamsGroupMetadata } from './streams-group-metadata.ts'
import { StreamsGroupMemberMetadata } from './streams-group-member-metadata.ts'
import { StreamsGroupTargetAssignmentMetadata } from './streams-group-target-assignment-metadata.ts'
import { StreamsGroupTargetAssignmentMember } from './streams-group-target-assignment-member.ts'
import { StreamsGroupCurrentMemberAssignment } from './streams-group-current-member-assignment.ts'
import { StreamsGroupTopology } from './streams-group-topology.ts'
import { TransactionLog } from './transaction-log.ts'
import { ShareSnapshot } from './share-snapshot.ts'
import { ShareUpdate } from './share-update.ts'
import { type AnyRecordType } from './record-type.ts'

/** Of __consumer_offsets. */
export const consumerOffsetsRecords: readonly AnyRecordType[] = [
  LegacyOffsetCommit, OffsetCommit, GroupMetadata, ConsumerGroupMetadata, ConsumerGroupPartitionMetadata,
  ConsumerGroupMemberMetadata, ConsumerGroupTargetAssignmentMetadata, ConsumerGroupTargetAssignmentMember,
  ConsumerGroupCurrentMemberAssignment, ShareGroupMemberMetadata, ShareGroupMetadata,
  ShareGroupTargetAssignmentMetadata, ShareGroupTargetAssignmentMember, ShareGroupCurrentMemberAssignment,
  ShareGroupStatePartitionMetadata, ConsumerGroupRegularExpression, StreamsGroupMetadata,
  StreamsGroupMemberMetadata, StreamsGroupTargetAssignmentMetadata, StreamsGroupTargetAssignmentMember,
  StreamsGroupCurrentMemberAssignment, StreamsGroupTopology
]

/** Of __transaction_state. */
export const transactionStateRecords: readonly AnyRecordType[] = [TransactionLog]

/** Of __share_group_state. */
export const shareGroupStateRecords: readonly AnyRecordType[] = [ShareSnapshot, ShareUpdate]

export function recordOfType (records: readonly AnyRecordType[], type: number): AnyRecordType | undefined {
  return records.find(record => record.type === type)
}
