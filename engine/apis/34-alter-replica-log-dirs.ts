// AlterReplicaLogDirs, v1–v2. Moves partitions to another log directory of this broker, in the background.
//   v2  flexible
// A partition that is named for two directories goes to the last one. What is not here yet will be made in
// the directory that was asked for, and the answer says that it is not here.
import { errorCodes } from '../protocol/errors.ts'
import {
  type AlterReplicaLogDirs, type AlterReplicaLogDirsResponse
} from '../protocol/messages/34-alter-replica-log-dirs.ts'
import { type Handler, type RequestContext } from './context.ts'

type TopicAnswer = AlterReplicaLogDirsResponse['results'][number]

interface Wish { topic: string, partition: number, path: string }

export const alterReplicaLogDirs: Handler<typeof AlterReplicaLogDirs> = async (request, context) => {
  const wishes = new Map<string, Wish>()
  for (const { path, topics } of request.dirs) {
    for (const { name: topic, partitions } of topics) {
      for (const partition of partitions) wishes.set(`${topic}-${partition}`, { topic, partition, path })
    }
  }
  const allowed = context.authorize('ALTER', { cluster: true })
  const results = new Map<string, TopicAnswer>()
  for (const wish of wishes.values()) {
    const { topic, partition } = wish
    const errorCode = allowed ? await move(wish, context) : errorCodes.CLUSTER_AUTHORIZATION_FAILED
    const answer = results.get(topic) ?? { topicName: topic, partitions: [] }
    answer.partitions.push({ partitionIndex: partition, errorCode })
    results.set(topic, answer)
  }
  return { throttleTimeMs: 0, results: [...results.values()] }
}

/** First the directory is looked at, then the partition, as Kafka does. */
async function move ({ topic, partition, path }: Wish, { log, partitions }: RequestContext): Promise<number> {
  const hosted = partitions.find(topic, partition)
  const errorCode = await log.moveTo(topic, partition, hosted?.row ?? -1, path)
  if (errorCode !== errorCodes.NONE) return errorCode
  if (hosted === undefined) {
    return partitions.topic(topic)?.partitions[partition] === undefined
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : errorCodes.REPLICA_NOT_AVAILABLE
  }
  if (hosted.errorCode === errorCodes.KAFKA_STORAGE_ERROR) return hosted.errorCode
  return hosted.row < 0 ? errorCodes.REPLICA_NOT_AVAILABLE : errorCodes.NONE
}
