// PushTelemetry, v0. A client's metrics.
import { api, bool, bytes, errorCode, int32, int8, type RequestOf, type ResponseOf, uuid } from '../schema.ts'

export const PushTelemetry = api('PushTelemetry', {
  key: 72,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode()
  }
})

export type PushTelemetryRequest = RequestOf<typeof PushTelemetry>
export type PushTelemetryResponse = ResponseOf<typeof PushTelemetry>
