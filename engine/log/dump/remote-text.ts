// Records of the topic of remote storage, in the words in which Kafka writes such objects.
import { type Framed, type FramedValueOf } from '../../protocol/records/framed-record.ts'
import {
  RemoteLogSegmentMetadataRecord, RemoteLogSegmentMetadataSnapshotRecord,
  RemoteLogSegmentMetadataUpdateRecord, RemotePartitionDeleteMetadataRecord
} from '../../protocol/records/remote-log-metadata.ts'
import { kafkaUuid } from '../../protocol/uuid.ts'

const segmentStates = [
  'COPY_SEGMENT_STARTED', 'COPY_SEGMENT_FINISHED', 'DELETE_SEGMENT_STARTED', 'DELETE_SEGMENT_FINISHED'
]
const deleteStates = ['DELETE_PARTITION_MARKED', 'DELETE_PARTITION_STARTED', 'DELETE_PARTITION_FINISHED']

type Segment = FramedValueOf<typeof RemoteLogSegmentMetadataRecord>
type SegmentUpdate = FramedValueOf<typeof RemoteLogSegmentMetadataUpdateRecord>
type SegmentSnapshot = FramedValueOf<typeof RemoteLogSegmentMetadataSnapshotRecord>
type PartitionDelete = FramedValueOf<typeof RemotePartitionDeleteMetadataRecord>

export function remoteText ({ record, value }: Framed): string {
  switch (record.type) {
    case RemoteLogSegmentMetadataRecord.type: return segmentText(value as unknown as Segment)
    case RemoteLogSegmentMetadataUpdateRecord.type: return updateText(value as unknown as SegmentUpdate)
    case RemotePartitionDeleteMetadataRecord.type: return deleteText(value as unknown as PartitionDelete)
    default: return snapshotText(value as unknown as SegmentSnapshot)
  }
}

function segmentText (segment: Segment): string {
  const { startOffset, endOffset, brokerId, maxTimestampMs, eventTimestampMs } = segment
  return `RemoteLogSegmentMetadata{remoteLogSegmentId=${segmentIdText(segment.remoteLogSegmentId)}, ` +
    `startOffset=${startOffset}, endOffset=${endOffset}, brokerId=${brokerId}, ` +
    `maxTimestampMs=${maxTimestampMs}, eventTimestampMs=${eventTimestampMs}, ${contentText(segment)}}`
}

function updateText (update: SegmentUpdate): string {
  return `RemoteLogSegmentMetadataUpdate{remoteLogSegmentId=${segmentIdText(update.remoteLogSegmentId)}, ` +
    `customMetadata=${customText(update.customMetadata)}, ` +
    `state=${stateText(segmentStates, update.remoteLogSegmentState)}, ` +
    `eventTimestampMs=${update.eventTimestampMs}, brokerId=${update.brokerId}}`
}

function deleteText (change: PartitionDelete): string {
  return `RemotePartitionDeleteMetadata{topicPartition=${partitionText(change.topicIdPartition)}, ` +
    `state=${stateText(deleteStates, change.remotePartitionDeleteState)}, ` +
    `eventTimestampMs=${change.eventTimestampMs}, brokerId=${change.brokerId}}`
}

function snapshotText (segment: SegmentSnapshot): string {
  return `RemoteLogSegmentMetadataSnapshot{segmentId=${kafkaUuid(segment.segmentId)}, ` +
    `startOffset=${segment.startOffset}, endOffset=${segment.endOffset}, ` +
    `maxTimestampMs=${segment.maxTimestampMs}, ${contentText(segment)}}`
}

function contentText (segment: Segment | SegmentSnapshot): string {
  const epochs = [...segment.segmentLeaderEpochs].sort((a, b) => a.leaderEpoch - b.leaderEpoch)
    .map(({ leaderEpoch, offset }) => `${leaderEpoch}=${offset}`)
  return `segmentLeaderEpochs={${epochs.join(', ')}}, segmentSizeInBytes=${segment.segmentSizeInBytes}, ` +
    `customMetadata=${customText(segment.customMetadata)}, ` +
    `state=${stateText(segmentStates, segment.remoteLogSegmentState)}, txnIdxEmpty=${segment.txnIndexEmpty}`
}

function segmentIdText (id: Segment['remoteLogSegmentId']): string {
  return `RemoteLogSegmentId{topicIdPartition=${partitionText(id.topicIdPartition)}, id=${kafkaUuid(id.id)}}`
}

function partitionText ({ id, name, partition }: PartitionDelete['topicIdPartition']): string {
  return `${kafkaUuid(id)}:${name}-${partition}`
}

function customText (bytes: Buffer | null): string {
  return bytes === null ? 'Optional.empty' : `Optional[CustomMetadata{${bytes.length} bytes}]`
}

function stateText (names: readonly string[], state: number): string {
  return names[state] ?? `unknown(${state})`
}
