// Deletes records of partitions up to an offset, each at its leader.
import { errorCodes, errorRetriable } from '../protocol/errors.ts'
import { DeleteRecords } from '../protocol/messages/21-delete-records.ts'
import { make } from '../protocol/schema.ts'
import { BrokerError, CallTimeout, type Cluster } from './cluster.ts'

export interface RecordsToDelete {
  readonly topic: string
  readonly partition: number
  /** All below it; -1: up to the high watermark. */
  readonly offset: number
}

export interface DeletedRecords extends RecordsToDelete {
  /** Where the partition begins now. */
  readonly lowWatermark: number
  /** null: done. */
  readonly error: BrokerError | CallTimeout | null
}

/** Each partition for itself: one that fails keeps no other from being done. */
export function deleteRecords (
  cluster: Cluster, wanted: readonly RecordsToDelete[]
): Promise<DeletedRecords[]> {
  return Promise.all(wanted.map(async (one) => {
    try {
      return { ...one, lowWatermark: await deleteOne(cluster, one), error: null }
    } catch (error) {
      if (error instanceof BrokerError && error.retriable) {
        return { ...one, lowWatermark: -1, error: new CallTimeout(error.message, { cause: error }) }
      }
      if (!(error instanceof BrokerError) && !(error instanceof CallTimeout)) throw error
      return { ...one, lowWatermark: -1, error }
    }
  }))
}

function deleteOne (cluster: Cluster, { topic, partition, offset }: RecordsToDelete): Promise<number> {
  return cluster.retrying(async () => {
    const leader = await cluster.leader(topic, partition).catch((error: unknown) => {
      cluster.forgetTopic(topic)
      throw error
    })
    const answer = await leader.request(DeleteRecords, null, make(DeleteRecords.request, {
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: cluster.requestTimeoutMs
    }))
    const { errorCode, lowWatermark } = answer.topics[0].partitions[0]
    if (errorCode === errorCodes.NONE) return lowWatermark
    if (errorRetriable(errorCode)) cluster.forgetTopic(topic)
    throw new BrokerError(errorCode)
  })
}
