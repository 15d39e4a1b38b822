// What keeps this broker from answering for a partition as its leader.
import { errorCodes } from '../protocol/errors.ts'
import { type HostedPartition } from '../replication/partitions.ts'
import { type RequestContext } from './context.ts'

/** `epoch` is the leader epoch that the client knows, -1 when it says nothing. */
export function leaderProblem (
  topic: string, index: number, hosted: HostedPartition | undefined, epoch: number, anyReplica: boolean,
  { partitions }: RequestContext
): number {
  if (hosted === undefined) {
    return partitions.topic(topic)?.partitions[index] === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : errorCodes.NOT_LEADER_OR_FOLLOWER
  }
  if (hosted.errorCode !== errorCodes.NONE) return hosted.errorCode
  if (!hosted.leader && !anyReplica) return errorCodes.NOT_LEADER_OR_FOLLOWER
  if (epoch === -1 || epoch === hosted.leaderEpoch) return errorCodes.NONE
  return epoch < hosted.leaderEpoch ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
}
