// DescribeDelegationToken, v1–v3. Lists delegation tokens.
//   v2  flexible      v3  who asked for a token
import {
  api, array, bytes, errorCode, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeDelegationToken = api('DescribeDelegationToken', {
  key: 41,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    owners: array({
      principalType: string(),
      principalName: string()
    }).nullable()
  },
  response: {
    errorCode: errorCode(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string().since(3),
      tokenRequesterPrincipalName: string().since(3),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({
        principalType: string(),
        principalName: string()
      })
    }),
    throttleTimeMs: int32()
  }
})

export type DescribeDelegationTokenRequest = RequestOf<typeof DescribeDelegationToken>
export type DescribeDelegationTokenResponse = ResponseOf<typeof DescribeDelegationToken>
