// DescribeCluster, v0–v2. Brokers or controllers, the controller and the cluster id.
//   v1  brokers or controllers      v2  fenced brokers
import {
  api, array, bool, errorCode, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeCluster = api('DescribeCluster', {
  key: 60,
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8().since(1).orElse(1),
    includeFencedBrokers: bool().since(2)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable().orElse(null),
    endpointType: int8().since(1).orElse(1),
    clusterId: string(),
    controllerId: int32().orElse(-1),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().orElse(null),
      isFenced: bool().since(2)
    }),
    clusterAuthorizedOperations: int32().orElse(-2147483648)
  }
})

export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>
export type DescribeClusterResponse = ResponseOf<typeof DescribeCluster>
