// ListOffsets, v1–v11. Start and end from the partition table; a time by the time index, then the one batch
// it falls into.
//   v2  isolation level    v4  leader epochs    v7  -3, the newest record    v8  -4    v9  -5    v11 -6
import { errorCodes } from '../protocol/errors.ts'
import { type ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from '../protocol/messages/02-list-offsets.ts'
import { type HostedPartition } from '../replication/partitions.ts'
import { type ReadLimit } from '../threads/log-client.ts'
import { refusalOf } from '../threads/refusal.ts'
import { type Handler, type RequestContext } from './context.ts'
import { leaderProblem } from './leader-problem.ts'

type AskedPartition = ListOffsetsRequest['topics'][number]['partitions'][number]
type PartitionAnswer = ListOffsetsResponse['topics'][number]['partitions'][number]

/** Timestamps that stand for a place. */
const latest = -1
const earliest = -2
const newestRecord = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6

/** Since which version each of them may be asked for. */
const specialSince: Readonly<Record<number, number>> = {
  [latest]: 0,
  [earliest]: 0,
  [newestRecord]: 7,
  [earliestLocal]: 8,
  [latestTiered]: 9,
  [earliestPendingUpload]: 11
}

const readCommitted = 1
const consumerId = -1
const debuggerId = -2

export const listOffsets: Handler<typeof ListOffsets> = async (request, context) => {
  const topics = await Promise.all(request.topics.map(async ({ name, partitions }) => {
    const twice = twins(partitions)
    const asked = [...new Map(partitions.map(partition => [partition.partitionIndex, partition])).values()]
    const answers = asked.map(async partition => {
      if (twice.has(partition.partitionIndex)) return failed(partition, errorCodes.INVALID_REQUEST)
      return await find(name, partition, request, context)
    })
    return { name, partitions: await Promise.all(answers) }
  }))
  return { throttleTimeMs: 0, topics }
}

function twins (partitions: readonly AskedPartition[]): Set<number> {
  const seen = new Set<number>()
  const twice = new Set<number>()
  for (const { partitionIndex } of partitions) (seen.has(partitionIndex) ? twice : seen).add(partitionIndex)
  return twice
}

async function find (
  topic: string, asked: AskedPartition, request: ListOffsetsRequest, context: RequestContext
): Promise<PartitionAnswer> {
  const { timestamp } = asked
  if (!context.authorize('DESCRIBE', { topic })) return failed(asked, errorCodes.TOPIC_AUTHORIZATION_FAILED)
  if (timestamp < 0 && !(context.version >= (specialSince[timestamp] ?? Infinity))) {
    return failed(asked, errorCodes.UNSUPPORTED_VERSION)
  }
  const hosted = context.partitions.find(topic, asked.partitionIndex)
  const anyReplica = request.replicaId === debuggerId
  const { partitionIndex, currentLeaderEpoch } = asked
  const errorCode = leaderProblem(topic, partitionIndex, hosted, currentLeaderEpoch, anyReplica, context)
  if (errorCode !== errorCodes.NONE) return failed(asked, errorCode)
  try {
    return await findIn(hosted!, asked, limitOf(request), context)
  } catch (error) {
    return failed(asked, refusalOf(error))
  }
}

/** Consumers see what is confirmed, brokers and tools for debugging all there is. */
function limitOf ({ replicaId, isolationLevel }: ListOffsetsRequest): ReadLimit {
  if (replicaId !== consumerId) return 'end'
  return isolationLevel === readCommitted ? 'last-stable' : 'high-watermark'
}

async function findIn (
  hosted: HostedPartition, asked: AskedPartition, limit: ReadLimit, { log }: RequestContext
): Promise<PartitionAnswer> {
  const { row } = hosted
  switch (asked.timestamp) {
    case latest: return found(asked, endOf(hosted, limit, log.table), -1, hosted.leaderEpoch)
    // Nothing is tiered: what is local is all there is.
    case earliest:
    case earliestLocal: {
      const start = log.table.logStart(row)
      return found(asked, start, -1, await epochOf(hosted, start, log))
    }
    case latestTiered:
    case earliestPendingUpload: return found(asked, -1, -1, -1)
    case newestRecord: {
      const { offset, timestampMs, leaderEpoch } = await log.offsetOfMaxTimestamp(row)
      // Of all records, as Kafka: where that one may not be seen yet, an older one is no answer.
      if (offset >= endOf(hosted, limit, log.table)) return found(asked, -1, -1, -1)
      return found(asked, offset, timestampMs, leaderEpoch)
    }
    default: {
      const { offset, timestampMs, leaderEpoch } = await log.offsetForTime(row, asked.timestamp, limit)
      return found(asked, offset, timestampMs, leaderEpoch)
    }
  }
}

function endOf ({ row }: HostedPartition, limit: ReadLimit, table: RequestContext['log']['table']): number {
  if (limit === 'end') return table.end(row)
  return limit === 'last-stable' ? table.lastStable(row) : table.highWatermark(row)
}

/**
 * An empty log has no record to ask for: its start belongs to the epoch in which the next one will be
 * written.
 */
async function epochOf (hosted: HostedPartition, offset: number, log: RequestContext['log']): Promise<number> {
  if (offset === log.table.end(hosted.row)) return hosted.leaderEpoch
  return await log.epochAt(hosted.row, offset)
}

function found (
  asked: AskedPartition, offset: number, timestamp: number, leaderEpoch: number
): PartitionAnswer {
  return { partitionIndex: asked.partitionIndex, errorCode: errorCodes.NONE, timestamp, offset, leaderEpoch }
}

function failed (asked: AskedPartition, errorCode: number): PartitionAnswer {
  return { partitionIndex: asked.partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}
