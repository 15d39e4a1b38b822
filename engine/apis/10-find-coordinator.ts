// FindCoordinator, v0–v6. The broker that keeps a group's state. Names a broker only once it can be asked:
// some clients do not retry. Success carries the text NONE, as clients have always been told.
//   v1  kinds of keys, error text      v4  several keys      v6  share groups as a kind
import { errorCodes, errorText } from '../protocol/errors.ts'
import { type FindCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import { type Handler, type RequestContext } from './context.ts'

const groupKey = 0
/** Kinds that are to come: what they are for. */
const laterKeys: Record<number, string> = { 1: 'transactions', 2: 'share groups' }

export const findCoordinator: Handler<typeof FindCoordinator> = async (request, context) => {
  if (context.version >= 4) {
    const { coordinatorKeys, keyType } = request
    const coordinators = await Promise.all(coordinatorKeys.map(key => find(key, keyType, context)))
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, nodeId: 0, host: '', port: 0, coordinators }
  }
  const { key, ...found } = await find(request.key, request.keyType, context)
  return { throttleTimeMs: 0, ...found, coordinators: [] }
}

async function find (key: string, kind: number, context: RequestContext) {
  if (kind !== groupKey) return nowhere(key, errorCodes.INVALID_REQUEST, refusal(kind, context))
  if (!context.authorize('DESCRIBE', { group: key })) {
    return nowhere(key, errorCodes.GROUP_AUTHORIZATION_FAILED)
  }
  const { errorCode, brokerId } = await context.groups.coordinatorOf(key)
  if (errorCode !== errorCodes.NONE) return nowhere(key, errorCode)
  const broker = context.catalog.brokers().find(({ id }) => id === brokerId)
  const endpoint = broker?.endpoints.find(({ listener }) => listener === context.listener)
  if (endpoint === undefined) return nowhere(key, errorCodes.COORDINATOR_NOT_AVAILABLE)
  const { host, port } = endpoint
  return { key, nodeId: brokerId, host, port, errorCode, errorMessage: 'NONE' as string | null }
}

function refusal (kind: number, { logger, clientId }: RequestContext): string {
  const what = laterKeys[kind]
  if (what === undefined) return `There is no kind of coordinator ${kind}`
  logger.warn({ clientId }, `a client asks for the coordinator of ${what}, which are not there yet`)
  return `This broker does not have ${what} yet`
}

function nowhere (key: string, errorCode: number, errorMessage: string | null = errorText(errorCode)) {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
