// Which partitions a Fetch reads: those it names, or those of its session.
import { errorCodes } from '../../protocol/errors.ts'
import { type FetchRequest } from '../../protocol/messages/01-fetch.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { type RequestContext } from '../context.ts'
import { type FetchSession, finalEpoch, initialEpoch, type WantedPartition, wantedKey } from './sessions.ts'

export interface FetchPlan {
  /** NONE, or what is wrong with the session. */
  errorCode: number
  wanted: Iterable<WantedPartition>
  /** Continued by this request, whose answer tells only what is new. */
  session: FetchSession | null
  /** A full request whose answer may found a session: its partitions. */
  founds: Map<string, WantedPartition> | null
  /** session.epoch must still be this when the answer is made. */
  epoch: number
}

/** Topic ids came with version 13. */
const topicIdsSince = 13
/** Sessions came with version 7. */
const sessionsSince = 7

export function planFetch (request: FetchRequest, context: RequestContext): FetchPlan {
  const { sessionId, sessionEpoch } = request
  const { fetchSessions, version } = context
  const byTopicId = version >= topicIdsSince
  if (sessionEpoch === initialEpoch || sessionEpoch === finalEpoch || version < sessionsSince) {
    if (sessionId !== 0) fetchSessions.forget(sessionId)
    const wanted = new Map<string, WantedPartition>()
    merge(wanted, request, byTopicId, context)
    const founds = sessionEpoch === initialEpoch && version >= sessionsSince ? wanted : null
    return { errorCode: errorCodes.NONE, wanted: wanted.values(), session: null, founds, epoch: 0 }
  }
  const session = fetchSessions.resume(sessionId, sessionEpoch, byTopicId)
  if (typeof session === 'number') {
    return { errorCode: session, wanted: [], session: null, founds: null, epoch: 0 }
  }
  merge(session.wanted, request, byTopicId, context)
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    for (const partition of partitions) session.wanted.delete(wantedKey(topic, topicId, partition))
  }
  if (session.wanted.size === 0) {
    fetchSessions.forget(session.id)
    return { errorCode: errorCodes.NONE, wanted: [], session: null, founds: null, epoch: 0 }
  }
  const { wanted, epoch } = session
  return { errorCode: errorCodes.NONE, wanted: wanted.values(), session, founds: null, epoch }
}

function merge (
  wanted: Map<string, WantedPartition>, request: FetchRequest, byTopicId: boolean, context: RequestContext
): void {
  for (const { topic, topicId: namedId, partitions } of request.topics) {
    const topicId = byTopicId ? namedId : zeroUuid
    const name = byTopicId ? context.partitions.topicById(topicId)?.name ?? '' : topic
    for (const named of partitions) {
      const { partition, currentLeaderEpoch, fetchOffset, lastFetchedEpoch } = named
      const maxBytes = named.partitionMaxBytes
      const key = wantedKey(topic, topicId, partition)
      const known = wanted.get(key)
      if (known === undefined) {
        wanted.set(key, {
          key,
          topic: name,
          topicId,
          partition,
          currentLeaderEpoch,
          fetchOffset,
          lastFetchedEpoch,
          maxBytes,
          highWatermark: -1,
          logStartOffset: -1
        })
      } else {
        known.currentLeaderEpoch = currentLeaderEpoch
        known.fetchOffset = fetchOffset
        known.lastFetchedEpoch = lastFetchedEpoch
        known.maxBytes = maxBytes
      }
    }
  }
}
