// OffsetDelete, v0. Forgets committed offsets of partitions that the group does not read at the moment.
import { errorCodes } from '../protocol/errors.ts'
import { type OffsetDelete, type OffsetDeleteRequest } from '../protocol/messages/47-offset-delete.ts'
import { type Handler, type RequestContext } from './context.ts'

type AskedPartition = OffsetDeleteRequest['topics'][number]['partitions'][number]

export const offsetDelete: Handler<typeof OffsetDelete> = async (request, context) => {
  const whole = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, topics: [] })
  const { groups, authorize } = context
  if (!authorize('DELETE', { group: request.groupId })) return whole(errorCodes.GROUP_AUTHORIZATION_FAILED)
  const errors = new Map<AskedPartition, number>()
  const asked: AskedPartition[] = []
  const partitions: { topic: string, partition: number }[] = []
  for (const { name, partitions: wanted } of request.topics) {
    for (const partition of wanted) {
      const code = partitionError(name, partition.partitionIndex, context)
      errors.set(partition, code)
      if (code !== errorCodes.NONE) continue
      asked.push(partition)
      partitions.push({ topic: name, partition: partition.partitionIndex })
    }
  }
  // Asked even for nothing: an unknown group is an error of the whole.
  const { errorCode, partitionErrors } = await groups.deleteOffsets({ group: request.groupId, partitions })
  if (errorCode !== errorCodes.NONE) return whole(errorCode)
  asked.forEach((partition, index) => errors.set(partition, partitionErrors[index]))
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    topics: request.topics.map(({ name, partitions: wanted }) => ({
      name,
      partitions: wanted.map(partition => ({
        partitionIndex: partition.partitionIndex, errorCode: errors.get(partition) ?? errorCodes.NONE
      }))
    }))
  }
}

function partitionError (topic: string, partition: number, { authorize, catalog }: RequestContext): number {
  if (!authorize('READ', { topic })) return errorCodes.TOPIC_AUTHORIZATION_FAILED
  return catalog.topic(topic)?.partitions[partition] === undefined
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.NONE
}
