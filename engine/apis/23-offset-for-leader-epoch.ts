// OffsetForLeaderEpoch, v2–v4. Where an epoch ends: who read in it knows by that whether the histories agree.
//   v3  a follower names itself
import { errorCodes } from '../protocol/errors.ts'
import { type OffsetForLeaderEpoch, type OffsetForLeaderEpochRequest } from '../protocol/messages/23-offset-for-leader-epoch.ts'
import { refusalOf } from '../threads/refusal.ts'
import { type Handler, type RequestContext } from './context.ts'
import { leaderProblem } from './leader-problem.ts'

type AskedPartition = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]

export const offsetForLeaderEpoch: Handler<typeof OffsetForLeaderEpoch> = async (request, context) => {
  const topics = request.topics.map(async ({ topic, partitions }) => {
    return { topic, partitions: await Promise.all(partitions.map(asked => find(topic, asked, context))) }
  })
  return { throttleTimeMs: 0, topics: await Promise.all(topics) }
}

async function find (topic: string, asked: AskedPartition, context: RequestContext) {
  const { partition, currentLeaderEpoch, leaderEpoch } = asked
  const failed = (errorCode: number) => ({ errorCode, partition, leaderEpoch: -1, endOffset: -1 })
  if (!context.authorize('DESCRIBE', { topic })) return failed(errorCodes.TOPIC_AUTHORIZATION_FAILED)
  const hosted = context.partitions.find(topic, partition)
  const errorCode = leaderProblem(topic, partition, hosted, currentLeaderEpoch, false, context)
  if (errorCode !== errorCodes.NONE) return failed(errorCode)
  try {
    const found = await context.log.endOffsetForEpoch(hosted!.row, leaderEpoch)
    return { errorCode: errorCodes.NONE, partition, ...found }
  } catch (error) {
    return failed(refusalOf(error))
  }
}
