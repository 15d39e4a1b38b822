// UpdateFeatures, v0–v2. Raises or lowers finalized features.
//   v1  kind of the change, dry run      v2  one error for all instead of one each
import {
  api, array, bool, errorCode, int16, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const UpdateFeatures = api('UpdateFeatures', {
  key: 57,
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    timeoutMs: int32().orElse(60000),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool().until(0),
      upgradeType: int8().since(1).orElse(1)
    }),
    validateOnly: bool().since(1)
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    results: array({
      feature: string(),
      errorCode: errorCode(),
      errorMessage: string().nullable()
    }).until(1)
  }
})

export type UpdateFeaturesRequest = RequestOf<typeof UpdateFeatures>
export type UpdateFeaturesResponse = ResponseOf<typeof UpdateFeatures>
