// GetTelemetrySubscriptions, v0. Which metrics a client is to send, and how often.
import {
  api, array, bool, errorCode, int32, int8, string, type RequestOf, type ResponseOf, uuid
} from '../schema.ts'

export const GetTelemetrySubscriptions = api('GetTelemetrySubscriptions', {
  key: 71,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    clientInstanceId: uuid()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string())
  }
})

export type GetTelemetrySubscriptionsRequest = RequestOf<typeof GetTelemetrySubscriptions>
export type GetTelemetrySubscriptionsResponse = ResponseOf<typeof GetTelemetrySubscriptions>
