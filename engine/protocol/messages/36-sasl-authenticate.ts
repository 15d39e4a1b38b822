// SaslAuthenticate, v0–v2. One message of a SASL exchange, either way.
//   v1  life time of the session      v2  flexible
import { api, bytes, errorCode, int64, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const SaslAuthenticate = api('SaslAuthenticate', {
  key: 36,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    authBytes: bytes()
  },
  response: {
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    authBytes: bytes(),
    sessionLifetimeMs: int64().since(1)
  }
})

export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>
