// DescribeUserScramCredentials, v0. Which users have SCRAM credentials; never the credentials.
import { api, array, errorCode, int32, int8, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const DescribeUserScramCredentials = api('DescribeUserScramCredentials', {
  key: 50,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    users: array({
      name: string()
    }).nullable()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    results: array({
      user: string(),
      errorCode: errorCode(),
      errorMessage: string().nullable(),
      credentialInfos: array({
        mechanism: int8(),
        iterations: int32()
      })
    })
  }
})

export type DescribeUserScramCredentialsRequest = RequestOf<typeof DescribeUserScramCredentials>
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof DescribeUserScramCredentials>
