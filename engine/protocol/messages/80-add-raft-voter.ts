// AddRaftVoter, v0–v1. Adds a voter to the metadata quorum.
//   v1  answers before the commit if asked to
import {
  api, array, bool, errorCode, int32, string, type RequestOf, type ResponseOf, uint16, uuid
} from '../schema.ts'

export const AddRaftVoter = api('AddRaftVoter', {
  key: 80,
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    clusterId: string().nullable(),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16()
    }),
    ackWhenCommitted: bool().since(1).orElse(true)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable()
  }
})

export type AddRaftVoterRequest = RequestOf<typeof AddRaftVoter>
export type AddRaftVoterResponse = ResponseOf<typeof AddRaftVoter>
