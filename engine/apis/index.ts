// The one list of what is served. Versions, dispatch, ApiVersions and metrics follow from it.
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../protocol/messages/16-list-groups.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../protocol/messages/21-delete-records.ts'
import { InitProducerId } from '../protocol/messages/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from '../protocol/messages/23-offset-for-leader-epoch.ts'
import { DescribeConfigs } from '../protocol/messages/32-describe-configs.ts'
import { AlterReplicaLogDirs } from '../protocol/messages/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from '../protocol/messages/35-describe-log-dirs.ts'
import { CreatePartitions } from '../protocol/messages/37-create-partitions.ts'
import { DeleteGroups } from '../protocol/messages/42-delete-groups.ts'
import { IncrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.ts'
import { OffsetDelete } from '../protocol/messages/47-offset-delete.ts'
import { DescribeCluster } from '../protocol/messages/60-describe-cluster.ts'
import { produce } from './00-produce.ts'
import { fetch } from './01-fetch.ts'
import { listOffsets } from './02-list-offsets.ts'
import { metadata } from './03-metadata.ts'
import { offsetCommit } from './08-offset-commit.ts'
import { offsetFetch } from './09-offset-fetch.ts'
import { findCoordinator } from './10-find-coordinator.ts'
import { joinGroup } from './11-join-group.ts'
import { heartbeat } from './12-heartbeat.ts'
import { leaveGroup } from './13-leave-group.ts'
import { syncGroup } from './14-sync-group.ts'
import { describeGroups } from './15-describe-groups.ts'
import { listGroups } from './16-list-groups.ts'
import { apiVersions } from './18-api-versions.ts'
import { createTopics } from './19-create-topics.ts'
import { deleteTopics } from './20-delete-topics.ts'
import { deleteRecords } from './21-delete-records.ts'
import { initProducerId } from './22-init-producer-id.ts'
import { offsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { describeConfigs } from './32-describe-configs.ts'
import { alterReplicaLogDirs } from './34-alter-replica-log-dirs.ts'
import { describeLogDirs } from './35-describe-log-dirs.ts'
import { createPartitions } from './37-create-partitions.ts'
import { deleteGroups } from './42-delete-groups.ts'
import { incrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { offsetDelete } from './47-offset-delete.ts'
import { describeCluster } from './60-describe-cluster.ts'
import { serve, type ServedApi } from './context.ts'

export const apis: readonly ServedApi[] = [
  // Listed from 0 although 0 to 2 are gone, as Kafka does: librdkafka would send without compression else.
  serve(Produce, produce, { listedFrom: 0 }),
  serve(Fetch, fetch),
  serve(ListOffsets, listOffsets),
  serve(Metadata, metadata),
  serve(OffsetCommit, offsetCommit),
  serve(OffsetFetch, offsetFetch),
  serve(FindCoordinator, findCoordinator),
  serve(JoinGroup, joinGroup),
  serve(Heartbeat, heartbeat),
  serve(LeaveGroup, leaveGroup),
  serve(SyncGroup, syncGroup),
  serve(DescribeGroups, describeGroups),
  serve(ListGroups, listGroups),
  serve(ApiVersions, apiVersions),
  serve(CreateTopics, createTopics),
  serve(DeleteTopics, deleteTopics),
  serve(DeleteRecords, deleteRecords),
  // Version 6 is of transactions that Kafka has not released.
  serve(InitProducerId, initProducerId, { latest: 5 }),
  serve(OffsetForLeaderEpoch, offsetForLeaderEpoch),
  serve(DescribeConfigs, describeConfigs),
  serve(AlterReplicaLogDirs, alterReplicaLogDirs),
  serve(DescribeLogDirs, describeLogDirs),
  serve(CreatePartitions, createPartitions),
  serve(DeleteGroups, deleteGroups),
  serve(IncrementalAlterConfigs, incrementalAlterConfigs),
  serve(OffsetDelete, offsetDelete),
  serve(DescribeCluster, describeCluster)
]
