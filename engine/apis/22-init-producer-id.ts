// InitProducerId, v0–v5 (the schema's v6 is not offered, as by Kafka). Gives an idempotent producer its id.
//   v3  a producer may bring the id and epoch it has: without a transactional id it gets new ones even so
// Transactions are not there yet: a transactional id is refused in a way that no client retries.
import { errorCodes } from '../protocol/errors.ts'
import { type InitProducerId, type InitProducerIdResponse } from '../protocol/messages/22-init-producer-id.ts'
import { type Handler } from './context.ts'

export const initProducerId: Handler<typeof InitProducerId> = async (request, context) => {
  const { transactionalId, producerId, producerEpoch } = request
  if (transactionalId !== null) {
    if (!context.authorize('WRITE', { transactionalId })) return refuse(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    context.logger.info(`Refused transactional id '${transactionalId}' of ${context.clientAddress}: there are no transactions yet`)
    return refuse(errorCodes.INVALID_REQUEST)
  }
  if (!context.authorize('IDEMPOTENT_WRITE', { cluster: true })) {
    return refuse(errorCodes.CLUSTER_AUTHORIZATION_FAILED)
  }
  if ((producerId === -1) !== (producerEpoch === -1)) return refuse(errorCodes.INVALID_REQUEST)
  return { ...refuse(errorCodes.NONE), ...await context.producerIds.next() }
}

function refuse (errorCode: number): InitProducerIdResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    producerId: -1,
    producerEpoch: -1,
    ongoingTxnProducerId: -1,
    ongoingTxnProducerEpoch: -1
  }
}
