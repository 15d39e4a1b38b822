// Which records the cluster's metadata log (__cluster_metadata) and its snapshots hold.
import { type AnyFramedRecord } from './framed-record.ts'
import {
  AccessControlEntryRecord, RemoveAccessControlEntryRecord, UserScramCredentialRecord,
  RemoveUserScramCredentialRecord, DelegationTokenRecord, RemoveDelegationTokenRecord, ClientQuotaRecord
} from './cluster-metadata-access.ts'
import {
  BeginTransactionRecord, EndTransactionRecord, AbortTransactionRecord, NoOpRecord, FeatureLevelRecord,
  ProducerIdsRecord, ZkMigrationStateRecord
} from './cluster-metadata-log.ts'
import {
  RegisterBrokerRecord, UnregisterBrokerRecord, FenceBrokerRecord, UnfenceBrokerRecord,
  BrokerRegistrationChangeRecord, RegisterControllerRecord, UnregisterControllerRecord
} from './cluster-metadata-nodes.ts'
import {
  TopicRecord, RemoveTopicRecord, PartitionRecord, PartitionChangeRecord, ClearElrRecord, ConfigRecord
} from './cluster-metadata-topics.ts'

export const clusterMetadataRecords: readonly AnyFramedRecord[] = [
  RegisterBrokerRecord, UnregisterBrokerRecord, FenceBrokerRecord, UnfenceBrokerRecord,
  BrokerRegistrationChangeRecord, RegisterControllerRecord, UnregisterControllerRecord, TopicRecord,
  RemoveTopicRecord, PartitionRecord, PartitionChangeRecord, ClearElrRecord, ConfigRecord,
  AccessControlEntryRecord, RemoveAccessControlEntryRecord, UserScramCredentialRecord,
  RemoveUserScramCredentialRecord, DelegationTokenRecord, RemoveDelegationTokenRecord, ClientQuotaRecord,
  BeginTransactionRecord, EndTransactionRecord, AbortTransactionRecord, NoOpRecord, FeatureLevelRecord,
  ProducerIdsRecord, ZkMigrationStateRecord
]
