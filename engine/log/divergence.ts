// Where a follower's log parts from its leader's (KIP-101, KIP-279). The follower asks where its newest epoch
// ended; the leader names the largest epoch up to that one that it knows, and its end. Unknown to the
// follower, that epoch only tells how far down to cut before it asks again.
import { type EpochEndOffset, type Offset } from './types.ts'

/** What of a follower's log is asked. */
export interface History {
  readonly end: Offset
  endOffsetForEpoch (epoch: number): EpochEndOffset
}

export interface Cut {
  /** The log's new end; its end as it is when nothing has to go. */
  offset: Offset
  /** False: cut there and ask again, with what is the newest epoch then. */
  settled: boolean
}

/** `answer` is the leader's, about the follower's newest epoch. */
export function whereToCut (own: History, answer: EpochEndOffset, highWatermark: Offset): Cut {
  // The leader knows nothing that old or new: only what is committed is sure to be the same.
  if (answer.endOffset < 0) return { offset: Math.min(highWatermark, own.end), settled: true }
  const mine = own.endOffsetForEpoch(answer.leaderEpoch)
  if (mine.endOffset < 0) return { offset: Math.min(answer.endOffset, own.end), settled: true }
  const known = mine.leaderEpoch === answer.leaderEpoch
  const ends = known ? Math.min(mine.endOffset, answer.endOffset) : mine.endOffset
  return { offset: Math.min(ends, own.end), settled: known }
}
