// RemoveRaftVoter, v0. Removes a voter from the metadata quorum.
import { api, errorCode, int32, string, type RequestOf, type ResponseOf, uuid } from '../schema.ts'

export const RemoveRaftVoter = api('RemoveRaftVoter', {
  key: 81,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    clusterId: string().nullable(),
    voterId: int32(),
    voterDirectoryId: uuid()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable()
  }
})

export type RemoveRaftVoterRequest = RequestOf<typeof RemoveRaftVoter>
export type RemoveRaftVoterResponse = ResponseOf<typeof RemoveRaftVoter>
