// RenewDelegationToken, v1–v2. Prolongs a delegation token.
//   v2  flexible
import {
  api, bytes, errorCode, int32, int64, int64Saturated, type RequestOf, type ResponseOf
} from '../schema.ts'

export const RenewDelegationToken = api('RenewDelegationToken', {
  key: 39,
  versions: [1, 2],
  flexibleSince: 2,
  request: {
    hmac: bytes(),
    renewPeriodMs: int64Saturated()
  },
  response: {
    errorCode: errorCode(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32()
  }
})

export type RenewDelegationTokenRequest = RequestOf<typeof RenewDelegationToken>
export type RenewDelegationTokenResponse = ResponseOf<typeof RenewDelegationToken>
