// CreateDelegationToken, v1–v3. Issues a delegation token.
//   v2  flexible      v3  on behalf of someone else
import {
  api, array, bytes, errorCode, int32, int64, int64Saturated, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const CreateDelegationToken = api('CreateDelegationToken', {
  key: 38,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    ownerPrincipalType: string().since(3).nullable(),
    ownerPrincipalName: string().since(3).nullable(),
    renewers: array({
      principalType: string(),
      principalName: string()
    }),
    maxLifetimeMs: int64Saturated()
  },
  response: {
    errorCode: errorCode(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string().since(3),
    tokenRequesterPrincipalName: string().since(3),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32()
  }
})

export type CreateDelegationTokenRequest = RequestOf<typeof CreateDelegationToken>
export type CreateDelegationTokenResponse = ResponseOf<typeof CreateDelegationToken>
