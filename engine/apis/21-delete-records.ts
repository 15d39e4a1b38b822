// DeleteRecords, v0–v2. Moves the start of logs forward; -1 stands for the high watermark. Segments below
// go at once, and the new start is on the device before it is answered: what was deleted stays deleted.
//   v2  flexible
// A partition that is named twice is deleted up to what was said last, as Kafka does.
import { errorCodes } from '../protocol/errors.ts'
import {
  type DeleteRecords, type DeleteRecordsRequest, type DeleteRecordsResponse
} from '../protocol/messages/21-delete-records.ts'
import { logConfigOf } from '../config/topic-config.ts'
import { type HostedPartition } from '../replication/partitions.ts'
import { refusalOf } from '../threads/refusal.ts'
import { type Handler, type RequestContext } from './context.ts'
import { leaderProblem } from './leader-problem.ts'

type AskedPartition = DeleteRecordsRequest['topics'][number]['partitions'][number]
type PartitionAnswer = DeleteRecordsResponse['topics'][number]['partitions'][number]

const upToHighWatermark = -1

export const deleteRecords: Handler<typeof DeleteRecords> = async (request, context) => {
  const wanted = new Map<string, Map<number, AskedPartition>>()
  for (const { name, partitions } of request.topics) {
    const asked = wanted.get(name) ?? new Map<number, AskedPartition>()
    for (const partition of partitions) asked.set(partition.partitionIndex, partition)
    wanted.set(name, asked)
  }
  const topics = [...wanted].map(async ([name, asked]) => {
    const answers = [...asked.values()].map(partition => deleteFrom(name, partition, context))
    return { name, partitions: await Promise.all(answers) }
  })
  return { throttleTimeMs: 0, topics: await Promise.all(topics) }
}

async function deleteFrom (
  name: string, { partitionIndex, offset }: AskedPartition, context: RequestContext
): Promise<PartitionAnswer> {
  const failed = (errorCode: number) => ({ partitionIndex, lowWatermark: -1, errorCode })
  const { partitions, log } = context
  if (!context.authorize('DELETE', { topic: name })) return failed(errorCodes.TOPIC_AUTHORIZATION_FAILED)
  if (partitions.topic(name)?.internal) return failed(errorCodes.INVALID_TOPIC_EXCEPTION)
  const hosted = partitions.find(name, partitionIndex)
  const problem = leaderProblem(name, partitionIndex, hosted, -1, false, context) ||
    policyProblem(hosted!, context)
  if (problem !== errorCodes.NONE) return failed(problem)
  const { row } = hosted!
  const highWatermark = log.table.highWatermark(row)
  const before = offset === upToHighWatermark ? highWatermark : offset
  if (before < 0 || before > highWatermark) return failed(errorCodes.OFFSET_OUT_OF_RANGE)
  try {
    const lowWatermark = await log.deleteRecords(row, before)
    return { partitionIndex, lowWatermark, errorCode: errorCodes.NONE }
  } catch (error) {
    return failed(refusalOf(error))
  }
}

/** A topic that is only compacted keeps the newest value of each key, however old. */
function policyProblem ({ topicId }: HostedPartition, { catalog, config }: RequestContext): number {
  const topic = catalog.topicById(topicId)
  if (topic === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const { compacts, deletes } = logConfigOf(config, topic.config)
  return compacts && !deletes ? errorCodes.POLICY_VIOLATION : errorCodes.NONE
}
