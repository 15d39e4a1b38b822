// SaslHandshake, v0–v1. Picks the SASL mechanism. Never flexible.
//   v1  what follows is wrapped in SaslAuthenticate
import { api, array, errorCode, string, type RequestOf, type ResponseOf } from '../schema.ts'

export const SaslHandshake = api('SaslHandshake', {
  key: 17,
  versions: [0, 1],
  request: {
    mechanism: string()
  },
  response: {
    errorCode: errorCode(),
    mechanisms: array(string())
  }
})

export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>
