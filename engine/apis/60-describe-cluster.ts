// DescribeCluster, v0–v2. Brokers, controller and cluster id; Metadata without topics.
//   v1  asks for brokers or controllers      v2  fenced brokers too
// Asked for controllers, a broker says that it is none: they have an endpoint type of their own.
import { errorCodes } from '../protocol/errors.ts'
import {
  type DescribeCluster, type DescribeClusterResponse
} from '../protocol/messages/60-describe-cluster.ts'
import { advertisedBrokers, operationsNotAsked, permittedOnCluster } from './cluster-view.ts'
import { type Handler } from './context.ts'

const endpointTypes = { broker: 1, controller: 2 }

export const describeCluster: Handler<typeof DescribeCluster> = (request, context) => {
  if (request.endpointType === endpointTypes.controller) {
    return refuse(errorCodes.MISMATCHED_ENDPOINT_TYPE, 'The request was sent to an endpoint of type BROKER, but we wanted CONTROLLER')
  }
  if (request.endpointType !== endpointTypes.broker) {
    return refuse(errorCodes.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${request.endpointType}`)
  }
  const { catalog, listener } = context
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    endpointType: endpointTypes.broker,
    clusterId: catalog.clusterId,
    controllerId: catalog.controllerId,
    brokers: advertisedBrokers(catalog, listener)
      .map(({ id, host, port, rack }) => ({ brokerId: id, host, port, rack, isFenced: false })),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? permittedOnCluster(context)
      : operationsNotAsked
  }
}

function refuse (errorCode: number, errorMessage: string): DescribeClusterResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    endpointType: endpointTypes.broker,
    clusterId: '',
    controllerId: -1,
    brokers: [],
    clusterAuthorizedOperations: operationsNotAsked
  }
}
