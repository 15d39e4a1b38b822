// Records of __remote_log_metadata: which segments lie in remote storage, and what is to happen to them.
import { type AnyFramedRecord, framedRecord } from './framed-record.ts'
import { array, bool, bytes, int32, int64, int8, string, struct, uuid } from '../schema.ts'

const topicIdPartition = {
  name: string(),
  id: uuid(),
  partition: int32()
}

const remoteLogSegmentId = {
  topicIdPartition: struct(topicIdPartition),
  id: uuid()
}

const segmentLeaderEpoch = {
  leaderEpoch: int32(),
  offset: int64()
}

export const RemoteLogSegmentMetadataRecord = framedRecord('RemoteLogSegmentMetadataRecord', {
  type: 0,
  versions: [0, 0],
  fields: {
    remoteLogSegmentId: struct(remoteLogSegmentId),
    startOffset: int64(),
    endOffset: int64(),
    brokerId: int32(),
    maxTimestampMs: int64(),
    eventTimestampMs: int64(),
    segmentLeaderEpochs: array(segmentLeaderEpoch),
    segmentSizeInBytes: int32(),
    customMetadata: bytes().nullable().orElse(null),
    remoteLogSegmentState: int8(),
    txnIndexEmpty: bool().tag(0)
  }
})

export const RemoteLogSegmentMetadataUpdateRecord = framedRecord('RemoteLogSegmentMetadataUpdateRecord', {
  type: 1,
  versions: [0, 0],
  fields: {
    remoteLogSegmentId: struct(remoteLogSegmentId),
    brokerId: int32(),
    eventTimestampMs: int64(),
    customMetadata: bytes().nullable().orElse(null),
    remoteLogSegmentState: int8()
  }
})

export const RemotePartitionDeleteMetadataRecord = framedRecord('RemotePartitionDeleteMetadataRecord', {
  type: 2,
  versions: [0, 0],
  fields: {
    topicIdPartition: struct(topicIdPartition),
    brokerId: int32(),
    eventTimestampMs: int64(),
    remotePartitionDeleteState: int8()
  }
})

export const RemoteLogSegmentMetadataSnapshotRecord = framedRecord('RemoteLogSegmentMetadataSnapshotRecord', {
  type: 3,
  versions: [0, 0],
  fields: {
    segmentId: uuid(),
    startOffset: int64(),
    endOffset: int64(),
    brokerId: int32(),
    maxTimestampMs: int64(),
    eventTimestampMs: int64(),
    segmentLeaderEpochs: array(segmentLeaderEpoch),
    segmentSizeInBytes: int32(),
    customMetadata: bytes().nullable().orElse(null),
    remoteLogSegmentState: int8(),
    txnIndexEmpty: bool().tag(0)
  }
})

export const remoteLogMetadataRecords: readonly AnyFramedRecord[] = [
  RemoteLogSegmentMetadataRecord, RemoteLogSegmentMetadataUpdateRecord, RemotePartitionDeleteMetadataRecord,
  RemoteLogSegmentMetadataSnapshotRecord
]
