// ExpireDelegationToken, v1–v2. Shortens the life of a delegation token, or ends it.
//   v2  flexible
import {
  api, bytes, errorCode, int32, int64, int64Saturated, type RequestOf, type ResponseOf
} from '../schema.ts'

export const ExpireDelegationToken = api('ExpireDelegationToken', {
  key: 40,
  versions: [1, 2],
  flexibleSince: 2,
  request: {
    hmac: bytes(),
    expiryTimePeriodMs: int64Saturated()
  },
  response: {
    errorCode: errorCode(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32()
  }
})

export type ExpireDelegationTokenRequest = RequestOf<typeof ExpireDelegationToken>
export type ExpireDelegationTokenResponse = ResponseOf<typeof ExpireDelegationToken>
