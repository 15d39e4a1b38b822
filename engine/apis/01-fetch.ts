// Fetch, v4–v18. Reads record batches: waits for enough of them, tells what has changed where there is a
// session. The records of an answer are pieces: they go from the arena or the files to the socket as they
// lie there.
//   v7  sessions      v9  leader epochs are fenced      v12 a client whose history diverged is told where
//   v13 topics by id  v15 a follower names itself in a struct      v16 the new leader in the answer
import { errorCodes } from '../protocol/errors.ts'
import { type Fetch, type FetchRequest, type FetchResponse } from '../protocol/messages/01-fetch.ts'
import { releasePieces } from '../threads/pieces.ts'
import { type Handler, noAnswer, type RequestContext } from './context.ts'
import { type FetchPlan, planFetch } from './fetch/plan.ts'
import { type FetchSession, mustTell } from './fetch/sessions.ts'
import { type FetchLimits, FetchWork, type ReadPartition } from './fetch/work.ts'

const readCommitted = 1
const movedCodes: readonly number[] = [errorCodes.NOT_LEADER_OR_FOLLOWER, errorCodes.FENCED_LEADER_EPOCH]
/** From this version on an answer names the leader to those who asked the wrong broker. */
const leaderSince = 16

const noRecords = Buffer.alloc(0)
const noEpoch = { epoch: -1, endOffset: -1 }
const noLeader = { leaderId: -1, leaderEpoch: -1 }
const noSnapshot = { endOffset: -1, epoch: -1 }

export const fetch: Handler<typeof Fetch> = (request, context) => {
  const plan = planFetch(request, context)
  if (plan.errorCode !== errorCodes.NONE) return answer(plan.errorCode, 0, [])
  const parts = new FetchWork(context, limitsOf(request, context), plan.wanted).run()
  if (!(parts instanceof Promise)) return respond(parts, plan, context)
  return parts.then(read => read === null ? noAnswer : respond(read, plan, context))
}

function limitsOf (request: FetchRequest, context: RequestContext): FetchLimits {
  const bytesMax = context.config.number('fetch.max.bytes')
  const replicaId = context.version >= 15 ? request.replicaState.replicaId : request.replicaId
  return {
    limit: request.isolationLevel === readCommitted ? 'last-stable' : 'high-watermark',
    maxWaitMs: request.maxWaitMs,
    minBytes: Math.min(request.minBytes, bytesMax),
    maxBytes: Math.min(request.maxBytes, bytesMax),
    follower: replicaId >= 0
  }
}

function respond (parts: readonly ReadPartition[], plan: FetchPlan, context: RequestContext): FetchResponse {
  const { session, founds } = plan
  if (session !== null) return respondToSession(parts, session, plan.epoch, context)
  let sessionId = 0
  if (founds !== null) {
    const founded = context.fetchSessions.found(context.version >= 13, founds)
    sessionId = founded?.id ?? 0
    if (founded !== null) for (const part of parts) mustTell(founded, part.wanted, toldOf(part))
  }
  return answer(errorCodes.NONE, sessionId, topicsOf(parts, context))
}

function respondToSession (
  parts: readonly ReadPartition[], session: FetchSession, epoch: number, context: RequestContext
): FetchResponse {
  // The session was used again while this request waited: its client is confused and must start over.
  if (session.epoch !== epoch) {
    for (const { records } of parts) if (records !== null) releasePieces(records.pieces)
    return answer(errorCodes.INVALID_FETCH_SESSION_EPOCH, 0, [])
  }
  const told = parts.filter(part => mustTell(session, part.wanted, toldOf(part)))
  return answer(errorCodes.NONE, session.id, topicsOf(told, context))
}

function toldOf (part: ReadPartition) {
  return {
    errorCode: part.errorCode,
    highWatermark: part.highWatermark,
    logStartOffset: part.logStartOffset,
    recordBytes: part.records?.bytes ?? 0,
    diverging: part.divergingEpoch !== null
  }
}

function topicsOf (parts: readonly ReadPartition[], context: RequestContext): FetchResponse['responses'] {
  const topics: FetchResponse['responses'] = []
  let last = null
  for (const part of parts) {
    const { topic, topicId } = part.wanted
    if (last === null || last.topicId !== topicId || last.topic !== topic) {
      last = { topic, topicId, partitions: [] as FetchResponse['responses'][number]['partitions'] }
      topics.push(last)
    }
    last.partitions.push(partitionOf(part, context))
  }
  return topics
}

function partitionOf (part: ReadPartition, context: RequestContext) {
  return {
    partitionIndex: part.wanted.partition,
    errorCode: part.errorCode,
    highWatermark: part.highWatermark,
    lastStableOffset: part.lastStableOffset,
    logStartOffset: part.logStartOffset,
    divergingEpoch: part.divergingEpoch ?? noEpoch,
    currentLeader: leaderOf(part, context),
    snapshotId: noSnapshot,
    abortedTransactions: part.aborted,
    preferredReadReplica: -1,
    records: part.records ?? noRecords
  }
}

function leaderOf (part: ReadPartition, context: RequestContext): { leaderId: number, leaderEpoch: number } {
  if (!movedCodes.includes(part.errorCode) || context.version < leaderSince) return noLeader
  const topic = context.partitions.topicById(part.wanted.topicId)
  const partition = topic?.partitions[part.wanted.partition]
  if (partition === undefined) return noLeader
  return { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch }
}

function answer (errorCode: number, sessionId: number, responses: FetchResponse['responses']): FetchResponse {
  return { throttleTimeMs: 0, errorCode, sessionId, responses, nodeEndpoints: [] }
}
