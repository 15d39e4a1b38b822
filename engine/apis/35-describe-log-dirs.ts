// DescribeLogDirs, v1–v5. The log directories with the partitions in them, their sizes, and those that are
// on their way to another directory.
//   v2  flexible      v3  an error for the whole answer      v4  size and free space of the volume
//   v5  whether a directory takes no more partitions
import { type Logger } from '../base/logger.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type DescribeLogDirs, type DescribeLogDirsRequest, type DescribeLogDirsResponse
} from '../protocol/messages/35-describe-log-dirs.ts'
import { type DirectoryView, type LogClient } from '../threads/log-client.ts'
import { type Handler } from './context.ts'

type DirectoryAnswer = DescribeLogDirsResponse['results'][number]
type TopicAnswer = DirectoryAnswer['topics'][number]
type Asked = (topic: string, partition: number) => boolean

const spaceUnknown = -1

export const describeLogDirs: Handler<typeof DescribeLogDirs> = async (request, context) => {
  const { log, logger } = context
  if (!context.authorize('DESCRIBE', { cluster: true })) {
    return { throttleTimeMs: 0, errorCode: errorCodes.CLUSTER_AUTHORIZATION_FAILED, results: [] }
  }
  const asked = filterOf(request)
  const answers = log.directories().map(directory => describe(directory, asked, log, logger))
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, results: await Promise.all(answers) }
}

/** No list means all. */
function filterOf ({ topics }: DescribeLogDirsRequest): Asked {
  if (topics === null) return () => true
  const wanted = new Map<string, Set<number>>()
  for (const { topic, partitions } of topics) {
    const known = wanted.get(topic) ?? new Set<number>()
    for (const partition of partitions) known.add(partition)
    wanted.set(topic, known)
  }
  return (topic, partition) => wanted.get(topic)?.has(partition) === true
}

async function describe (
  { path, failure, cordoned, logs }: DirectoryView, asked: Asked, log: LogClient, logger: Logger
): Promise<DirectoryAnswer> {
  const answer: DirectoryAnswer = {
    errorCode: errorCodes.KAFKA_STORAGE_ERROR,
    logDir: path,
    topics: [],
    totalBytes: spaceUnknown,
    usableBytes: spaceUnknown,
    isCordoned: cordoned
  }
  if (failure !== null) return answer
  const topics = new Map<string, TopicAnswer>()
  for (const { topic, partition, sizeBytes, offsetLag, future } of logs) {
    if (!asked(topic, partition)) continue
    const found = topics.get(topic) ?? { name: topic, partitions: [] }
    found.partitions.push({
      partitionIndex: partition, partitionSize: sizeBytes, offsetLag, isFutureKey: future
    })
    topics.set(topic, found)
  }
  answer.topics = [...topics.values()]
  try {
    const space = await log.directorySpace(path)
    answer.totalBytes = space?.totalBytes ?? spaceUnknown
    answer.usableBytes = space?.usableBytes ?? spaceUnknown
    answer.errorCode = errorCodes.NONE
  } catch (error) {
    logger.warn({ directory: path, reason: (error as Error).message }, 'a log directory does not tell its size')
    answer.topics = []
  }
  return answer
}
