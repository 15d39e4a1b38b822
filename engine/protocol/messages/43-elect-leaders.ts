// ElectLeaders, v0–v2. Makes the preferred replica leader again, or any replica if it must be.
//   v1  unclean elections; an error for the whole answer      v2  flexible
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const ElectLeaders = api('ElectLeaders', {
  key: 43,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    electionType: int8().since(1),
    topicPartitions: array({
      topic: string(),
      partitions: array(int32())
    }).nullable(),
    timeoutMs: int32().orElse(60000)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode().since(1),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: errorCode(),
        errorMessage: string().nullable()
      })
    })
  }
})

export type ElectLeadersRequest = RequestOf<typeof ElectLeaders>
export type ElectLeadersResponse = ResponseOf<typeof ElectLeaders>
