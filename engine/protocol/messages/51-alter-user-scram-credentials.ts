// AlterUserScramCredentials, v0. Sets and removes SCRAM credentials.
import {
  api, array, bytes, errorCode, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const AlterUserScramCredentials = api('AlterUserScramCredentials', {
  key: 51,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    deletions: array({
      name: string(),
      mechanism: int8()
    }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes()
    })
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      user: string(),
      errorCode: errorCode(),
      errorMessage: string().nullable()
    })
  }
})

export type AlterUserScramCredentialsRequest = RequestOf<typeof AlterUserScramCredentials>
export type AlterUserScramCredentialsResponse = ResponseOf<typeof AlterUserScramCredentials>
